import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createLogger } from '@facepass/runtime/logger';
import { readConfig } from '../config.ts';
import { createMetrics, forgetRelease } from '../metrics.ts';
import { FACEPASS } from '../kubernetes/kinds.ts';
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

test('a process whose leadership ends during a look shows no release any more', async () => {
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

test('a start that fails leaves no Lease and no watch behind', async () => {
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
