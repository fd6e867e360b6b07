import { runService } from '@facepass/runtime/lifecycle';
import { createLogger } from '@facepass/runtime/logger';
import { readConfig } from './config.ts';
import { startInference } from './serving/server.ts';

await runService(async () => {
  const config = readConfig();
  return startInference({ config, logger: createLogger('inference', config.logLevel) });
});
