import { join } from 'node:path';
import { createLogger, type Logger } from '@facepass/runtime/logger';
import { startOperationsServer } from '@facepass/runtime/operations-server';
import { messageOf } from '@facepass/runtime/errors';
import { parseCommand, type Command } from './command.ts';
import { readConfig } from './config.ts';
import { withDatabase, type Client } from './database.ts';
import { down } from './down.ts';
import { EXIT, exitCodeOf, Refusal } from './exit.ts';
import { grantTo } from './grant.ts';
import { plan } from './plan.ts';
import { createProgress } from './progress.ts';
import { purge } from './purge.ts';
import { recordEnd } from './run-record.ts';
import { status } from './status.ts';
import { readSteps } from './steps.ts';
import { up } from './up.ts';
import { verify } from './verify.ts';
import type { Context } from './walk.ts';

/** Runs the migrator with the arguments of a command line; logs the reason and returns its exit code (`EXIT`). */
export async function runMigrator(args: string[]): Promise<number> {
  let logger: Logger | undefined;
  try {
    const command = parseCommand(args);
    const config = await readConfig();
    logger = createLogger('migrator', config.logLevel);
    const directory = join(import.meta.dirname, '../../migrations');
    const context: Context = {
      config,
      directory,
      steps: await readSteps(directory),
      progress: createProgress(logger),
      logger,
    };
    await using _server =
      config.metricsPort === undefined ? undefined : await serveMetrics(config.metricsPort, context);
    const work = () => withDatabase(config, (client) => run(client, command, context));
    return changesSchema(command) ? await recordEnd(args.join(' '), context, work) : await work();
  } catch (error) {
    const exit_code = exitCodeOf(error);
    const explained = error instanceof Refusal || exit_code === EXIT.configuration;
    if (!logger) process.stderr.write(`${messageOf(error)}\n`);
    else logger.error({ exit_code, ...(explained ? {} : { err: error }) }, messageOf(error));
    return exit_code;
  }
}

function changesSchema(command: Command): boolean {
  return command.name === 'up' || (command.name === 'down' && !command.dryRun);
}

async function run(client: Client, command: Command, context: Context): Promise<number> {
  const { logger } = context;
  switch (command.name) {
    case 'up':
      await up(client, command, context);
      if (command.grantTo !== undefined) await grantTo(client, command.grantTo);
      return EXIT.done;
    case 'down':
      await down(client, command, context);
      return EXIT.done;
    case 'purge':
      await purge(client, command, context);
      return EXIT.done;
    case 'plan':
      logger.info(await plan(client, command, context), 'plan');
      return EXIT.done;
    case 'status':
      logger.info(await status(client, context.steps), 'status');
      return EXIT.done;
    case 'verify': {
      const findings = await verify(client, context);
      for (const finding of findings)
        logger[finding.damaged > 0 ? 'error' : 'info'](finding, finding.damaged > 0 ? 'damaged' : 'ok');
      return findings.some((finding) => finding.damaged > 0) ? EXIT.data : EXIT.done;
    }
  }
}

async function serveMetrics(port: number, { progress, logger }: Context) {
  const server = await startOperationsServer({ port, registry: progress.registry, ready: () => null });
  logger.info({ metrics_port: server.port }, 'serving metrics');
  return server;
}
