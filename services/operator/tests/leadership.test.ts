import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { createLogger } from '@facepass/runtime/logger';
import { KubernetesError } from '../kubernetes/cluster.ts';
import { readConfig } from '../config.ts';
import { createMetrics, forgetRelease } from '../metrics.ts';
import { FACEPASS, LEASE } from '../kubernetes/kinds.ts';
import { createReconciler } from '../reconcile.ts';
import { startOperator } from '../watch.ts';
import { createMemoryCluster } from './memory-cluster.ts';
import { specOf } from './world.ts';

const logger = createLogger('operator', 'silent');
const facepass = {
  apiVersion: FACEPASS.apiVersion,
  kind: FACEPASS.kind,
  metadata: { name: 'faces', namespace: 'photos', uid: 'f1' },
  spec: specOf({ gates: [] }),
};

test('exports no release after leadership ends during a reconciliation', async () => {
  await using cluster = await createMemoryCluster();
  cluster.put(facepass);
  const metrics = createMetrics();
  let isLeading = true;
  const lose = () => {
    isLeading = false;
    forgetRelease(metrics);
  };
  let losesAtNextGet = false;
  const reconcile = createReconciler({
    config: { podMetricsPort: cluster.metricsPort, resyncMs: 60_000, stepIntervalMs: 2000 },
    cluster: {
      ...cluster,
      get: async (...call) => {
        const found = await cluster.get(...call);
        if (losesAtNextGet) lose();
        return found as never;
      },
    },
    query: async () => 0,
    leadership: { isLeader: () => isLeading, assertHeld: async () => undefined },
    metrics,
    logger,
    now: Date.now,
  });
  const shown = async () =>
    (await metrics.registry.metrics()).split('\n').filter((line) => line.startsWith('facepass_operator_release'));
  while ((await reconcile('photos/faces')) === 0) cluster.tick(1000);
  assert.ok((await shown()).length > 0);
  losesAtNextGet = true;
  await reconcile('photos/faces');
  assert.deepEqual(await shown(), []);
});

test('a failed start leaves no Lease and no watch behind', async () => {
  await using cluster = await createMemoryCluster();
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const METRICS_PORT = String((taken.address() as AddressInfo).port);
  const config = readConfig({ POD_NAMESPACE: 'photos', POD_NAME: 'first', METRICS_PORT, HOST: '127.0.0.1' });
  await assert.rejects(startOperator({ config, cluster, logger }), { code: 'EADDRINUSE' });
  taken.close();
  assert.deepEqual(cluster.named('Lease'), []);
  assert.deepEqual(
    process.getActiveResourcesInfo().filter((name) => name === 'Timeout'),
    [],
  );
});

test('is not ready and says why while the Lease is unreachable, and exports who leads for which namespace', async () => {
  await using cluster = await createMemoryCluster();
  const environment = {
    POD_NAMESPACE: 'photos',
    OPERATOR_NAMESPACES: 'photos,staging',
    METRICS_PORT: '0',
    HOST: '127.0.0.1',
  };
  const lease = {
    LEASE_DURATION_MS: '1500',
    LEASE_RENEW_DEADLINE_MS: '1000',
    LEASE_RETRY_MS: '100',
    KUBERNETES_TIMEOUT_MS: '100',
  };
  const config = readConfig({ ...environment, ...lease });
  let isForbidden = false;
  const get: typeof cluster.get = async (resource, ...call) => {
    if (isForbidden && resource.kind === LEASE.kind) throw new KubernetesError(403, 'leases is forbidden');
    return cluster.get(resource, ...call);
  };
  await using operator = await startOperator({ config, cluster: { ...cluster, get }, logger });
  const read = async (path: string) => (await fetch(`http://127.0.0.1:${operator.port}${path}`)).text();
  const leads = async () =>
    (await read('/metrics')).split('\n').filter((line) => line.startsWith('facepass_operator_namespace_leader{'));
  const becomes = async (look: () => Promise<unknown>, wanted: unknown) => {
    while (!isDeepStrictEqual(await look(), wanted)) await setImmediate();
  };
  const inBoth = (value: number) =>
    ['photos', 'staging'].map((one) => `facepass_operator_namespace_leader{watched="${one}"} ${value}`);
  await becomes(leads, inBoth(1));
  await becomes(() => read('/readyz'), 'ok\n');
  isForbidden = true;
  await becomes(leads, inBoth(0));
  await becomes(() => read('/readyz'), 'the Lease is unreachable: leases is forbidden\n');
  isForbidden = false;
  await becomes(leads, inBoth(1));
  await becomes(() => read('/readyz'), 'ok\n');
});
