import { runService } from '@facepass/runtime/lifecycle';
import { createLogger } from '@facepass/runtime/logger';
import { filesOf, keepConfigurationFresh } from '@facepass/runtime/reload';
import { indexerEnvironment, readConfig } from './config.ts';
import { openContext } from './context.ts';
import { startIndexer } from './server.ts';

await runService(async () => {
  const config = readConfig();
  const logger = createLogger('indexer', config.logLevel);
  const context = await openContext(config, logger);
  const server = await startIndexer(context);
  keepConfigurationFresh({
    files: filesOf(indexerEnvironment),
    read: readConfig,
    use: context.renewSecrets,
    gauges: context.metrics.files,
    logger,
  });
  return { logger, drainMs: config.drain.timeoutMs, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
});
