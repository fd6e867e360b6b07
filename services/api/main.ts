import { createLogger } from '@facepass/runtime/logger';
import { runService } from '@facepass/runtime/lifecycle';
import { readConfig } from './config.ts';
import { openContext } from './context.ts';
import { startApi } from './server.ts';
import description from './package.json' with { type: 'json' };

await runService(async () => {
  const config = readConfig();
  const logger = createLogger('api', config.logLevel);
  const context = await openContext(config, logger, description.version);
  const server = await startApi(context);
  return { logger, drainMs: config.drain.timeoutMs, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
});
