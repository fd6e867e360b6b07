import { FIELD_MANAGER, type Cluster, type KubernetesObject, type Resource } from '../kubernetes/cluster.ts';
import type { Config } from '../config.ts';
import { initialStatus, type Facepass, type PodTemplate, type Spec, type Status } from '@facepass/contracts/facepass';
import { measureGates } from './measure-gates.ts';
import {
  AUTOSCALER,
  CONTROLLER_REVISION,
  DEPLOYMENT,
  EVENT,
  HTTP_ROUTE,
  JOB,
  LABEL,
  POD,
  SERVICE,
} from '../kubernetes/kinds.ts';
import { contracts } from '../objects/jobs.ts';
import { nameOf, type Owner } from '../objects/object.ts';
import { strangerOf } from '../objects/ownership.ts';
import { isSettled, type Observation } from '../decide/observation.ts';
import { modelRefusal } from '../decide/models.ts';
import { readPod, type Meter, type PodReading } from './pod-counters.ts';
import type { InstantQuery } from './prometheus.ts';
import { jobStateOf, podsOf, type Job } from './job.ts';
import { pairOf, type Deployment, type Pod } from './pair.ts';
import { routeStateOf, selectorStateOf, type HttpRoute, type Service } from './route.ts';
import { revisionDataOf, revisionNameOf, type RevisionData } from '../objects/revision.ts';

export interface ObserveContext {
  cluster: Cluster;
  query: InstantQuery;
  config: Pick<Config, 'podMetricsPort'>;
}

/** What is remembered between two looks at one resource; losing it costs time, never correctness. */
export interface ReconcileMemory {
  meter: Meter;
  /** Why the API server refused an object, by its name. */
  refusals: Map<string, string>;
}

/** An observation and the objects behind it. */
export interface Observed {
  observation: Observation;
  revisions: Record<string, RevisionData | undefined>;
  activeSize: { api: number; inference: number };
  ownSizes: Record<string, number>;
  /** Everything in the cluster that carries the resource's label. */
  live: KubernetesObject[];
}

/** Gathers all that a decision about `facepass` depends on. @throws KubernetesError */
export async function observe(
  { cluster, query, config }: ObserveContext,
  facepass: Facepass,
  memory: ReconcileMemory,
  now: () => number,
): Promise<Observed> {
  const { spec, metadata } = facepass;
  const owner = { name: metadata.name, namespace: metadata.namespace ?? '', uid: metadata.uid ?? '' };
  const status: Status = { ...initialStatus(), ...facepass.status };
  const found = await listAll(cluster, facepass);
  const data = revisionDataOf(spec);
  const wanted = revisionNameOf(data);
  const revisions = { ...recordedRevisions(found.records), [wanted]: data };
  const pairs = Object.fromEntries(
    revisionsIn(found.deployments).map((revision) => [
      revision,
      pairOf({
        owner,
        revision,
        spec,
        ...found,
        isWhole: !revisions[revision] || Boolean(revisions[revision]?.inference),
      }),
    ]),
  );
  const route =
    spec.traffic.mode === 'Gateway' ? routeStateOf(found.routes, owner, spec) : selectorStateOf(found.services, owner);
  const readings = await readPods(found.pods, config.podMetricsPort);
  memory.meter.take(readings.read, isSettled(status, route) ? epochOf(status, now()) : null, now());
  for (const [revision, pair] of Object.entries(pairs)) {
    if (!pair) continue;
    pair.schemaFits = fitsOf(readings.read, revision);
    pair.quiet = memory.meter.isQuiet(revision, now());
    pair.refusal = [...memory.refusals].find(([name]) => name.endsWith(revision))?.[1] ?? null;
  }
  const { active, candidate } = status;
  const job = async (task: 'migrate' | 'smoke') => {
    const name = candidate ? nameOf.job(owner, task, candidate.number, candidate.revision) : '';
    const hasNoPod = found.jobs.some((one) => one.metadata.name === name) && podsOf(name, found.pods).length === 0;
    const noPod = hasNoPod ? await whyNoPod(cluster, owner.namespace, name) : null;
    return jobStateOf(found.jobs, found.pods, name, memory.refusals, noPod);
  };
  const gates =
    status.phase === 'Shifting' && candidate && active
      ? await measureGates(query, {
          owner,
          spec,
          status,
          active: active.revision,
          candidate: candidate.revision,
          now: now(),
        })
      : [];
  const observation: Observation = {
    now: now(),
    generation: metadata.generation ?? 0,
    annotations: metadata.annotations ?? {},
    spec,
    status,
    wanted,
    refused: refusalOf(spec, active?.revision === wanted ? undefined : active?.model),
    served: servedBy(route.weights, found.services, owner.name),
    pairs,
    migration: await job('migrate'),
    smokeTest: await job('smoke'),
    foreign: await foreignObject(cluster, owner, spec, found),
    route,
    counted: active && candidate && readings.isWhole ? memory.meter.counted(active.revision, candidate.revision) : null,
    gates,
    schemaVersion: readings.read.find((one) => one.revision === active?.revision)?.schemaVersion,
  };
  return {
    observation,
    revisions,
    activeSize: sizeOf(found.deployments, active?.revision),
    ownSizes: ownSizesOf(found.deployments),
    live: found.all,
  };
}

