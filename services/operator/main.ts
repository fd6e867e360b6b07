import { runService } from '@facepass/runtime/lifecycle';
import { createLogger } from '@facepass/runtime/logger';
import { connectToCluster } from './kubernetes/cluster.ts';
import { readConfig } from './config.ts';
import { startOperator } from './watch.ts';

const DRAIN_MS = 10_000;

await runService(async () => {
  const config = readConfig();
  const logger = createLogger('operator', config.logLevel);
  const cluster = connectToCluster({ timeoutMs: config.kubernetesTimeoutMs });
  const operator = await startOperator({ config, cluster, logger });
  return { logger, drainMs: DRAIN_MS, [Symbol.asyncDispose]: () => operator[Symbol.asyncDispose]() };
});
