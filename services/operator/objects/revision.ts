import { createHash } from 'node:crypto';
import type { PodTemplate, Spec } from '@facepass/contracts/facepass';

/** What makes a revision: the pods of the pair, of its indexer and of its migration. Sizes, steps and gates are not part of it. */
export interface RevisionData {
  api: PodTemplate;
  inference?: PodTemplate;
  indexer?: PodTemplate;
  migration?: PodTemplate;
  model?: { pack?: string };
}

/** The revision that `spec` asks for. */
export function revisionDataOf({ api, inference, indexer, migration, model }: Spec): RevisionData {
  return {
    api: api.template,
    ...(inference && { inference: inference.template }),
    ...(indexer && { indexer: indexer.template }),
    ...(migration && { migration: migration.template }),
    ...(model && { model }),
  };
}

/** Name of a revision: 8 hexadecimal digits, the same for the same content in whatever order of its keys. */
export function revisionNameOf(data: RevisionData): string {
  return createHash('sha256').update(canonical(data)).digest('hex').slice(0, 8);
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).filter(([, field]) => field !== undefined && field !== null);
  return `{${entries
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`)
    .join(',')}}`;
}
