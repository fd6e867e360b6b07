import type { Logger } from '@facepass/runtime/logger';
import { messageOf } from '@facepass/runtime/errors';
import type { MigratorConfig } from './config.ts';
import { withDatabase } from './database.ts';
import { exitCodeOf } from './exit.ts';

/**
 * Runs `work`, which ends with an exit code, and puts how it ended into `migration_runs`, on a connection of its own:
 * that of a run that failed may be lost. A database that cannot be reached, or that has no such table yet, is left as
 * it is; the exit code says it all the same.
 * @param command as on the command line: `up --to 3`.
 */
export async function recordEnd(
  command: string,
  { config, logger }: { config: MigratorConfig; logger: Logger },
  work: () => Promise<number>,
): Promise<number> {
  const startedAt = new Date();
  const record = (exitCode: number, message?: string) =>
    withDatabase(config, async (client) => {
      const { rows } = await client.query<{ exists: boolean }>(
        `select to_regclass('migration_runs') is not null as exists`,
      );
      if (!rows[0]!.exists) return;
      await client.query(INSERT, [command, startedAt, exitCode, message?.slice(0, 1000)]);
      await client.query('delete from migration_runs where id <= (select max(id) from migration_runs) - $1', [
        RUNS_KEPT,
      ]);
    }).catch((error: Error) => logger.warn({ reason: error.message }, 'could not record how the run ended'));
  try {
    const exitCode = await work();
    await record(exitCode);
    return exitCode;
  } catch (error) {
    await record(exitCodeOf(error), messageOf(error));
    throw error;
  }
}

const INSERT = 'insert into migration_runs (command, started_at, exit_code, message) values ($1, $2, $3, $4)';
const RUNS_KEPT = 1000;
