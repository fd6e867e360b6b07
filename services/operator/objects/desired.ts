import type { KubernetesObject } from '../kubernetes/cluster.ts';
import type { Spec, Status } from '../facepass.ts';
import { CONTROLLER_REVISION } from '../kubernetes/kinds.ts';
import type { RevisionData } from './revision.ts';
import { migrationJob, smokeTestJob } from './jobs.ts';
import { object, type Owner } from './object.ts';
import { activeService, httpRoute, previewService } from './traffic.ts';
import { workloads } from './workloads.ts';

/** What the wanted objects are made of. */
export interface Plan {
  owner: Owner;
  spec: Spec;
  status: Status;
  /** Templates by revision, from the ControllerRevisions and the resource itself. */
  revisions: Record<string, RevisionData | undefined>;
  /**
   * Pods that the active revision has now; another one kept or made beside it is to be as large, even where an
   * autoscaler decides.
   */
  activeSize: { api: number; inference: number };
  /**
   * Sizes of the Deployments, by name, whose size only the operator has ever set: letting go of it would set it to 1.
   */
  ownSizes: Record<string, number>;
}

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
