import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createLogger } from '@facepass/runtime/logger';
import { Registry } from 'prom-client';
import { readConfig } from './config.ts';
import { withDatabase } from './database.ts';
import { EXIT, Refusal } from './exit.ts';
import { down } from './down.ts';
import { createProgress } from './progress.ts';
import { readSteps } from './steps.ts';
import { status } from './status.ts';
import { up } from './up.ts';

/**
 * Runs one command of the migrator.
 * @throws Refusal or ConfigurationError, each with its exit code, or what PostgreSQL answered.
 */
export async function runCommand(args: string[], stop: AbortSignal): Promise<void> {
  const { command, options } = parseCommand(args);
  const config = await readConfig();
  const logger = createLogger('migrator', config.logLevel);
  const steps = await readSteps(MIGRATIONS);
  const progress = createProgress(new Registry(), logger);
  const context = { config, directory: MIGRATIONS, steps, progress, stop, logger };
  await withDatabase(config, async (client) => {
    if (command === 'up') await up(client, { to: options.to ?? LATEST, contract: options.contract }, context);
    else if (command === 'down') await down(client, { to: options.to ?? 2, dryRun: options.dryRun }, context);
    else logger.info(await status(client, steps), 'status');
  });
}

const MIGRATIONS = join(import.meta.dirname, '../../migrations');
const LATEST = 3;

export function parseCommand(args: string[]): Command {
  const { positionals, values } = parseArgs({
    args,
    allowPositionals: true,
    options: { to: { type: 'string' }, contract: { type: 'boolean', default: false }, 'dry-run': { type: 'boolean', default: false } },
  });
  const [command] = positionals;
  if (command !== 'up' && command !== 'down' && command !== 'status') throw new Refusal(EXIT.usage, USAGE);
  return { command, options: { to: values.to === undefined ? undefined : Number(values.to), contract: values.contract, dryRun: values['dry-run'] } };
}

const USAGE = `migrator up [--to VERSION] [--contract] | down [--to VERSION] [--dry-run] | status`;

export interface Command {
  command: 'up' | 'down' | 'status';
  options: { to: number | undefined; contract: boolean; dryRun: boolean };
}
