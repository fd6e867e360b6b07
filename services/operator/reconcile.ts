import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from '@facepass/runtime/logger';
import { applyObjects } from './objects/apply.ts';
import { KubernetesError, type Cluster, type KubernetesObject } from './kubernetes/cluster.ts';
import type { Config } from './config.ts';
import { decide } from './decide/decide.ts';
import { forgetRelease, recordEnd, recordRelease, type Metrics } from './metrics.ts';
import type { Facepass, Status } from '@facepass/contracts/facepass';
import { EVENT, FACEPASS } from './kubernetes/kinds.ts';
import { NotLeader, type Leadership } from './kubernetes/lease.ts';
import { desiredObjects } from './objects/desired.ts';
import { observe, type ReconcileMemory } from './observe/observe.ts';
import { createMeter } from './observe/pod-counters.ts';
import type { InstantQuery } from './observe/prometheus.ts';
import type { ReleaseEvent } from './decide/transitions.ts';

export interface Context {
  config: Pick<Config, 'podMetricsPort' | 'resyncMs' | 'stepIntervalMs'>;
  cluster: Cluster;
  query: InstantQuery;
  leadership: Leadership;
  metrics: Metrics;
  logger: Logger;
  now: () => number;
}

/**
 * Reconciles one resource at a time: observe, decide, write the status, act. It can lose what it remembers in between.
 */
export function createReconciler(context: Context) {
  const memories = new Map<string, ReconcileMemory & { fullAt: number }>();
  /**
   * @param key `namespace/name`. @returns milliseconds until the next reconciliation, or null. @throws the error that
   * prevented it.
   */
  return async (key: string): Promise<number | null> => {
    if (!context.leadership.isLeader()) {
      memories.clear();
      return null;
    }
    const [namespace = '', name = ''] = key.split('/');
    try {
      const facepass = await context.cluster.get<Facepass>(FACEPASS, namespace, name);
      if (!facepass || facepass.metadata.deletionTimestamp) {
        // Its objects go with it by their owner references; no traffic is moved before.
        memories.delete(key);
        forgetRelease(context.metrics, { namespace, name });
        return null;
      }
      const memory = memories.get(key) ?? {
        meter: createMeter(),
        refusals: new Map<string, string>(),
        fullAt: -Infinity,
      };
      memories.set(key, memory);
      const after = await look(context, facepass, memory);
      context.metrics.reconciles.inc({ result: after === 0 ? 'again' : 'done' });
      return after;
    } catch (error) {
      return recover(context, key, error as Error);
    }
  };
}

async function look(
  context: Context,
  facepass: Facepass,
  memory: ReconcileMemory & { fullAt: number },
): Promise<number> {
  const { cluster, leadership, metrics, config, now } = context;
  const { observation, live, ...basis } = await observe(context, facepass, memory, now);
  const { status, events } = decide(observation);
  if (!isDeepStrictEqual(JSON.parse(JSON.stringify(status)), facepass.status)) {
    await leadership.assertHeld();
    await cluster.replace<Facepass>(FACEPASS, { ...facepass, status }, 'status');
  }
  for (const event of events) await report(context, facepass, status, event);
  // Leadership may have ended during this look: its end forgets all releases, and the next leader shows them.
  if (leadership.isLeader()) recordRelease(metrics, facepass, status);
  const { metadata, spec } = facepass;
  const owner = { name: metadata.name, namespace: metadata.namespace ?? '', uid: metadata.uid ?? '' };
  const isFull = now() - memory.fullAt >= config.resyncMs;
  memory.refusals = await applyObjects(
    { cluster, assertHeld: leadership.assertHeld, owner },
    desiredObjects({ owner, spec, status, ...basis }),
    live,
    status,
    isFull,
  );
  if (isFull) memory.fullAt = now();
  if (events.length > 0 || memory.refusals.size > 0) return events.length > 0 ? 0 : config.stepIntervalMs;
  return intervalOf(status, config, now());
}

/**
 * Polls at the step interval while a release is in progress or traffic must drain: watches report neither. Otherwise the
 * watches and the full resync suffice.
 */
function intervalOf(
  { phase, reason, previous, candidate }: Status,
  { stepIntervalMs, resyncMs }: Context['config'],
  now: number,
): number {
  if (candidate || phase === 'Retiring' || reason === 'TrafficNotMoved') return stepIntervalMs;
  if (!previous) return resyncMs;
  return Math.max(stepIntervalMs, Math.min(resyncMs, Date.parse(previous.until) - now));
}

/** A conflict is not a failure: the next reconciliation sees the other write. */
function recover({ metrics, logger }: Context, key: string, error: Error): number | null {
  if (error instanceof NotLeader) return null;
  if (error instanceof KubernetesError) metrics.errors.inc({ code: error.status });
  if (error instanceof KubernetesError && error.status === 409) {
    metrics.reconciles.inc({ result: 'again' });
    return AFTER_CONFLICT_MS;
  }
  metrics.reconciles.inc({ result: 'failed' });
  logger.error({ facepass: key, err: error }, 'reconcile failed');
  throw error;
}

/** A Kubernetes event and a log line. The event's name is a digest of its content, so that a repetition is one event. */
async function report(
  { cluster, leadership, logger, metrics, now }: Context,
  facepass: Facepass,
  status: Status,
  { type, reason, message, result }: ReleaseEvent,
): Promise<void> {
  const { name, namespace = '', uid } = facepass.metadata;
  if (leadership.isLeader()) recordEnd(metrics, facepass, result);
  logger[type === 'Warning' ? 'warn' : 'info'](
    { namespace, name, reason, release: status.release, phase: status.phase, weight: status.weight },
    message,
  );
  const digest = createHash('sha256')
    .update([uid, status.release, status.step, reason, message].join('\n'))
    .digest('hex')
    .slice(0, 16);
  const at = new Date(now()).toISOString();
  const event: KubernetesObject = {
    apiVersion: EVENT.apiVersion,
    kind: EVENT.kind,
    metadata: { name: `${name}.${digest}`, namespace },
    involvedObject: {
      apiVersion: FACEPASS.apiVersion,
      kind: FACEPASS.kind,
      name,
      namespace,
      uid,
      resourceVersion: facepass.metadata.resourceVersion,
    },
    type,
    reason,
    message: message.slice(0, 1000),
    source: { component: 'facepass-operator' },
    reportingComponent: 'facepass-operator',
    firstTimestamp: at,
    lastTimestamp: at,
    count: 1,
  };
  await leadership.assertHeld();
  // The status is already written: a failed event must not delay the traffic.
  await cluster.create(EVENT, event).catch((error: Error) => {
    if (!(error instanceof KubernetesError && error.status === 409))
      logger.warn({ err: error }, 'could not write an event');
  });
}

const AFTER_CONFLICT_MS = 100;
