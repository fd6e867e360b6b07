import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '@facepass/runtime/logger';
import { KubernetesError, type Cluster } from './kubernetes/cluster.ts';
import { createMetrics } from './metrics.ts';
import { DEPLOYMENT, FACEPASS, LABEL } from './kubernetes/kinds.ts';
import { keepWatching } from './watch.ts';

test('the watch of one namespace does not hide that another is out of date', async () => {
  await using watches = watchThe('weddings', 'photos');
  while ((await watches.synced()).length === 0) await new Promise(setImmediate);
  assert.deepEqual(await watches.synced(), ['{namespace="photos",kind="Deployment"}']);
});

test('a cluster-wide watch names no namespace', async () => {
  await using watches = watchThe(null);
  while ((await watches.synced()).length === 0) await new Promise(setImmediate);
  assert.deepEqual(await watches.synced(), ['{kind="Deployment"}']);
});

test('a watch selects the same objects as its list: its own, and every Facepass', async () => {
  for (const [resource, selector] of [
    [DEPLOYMENT, LABEL.name],
    [FACEPASS, undefined],
  ] as const) {
    const asked: unknown[] = [];
    const stop = new AbortController();
    const cluster = {
      list: async (_resource: unknown, _namespace: unknown, labelSelector: unknown) => (
        asked.push(labelSelector),
        { items: [], resourceVersion: '1' }
      ),
      watch: async (...[, , , , , labelSelector]: Parameters<Cluster['watch']>) => {
        asked.push(labelSelector);
        stop.abort();
      },
    } as unknown as Cluster;
    await keepWatching({
      cluster,
      resource,
      namespace: null,
      metrics: createMetrics(),
      logger: createLogger('operator', 'silent'),
      signal: stop.signal,
      onList: () => undefined,
      onChange: () => undefined,
    });
    assert.deepEqual(asked, [selector, selector]);
  }
});

/** Watches the Deployments of namespaces on a cluster that refuses those of `weddings`. */
function watchThe(...namespaces: (string | null)[]) {
  const metrics = createMetrics();
  const stop = new AbortController();
  const cluster = {
    list: (_resource: unknown, namespace: string | null) =>
      namespace === 'weddings'
        ? Promise.reject(new KubernetesError(403, 'forbidden'))
        : Promise.resolve({ items: [], resourceVersion: '1' }),
    watch: (_resource: unknown, _namespace: unknown, _version: unknown, _onEvent: unknown, signal: AbortSignal) =>
      new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve())),
  } as unknown as Cluster;
  const watching = namespaces.map((namespace) =>
    keepWatching({
      cluster,
      resource: DEPLOYMENT,
      namespace,
      metrics,
      logger: createLogger('operator', 'silent'),
      signal: stop.signal,
      onList: () => undefined,
      onChange: () => undefined,
    }),
  );
  const synced = async () =>
    [
      ...(await metrics.registry.metrics()).matchAll(/^facepass_operator_watch_synced_timestamp_seconds(\{.*\}) /gm),
    ].map(([, labels]) => labels);
  return {
    synced,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await Promise.all(watching);
    },
  };
}
