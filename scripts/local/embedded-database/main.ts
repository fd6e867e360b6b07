import { parseArgs } from 'node:util';
import { runService } from '@facepass/runtime/lifecycle';
import { createLogger } from '@facepass/runtime/logger';
import { startEmbeddedDatabase } from './database.ts';

const { values } = parseArgs({ options: { directory: { type: 'string' }, 'socket-directory': { type: 'string' } } });

await runService(async () => {
  const { directory, 'socket-directory': socketDirectory } = values;
  if (!directory || !socketDirectory)
    throw new Error('usage: node scripts/local/embedded-database/main.ts --directory DIR --socket-directory DIR');
  const logger = createLogger('database', 'info');
  const database = await startEmbeddedDatabase({ directory, socketDirectory });
  logger.info({ socket_directory: socketDirectory }, 'serving');
  return Object.assign(database, { logger, drainMs: 10_000 });
});
