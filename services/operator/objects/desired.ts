import type { KubernetesObject } from '../kubernetes/cluster.ts';
import type { Status } from '@facepass/contracts/facepass';
import { CONTROLLER_REVISION } from '../kubernetes/kinds.ts';
import { migrationJob, smokeTestJob } from './jobs.ts';
import { object, type Plan } from './object.ts';
import { activeService, httpRoute, previewService } from './traffic.ts';
import { workloads } from './workloads.ts';

/** Every object that a status asks for: first what directs the traffic, then what serves it. Pure. */
export function desiredObjects(plan: Plan): KubernetesObject[] {
  return [
    ...traffic(plan),
    ...keptRevisions(plan.status).flatMap((revision) => ofRevision(plan, revision)),
    ...jobs(plan),
  ];
}

/** The revisions whose pods run. */
export function keptRevisions({ active, candidate, previous }: Status): string[] {
  return [...new Set([active, candidate, previous].flatMap((one) => (one ? [one.revision] : [])))];
}

/** The revisions of which an object made earlier may stay: the Jobs of one that was given up are kept to be read. */
export function mayStay(status: Status, kind: string, revision: string): boolean {
  if (keptRevisions(status).includes(revision)) return true;
  return kind === 'Job' && status.rejected?.revision === revision;
}

function traffic({ owner, spec, status }: Plan): KubernetesObject[] {
  const objects = [...activeService(owner, spec, status), ...previewService(owner, spec, status)];
  return spec.traffic.mode === 'Gateway' ? [...httpRoute(owner, spec, status), ...objects] : objects;
}

function ofRevision(plan: Plan, revision: string): KubernetesObject[] {
  const data = plan.revisions[revision];
  if (!data) return [];
  const record = object(
    plan.owner,
    CONTROLLER_REVISION,
    `${plan.owner.name}-${revision}`,
    { revision },
    { data, revision: 1 },
  );
  return [record, ...workloads(plan, revision, data)];
}

function jobs({ owner, spec, status }: Plan): KubernetesObject[] {
  const { candidate, phase } = status;
  if (!candidate) return [];
  if (phase === 'Migrating' && spec.migration) return [migrationJob(owner, spec.migration, candidate)];
  if (phase === 'Testing' && spec.smokeTest)
    return [smokeTestJob(owner, spec.smokeTest, spec.traffic.service.port, candidate)];
  return [];
}
