import { createLogger } from '@facepass/runtime/logger';
import { runService } from '@facepass/runtime/lifecycle';
import { filesOf, keepConfigurationFresh } from '@facepass/runtime/reload';
import { apiEnvironment, readConfig } from './config.ts';
import { openContext } from './context.ts';
import { startApi } from './server.ts';
import description from './package.json' with { type: 'json' };

await runService(async () => {
  const config = readConfig();
  const logger = createLogger('api', config.logLevel);
  const context = await openContext(config, logger, description.version);
  const server = await startApi(context);
  const gauges = context.metrics.files;
  keepConfigurationFresh({
    files: filesOf(apiEnvironment),
    read: readConfig,
    use: context.renewSecrets,
    gauges,
    logger,
  });
  return { logger, drainMs: config.drain.timeoutMs, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
});
