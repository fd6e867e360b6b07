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
 * Looks at one resource after another: observe, decide, write the status, act. What it remembers between two looks it
 * can lose.
 */
export function createReconciler(context: Context) {
  const memories = new Map<string, ReconcileMemory & { fullAt: number }>();
  /**
   * @param key `namespace/name`. @returns the milliseconds after which to look again, or null. @throws what kept it
   * from its work.
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
 * A release under way, and requests that are to stop, are looked at often: no watch tells of either. Else the watches
 * call, and the full resync.
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

/** A lost race is no fault: the next look sees what the other one wrote. */
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

/** An event of Kubernetes and a log line. The name of the event holds what it says, so that told twice it is one. */
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
  // The status is written already: an event that cannot be told must not hold the traffic up.
  await cluster.create(EVENT, event).catch((error: Error) => {
    if (!(error instanceof KubernetesError && error.status === 409))
      logger.warn({ err: error }, 'an event could not be written');
  });
}

const AFTER_CONFLICT_MS = 100;
