import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@facepass/runtime/logger';
import type { PostgresConnection } from '@facepass/runtime/postgres';
import { growingPause, retry } from '@facepass/runtime/retry';
import pg from 'pg';
import type { MigratorConfig } from './config.ts';
import { EXIT, isStatementTimeout, Refusal } from './exit.ts';

export type Client = pg.Client;

/**
 * Runs `work` with one connection and the migrator's limits set on it, and ends the connection. Settings are put back
 * before: the embedded database has one backend for all its clients. When the process dies, the server notices within
 * five seconds and ends its statement; else an index build would hold the migrators' lock for hours.
 * @throws Refusal when a statement ran longer than the limit: the next run would run as long, and be ended again; and
 * when a pooler gives each transaction another session, where neither lock nor settings hold.
 */
export async function withDatabase<Result>(
  config: MigratorConfig,
  work: (client: Client) => Promise<Result>,
): Promise<Result> {
  const client = await connect(config.connection, 'facepass-migrator');
  try {
    await refuseSharedSessions(client, config.connection);
    await client.query('set client_connection_check_interval = 5000').catch(() => {}); // not on every platform
    await client.query(SESSION_SETTINGS, [`${config.lockTimeoutMs}`, `${config.statementTimeoutMs}`]);
    return await work(client);
  } catch (error) {
    throw isStatementTimeout(error) ? outOfTime(config, error) : error;
  } finally {
    await client.query('rollback').catch(() => {});
    await client.query('reset all').catch(() => {});
    await client.end().catch(() => {});
  }
}

/** A connection to look at the server by, while another one works. */
export async function openObserver(connection: PostgresConnection): Promise<Client> {
  const client = await connect(connection, 'facepass-migrator-observer');
  await client.query('set statement_timeout = 5000');
  return client;
}

/** Limits are set by statements: PgBouncer refuses a connection whose startup message holds them. */
async function connect(connection: pg.ClientConfig, application_name: string): Promise<Client> {
  const client = new pg.Client({ ...connection, application_name, keepAlive: true });
  // A connection that dies while idle reports it only here; the next query fails too.
  client.on('error', () => {});
  await client.connect();
  return client;
}

/** The session that runs the statements of `client`, as pg_stat_activity names it: a pooler tells another one. */
export async function backendOf(client: Client): Promise<number> {
  return (await client.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]!.pid;
}

/**
 * A pooler in transaction mode may run each transaction in another session: the lock against other migrators would stay
 * in one that it then lends to the API. Such a pooler gives a second client the session of the first one, or changes it.
 */
async function refuseSharedSessions(client: Client, connection: PostgresConnection): Promise<void> {
  const { processID: told } = client as Client & { processID: number | null };
  const own = await backendOf(client);
  if (told === own || (await isEmbedded(client))) return;
  const other = await connect({ ...connection, query_timeout: SECOND_SESSION_MS }, 'facepass-migrator');
  try {
    await other.query('begin');
    const lent = await backendOf(other);
    const seen = [await backendOf(client), await backendOf(client)];
    if (lent !== own && seen.every((pid) => pid === own)) return;
  } catch (cause) {
    throw new Refusal(EXIT.retry, 'The pooler in front of PostgreSQL has no free second session.', { cause });
  } finally {
    await other.end().catch(() => {});
  }
  throw new Refusal(EXIT.configuration, SHARED_SESSIONS);
}

async function isEmbedded(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ embedded: boolean }>(`select version() ~ 'emscripten|emcc|wasm' as embedded`);
  return rows[0]!.embedded;
}

const SECOND_SESSION_MS = 10_000;
const SHARED_SESSIONS =
  'DATABASE_URL points to a pooler in transaction mode (PgBouncer: pool_mode=transaction). ' +
  'A migration needs one session throughout: connect the migrator directly to PostgreSQL, ' +
  'or to a pool in session mode. Nothing was changed.';

function outOfTime({ statementTimeoutMs }: MigratorConfig, cause: unknown): Refusal {
  const rule = `A statement ran longer than MIGRATION_STATEMENT_TIMEOUT_MS=${statementTimeoutMs} and was rolled back. `;
  return new Refusal(EXIT.configuration, `${rule}Raise the limit and run again; earlier statements are kept.`, {
    cause,
  });
}

// First the schema that holds our tables, since new ones must lie beside them: a schema named as the role comes before
// `public` on PostgreSQL's own path. pg_temp last: else a temporary table could stand in for one of ours inside a security
// definer function.
const SESSION_SETTINGS = `
  select set_config('lock_timeout', $1, false), set_config('statement_timeout', $2, false),
    set_config('idle_in_transaction_session_timeout', '60000', false),
    set_config('search_path', array_to_string(array(
      select quote_ident(s) from unnest(current_schemas(false)) with ordinality path (s, place)
      order by s is distinct from (select relnamespace::regnamespace::name from pg_class
        where oid = coalesce(to_regclass('face_embeddings'), to_regclass('face_copies'))), place), ', ') || ', pg_temp', false)`;

/**
 * Runs `work` while no other migrator runs on this database; waits up to `waitMs` for one that does.
 * The lock is polled: CREATE INDEX CONCURRENTLY waits for every older snapshot, and a session blocked in
 * pg_advisory_lock holds one, so the two would deadlock.
 * @throws Refusal (retriable) when the other has not finished in time.
 */
export async function withMigrationLock<Result>(
  client: Client,
  context: { waitMs: number; logger: Logger },
  work: () => Promise<Result>,
): Promise<Result> {
  const giveUpAt = Date.now() + context.waitMs;
  for (let attempt = 0; !(await tryLock(client)); attempt++) {
    if (Date.now() >= giveUpAt)
      throw new Refusal(
        EXIT.retry,
        `Another migrator still holds the lock after ${context.waitMs} ms. Nothing was changed.`,
      );
    if (attempt % 30 === 0) context.logger.info('another migrator is running; waiting');
    await sleep(Math.min(1000, 100 + attempt * 100));
  }
  try {
    return await work();
  } finally {
    await client.query('select pg_advisory_unlock($1, 0)', [MIGRATION_LOCK]).catch(() => {});
  }
}

const MIGRATION_LOCK = 0x66616365; // "face"

async function tryLock(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ locked: boolean }>('select pg_try_advisory_lock($1, 0) as locked', [
    MIGRATION_LOCK,
  ]);
  return rows[0]!.locked;
}

/**
 * Runs `step` again while it fails for want of a lock, `attempts` times at most, and rolls back in between. Each
 * attempt waits `lock_timeout` at most, so that the queries queued behind it are never held up for longer.
 */
export async function retryOnLock<Result>(
  client: Client,
  context: { lockAttempts: number; logger: Logger; name: string },
  step: () => Promise<Result>,
): Promise<Result> {
  const attempt = async () => {
    try {
      return await step();
    } catch (error) {
      await client.query('rollback').catch(() => {});
      throw error;
    }
  };
  const pauseMs = (error: unknown, failures: number) => {
    const code = (error as pg.DatabaseError).code ?? '';
    if (!LOCK_NOT_HAD.has(code) || failures >= context.lockAttempts) return null;
    context.logger.warn({ step: context.name, attempt: failures, sqlstate: code }, 'cannot get a lock; retrying');
    return growingPause(failures, { firstMs: 200, longestMs: 5000, jitter: 0.5 });
  };
  return retry(attempt, { pauseMs });
}

/** lock_not_available, deadlock_detected, serialization_failure */
const LOCK_NOT_HAD = new Set(['55P03', '40P01', '40001']);