/** A Job tells nobody but by an event why it makes no pod: a quota that is used up, or a policy. */
async function whyNoPod(cluster: Cluster, namespace: string, job: string): Promise<string | null> {
  const selector = `involvedObject.kind=Job,involvedObject.name=${job},reason=FailedCreate`;
  const events = await cluster
    .list<KubernetesObject & { message?: string }>(EVENT, namespace, undefined, selector)
    .catch(() => ({ items: [] }));
  const message = events.items.at(-1)?.message;
  return message ? `FailedCreate ${message}`.slice(0, 300) : null;
}

/** Somebody else's object under one of the names that direct the traffic, in words; or null. */
async function foreignObject(
  cluster: Cluster,
  owner: Owner,
  { traffic }: Spec,
  { services, routes }: { services: KubernetesObject[]; routes: KubernetesObject[] | null },
): Promise<string | null> {
  const names: [Resource, string, KubernetesObject[]][] = [
    [SERVICE, nameOf.active(owner), services],
    [SERVICE, nameOf.preview(owner), services],
    ...(traffic.mode === 'Gateway' && routes
      ? [[HTTP_ROUTE, owner.name, routes] as [Resource, string, KubernetesObject[]]]
      : []),
  ];
  for (const [resource, name, own] of names) {
    const there = own.find((one) => one.metadata.name === name) ?? (await cluster.get(resource, owner.namespace, name));
    const stranger = there && strangerOf({ ...there, kind: resource.kind }, owner);
    if (stranger) return stranger;
  }
  return null;
}

async function listAll(cluster: Cluster, { metadata: { name, namespace = '' }, spec }: Facepass) {
  const selector = `${LABEL.name}=${name}`;
  const list = async <T extends KubernetesObject>(resource: Parameters<Cluster['list']>[0]) =>
    (await cluster.list<T>(resource, namespace, selector)).items;
  const routes =
    spec.traffic.mode === 'Gateway' ? list<HttpRoute>(HTTP_ROUTE).catch(nullIfUnknown) : Promise.resolve([]);
  const lists = await Promise.all([
    list<Deployment>(DEPLOYMENT),
    list<Service>(SERVICE),
    list<Job>(JOB),
    list(AUTOSCALER),
    list(CONTROLLER_REVISION),
    list<Pod>(POD),
    routes,
  ]);
  const [deployments, services, jobs, autoscalers, records, pods, found] = lists;
  return {
    deployments,
    services,
    jobs,
    autoscalers,
    records,
    pods,
    routes: found,
    all: [...deployments, ...services, ...jobs, ...autoscalers, ...records, ...(found ?? [])],
  };
}

function nullIfUnknown(error: Error & { status?: number }): null {
  if (error.status === 404) return null;
  throw error;
}

