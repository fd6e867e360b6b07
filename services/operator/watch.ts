import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@facepass/runtime/logger';
import { startOperationsServer } from '@facepass/runtime/operations-server';
import { growingPause } from '@facepass/runtime/retry';
import { KubernetesError, type Cluster, type KubernetesObject, type Resource } from './kubernetes/cluster.ts';
import type { Config } from './config.ts';
import { createMetrics, forgetRelease, type Metrics } from './metrics.ts';
import { AUTOSCALER, DEPLOYMENT, FACEPASS, HTTP_ROUTE, JOB, LABEL, SERVICE } from './kubernetes/kinds.ts';
import { competeForLease } from './kubernetes/lease.ts';
import { createInstantQuery } from './observe/prometheus.ts';
import { createQueue } from './kubernetes/queue.ts';
import { createReconciler } from './reconcile.ts';

/**
 * Starts the operations server, the competition for the Lease, the queue and the watches.
 * @throws what kept it from starting; nothing is left behind then
 */
export async function startOperator({
  config,
  cluster,
  logger,
}: {
  config: Config;
  cluster: Cluster;
  logger: Logger;
}): Promise<AsyncDisposable & { port: number }> {
  await using stack = new AsyncDisposableStack();
  const metrics = createMetrics();
  const namespaces = config.namespaces ?? [null];
  showLeader(false);
  const listed = new Set<string>();
  // Prometheus does not count: an operator that can put the traffic back is ready.
  const ready = () =>
    namespaces.every((namespace) => listed.has(`${namespace}/${FACEPASS.kind}`))
      ? leadership.trouble()
      : 'Facepass resources not listed yet';
  const { metricsPort: port, host } = config;
  const server = stack.use(await startOperationsServer({ port, host, registry: metrics.registry, ready }));

  const stop = new AbortController();
  const leadership = competeForLease(
    cluster,
    config.lease,
    { onChange: lead, onError: (error) => logger.warn({ err: error }, 'cannot read or write the Lease') },
    stop.signal,
  );
  const ends: Promise<void>[] = [leadership.ended];
  stack.defer(async () => {
    stop.abort();
    await Promise.all(ends);
  });
  const query = createInstantQuery(config.prometheus);
  const reconcile = createReconciler({ config, cluster, leadership, metrics, logger, query, now: Date.now });
  // Work in progress ends before the Lease is released: the next holder begins at once.
  const queue = stack.use(createQueue(reconcile));

  function lead(isLeader: boolean): void {
    logger.info({ holder: config.lease.holder }, isLeader ? 'leading' : 'not leading');
    showLeader(isLeader);
    if (isLeader) void resync();
    else forgetRelease(metrics);
  }
  function showLeader(isLeader: boolean): void {
    metrics.leader.set(isLeader ? 1 : 0);
    for (const namespace of namespaces) metrics.leads.set({ watched: namespace ?? '*' }, isLeader ? 1 : 0);
  }
  async function resync(): Promise<void> {
    for (const namespace of namespaces) {
      const found = await cluster
        .list(FACEPASS, namespace)
        .catch((error: Error) => logger.warn({ err: error }, 'cannot list the resources'));
      for (const { metadata } of found?.items ?? []) queue.add(`${metadata.namespace}/${metadata.name}`);
    }
  }
  for (const namespace of namespaces) {
    for (const resource of [FACEPASS, DEPLOYMENT, SERVICE, AUTOSCALER, JOB, HTTP_ROUTE]) {
      const onList = () => listed.add(`${namespace}/${resource.kind}`);
      const onChange = (key: string) => queue.add(key);
      ends.push(keepWatching({ cluster, resource, namespace, metrics, logger, signal: stop.signal, onList, onChange }));
    }
  }
  const clock = setInterval(() => void resync(), config.resyncMs);
  stack.defer(() => clearInterval(clock));
  logger.info({ metrics_port: server.port, namespaces: config.namespaces ?? 'all' }, 'watching');
  const owned = stack.move();
  return { port: server.port, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

export interface Watching {
  cluster: Cluster;
  resource: Resource;
  namespace: string | null;
  metrics: Metrics;
  logger: Logger;
  signal: AbortSignal;
  onList: () => void;
  /** Called with `namespace/name` of the Facepass resource that a change concerns. */
  onChange: (key: string) => void;
}

/**
 * Lists, then watches from there, repeatedly until `signal`: resumes after a planned end, and lists again after an error
 * and a growing pause.
 */
export async function keepWatching({
  cluster,
  resource,
  namespace,
  metrics,
  logger,
  signal,
  onList,
  onChange,
}: Watching): Promise<void> {
  const markSynced = () =>
    metrics.synced.set({ ...(namespace !== null && { namespace }), kind: resource.kind }, Date.now() / 1000);
  let version: string | null = null;
  let failures = 0;
  const seen = new Map<string, string>();
  const selector = resource.kind === FACEPASS.kind ? undefined : LABEL.name;
  const report = (type: string, object: KubernetesObject) => {
    version = object.metadata.resourceVersion ?? version;
    markSynced();
    failures = 0;
    const key = type === 'BOOKMARK' ? null : concernOf(resource, object);
    // Ignore changes that only touch the status: the operator wrote it.
    const mark = `${type === 'DELETED'}/${object.metadata.generation}/${JSON.stringify(object.metadata.annotations)}/${object.metadata.deletionTimestamp}`;
    if (key && (resource.kind !== FACEPASS.kind || seen.get(key) !== mark)) onChange(key);
    if (key) seen.set(key, mark);
  };
  while (!signal.aborted) {
    try {
      if (version === null) {
        const { items, resourceVersion } = await cluster.list(resource, namespace, selector);
        version = resourceVersion;
        seen.clear();
        markSynced();
        onList();
        for (const item of items) {
          const key = concernOf(resource, item);
          if (key) onChange(key);
        }
      }
      await cluster.watch(resource, namespace, version, report, signal, selector);
      markSynced();
      failures = 0;
      await delay(MIN_PAUSE_MS, undefined, { signal }).catch(() => undefined);
    } catch (error) {
      version = null;
      failures += 1;
      const { status } = error as KubernetesError;
      if (status !== 410 && !(status === 404 && resource.kind === HTTP_ROUTE.kind))
        logger.warn({ err: error, kind: resource.kind }, 'a watch failed; listing again');
      metrics.errors.inc({ code: status ?? 0 });
      await delay(pauseOf(resource, failures, status), undefined, { signal }).catch(() => undefined);
    }
  }
}

function concernOf(resource: Resource, { metadata }: KubernetesObject): string | null {
  const name = resource.kind === FACEPASS.kind ? metadata.name : metadata.labels?.[LABEL.name];
  return name ? `${metadata.namespace}/${name}` : null;
}

/** With jitter, so that replicas do not return together. A cluster without the Gateway API is asked again seldom. */
function pauseOf(resource: Resource, failures: number, status: number): number {
  if (status === 404 && resource.kind === HTTP_ROUTE.kind) return LONGEST_PAUSE_MS;
  return growingPause(failures + 1, { firstMs: MIN_PAUSE_MS, longestMs: LONGEST_PAUSE_MS, jitter: 0.5 });
}

const MIN_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 30_000;
