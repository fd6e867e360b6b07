import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { Facepass } from '../services/contracts/facepass.ts';
import { desiredObjects } from '../services/operator/objects/desired.ts';
import { releasing } from '../services/operator/tests/world.ts';

/** An object of a cluster, as far as people look for it. */
export interface Installed {
  kind: string;
  labels: Record<string, string>;
  /** Names of a pod's containers, sidecars too. */
  containers: string[];
}

/**
 * What the charts put into a cluster, and what the operator makes of it, by the mode; pods as well as what makes them.
 */
export const INSTALLED: Record<'plain' | 'sidecar' | 'blueGreen' | 'operator', Installed[]> = {
  plain: objectsOf(rendered('facepass/production')),
  sidecar: objectsOf(rendered('facepass/sidecar')),
  blueGreen: objectsOf([...rendered('facepass/blue-green'), ...madeByOperator()]),
  operator: objectsOf(rendered('facepass-operator/default')),
};

function rendered(snapshot: string): Manifest[] {
  const text = readFileSync(join(import.meta.dirname, `../charts/tests/snapshots/${snapshot}.yaml`), 'utf8');
  return parseAllDocuments(text, { merge: true })
    .map((document) => document.toJS() as Manifest)
    .filter(Boolean);
}

/** A release in the middle: two revisions, and its Jobs. */
function madeByOperator(): Manifest[] {
  const facepass = rendered('facepass/blue-green').find(({ kind }) => kind === 'Facepass') as unknown as Facepass;
  const { spec } = facepass;
  const owner = { name: facepass.metadata.name, namespace: 'photos', uid: 'u1' };
  const data = {
    api: spec.api.template,
    ...(spec.inference && { inference: spec.inference.template }),
    ...(spec.indexer && { indexer: spec.indexer.template }),
  };
  const plan = {
    owner,
    spec,
    revisions: { blue: data, green: data },
    activeSize: { api: 2, inference: 2 },
    ownSizes: {},
  };
  return [releasing('Migrating'), releasing('Testing')].flatMap((status) =>
    desiredObjects({ ...plan, status }),
  ) as unknown as Manifest[];
}

function objectsOf(manifests: Manifest[]): Installed[] {
  return manifests.flatMap(({ kind, metadata, spec }) => {
    const pod = ['Deployment', 'Job', 'StatefulSet'].includes(kind) ? spec?.template : undefined;
    const containers = [...(pod?.spec.containers ?? []), ...(pod?.spec.initContainers ?? [])].map(({ name }) => name);
    return [
      { kind, labels: metadata.labels ?? {}, containers: [] },
      ...(pod ? [{ kind: 'Pod', labels: pod.metadata?.labels ?? {}, containers }] : []),
    ];
  });
}

interface Manifest {
  kind: string;
  metadata: { labels?: Record<string, string> };
  spec?: {
    template?: {
      metadata?: { labels?: Record<string, string> };
      spec: { containers: { name: string }[]; initContainers?: { name: string }[] };
    };
  };
}