function recordedRevisions(records: KubernetesObject[]): Record<string, RevisionData> {
  return Object.fromEntries(
    records.map((record) => [
      record.metadata.labels?.[LABEL.revision] ?? '',
      record['data'] as RevisionData & { api: PodTemplate },
    ]),
  );
}

function revisionsIn(deployments: Deployment[]): string[] {
  return [...new Set(deployments.flatMap((one) => one.metadata.labels?.[LABEL.revision] ?? []))];
}

/** Reads the API pods that are ready; not whole when one of them does not answer. */
async function readPods(pods: Pod[], port: number): Promise<{ read: PodReading[]; isWhole: boolean }> {
  const serving = pods.filter(
    (pod) =>
      pod.metadata.labels?.[LABEL.component] === 'api' &&
      pod.status?.podIP &&
      pod.status.conditions?.some((one) => one.type === 'Ready' && one.status === 'True'),
  );
  const answers = await Promise.all(
    serving.map(async ({ metadata, status }) => {
      const reading = await readPod(
        `${status?.podIP?.includes(':') ? `[${status.podIP}]` : status?.podIP}:${port}`,
        POD_TIMEOUT_MS,
      ).catch(() => null);
      return (
        reading && { uid: metadata.uid ?? metadata.name, revision: metadata.labels?.[LABEL.revision] ?? '', ...reading }
      );
    }),
  );
  const read = answers.filter((one) => one !== null);
  return { read, isWhole: read.length > 0 && read.length === serving.length };
}

/**
 * Once the share was found off, counting begins anew every ten seconds: what a slow gateway still sent by the old
 * weights does not count for ever.
 */
function epochOf({ release, step, stepStartedAt, shareOffSince }: Status, now: number): string {
  const off = shareOffSince ? Math.floor((now - Date.parse(shareOffSince)) / OFF_EPOCH_MS) : -1;
  return `${release}/${step}/${stepStartedAt}/${off}`;
}

function fitsOf(readings: PodReading[], revision: string): boolean | null {
  const known = readings.filter((one) => one.revision === revision && one.schemaFits !== undefined);
  return known.length === 0 ? null : known.every((one) => one.schemaFits);
}

/** Why `spec` may not be released after a revision that serves the packs `ofActive`, or null. */
function refusalOf(spec: Spec, ofActive: string | undefined): Observation['refused'] {
  if (contracts(spec.migration?.template))
    return {
      reason: 'ContractRefused',
      message: 'the migration would contract the schema (--contract), which the active revision does not support',
    };
  return modelRefusal(ofActive, spec.model?.pack);
}

function servedBy(weights: Record<string, number> | null, services: Service[], name: string): string | null {
  const [first] = Object.entries(weights ?? {}).sort(([, a], [, b]) => b - a);
  return (
    first?.[0] ?? services.find((one) => one.metadata.name === `${name}-api`)?.spec.selector?.[LABEL.revision] ?? null
  );
}

function sizeOf(deployments: Deployment[], revision: string | undefined): { api: number; inference: number } {
  const of = (component: string) =>
    deployments.find(
      (one) =>
        one.metadata.labels?.[LABEL.revision] === revision && one.metadata.labels?.[LABEL.component] === component,
    )?.spec.replicas ?? 0;
  return { api: of('api'), inference: of('inference') };
}

/** Once an autoscaler has changed a size, the API server no longer counts it as the operator's. */
function ownSizesOf(deployments: Deployment[]): Record<string, number> {
  const owns = ({ metadata }: Deployment) =>
    metadata.managedFields?.some(
      ({ manager, operation, fieldsV1 }) =>
        manager === FIELD_MANAGER && operation === 'Apply' && 'f:replicas' in ((fieldsV1?.['f:spec'] ?? {}) as object),
    );
  return Object.fromEntries(deployments.filter(owns).map(({ metadata, spec }) => [metadata.name, spec.replicas ?? 1]));
}

const POD_TIMEOUT_MS = 3000;
const OFF_EPOCH_MS = 10_000;
