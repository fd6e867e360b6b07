import { withMigrationLock, type Client } from './database.ts';
import { EXIT, Refusal } from './exit.ts';
import { readState } from './state.ts';
import type { Context } from './walk.ts';

/**
 * Drops the backup, the quarantine and their like when they are older than `days`: they hold biometric data that nobody
 * needs once the way back has been given up.
 * @throws Refusal below schema 3, where tables kept aside hold faces that are nowhere else.
 */
export async function purge(client: Client, options: { days: number }, context: Context): Promise<void> {
  const { config, logger } = context;
  await withMigrationLock(client, { waitMs: config.waitMs, logger }, async () => {
    const { version } = await readState(client, context.steps);
    if (version < 3)
      throw new Refusal(
        EXIT.data,
        `At schema ${version} the tables kept aside hold the only copy of some faces; migrate up first.`,
      );
    await client.query('begin');
    const { rows } = await client.query<{ name: string }>(OVERDUE, [options.days]);
    for (const { name } of rows) {
      await client.query(`drop table ${name}`);
      await client.query('delete from face_copies where quote_ident(table_name) = $1', [name]);
    }
    await client.query('commit');
    logger.info(
      { dropped: rows.map((row) => row.name) },
      rows.length > 0 ? 'copies dropped; their rows cannot be restored' : 'nothing to drop',
    );
  });
}

const OVERDUE = `
  select quote_ident(table_name) as name from face_copies
  where kind in ('backup', 'quarantine') and made_at <= now() - make_interval(secs => $1 * 86400.0) order by 1`;
