import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@facepass/runtime/logger';
import pg from 'pg';
import type { DatabaseConfig } from '../config.ts';
import { ApiProblem } from '../errors.ts';
import { inClientSpan } from '../tracing.ts';

export type Pool = pg.Pool;
export type Client = pg.PoolClient;

/**
 * The connections of one API process. Waiting for one ends after `connectTimeoutMs`, a statement after
 * `statementTimeoutMs`, and a transaction whose process hangs after 10 s.
 */
export function openPool(config: DatabaseConfig, logger: Logger): Pool {
  const pool = new pg.Pool({
    ...config.connection,
    ssl: config.tls ? { ca: config.tlsCaFile && readFileSync(config.tlsCaFile) } : undefined,
    application_name: 'facepass-api',
    max: config.poolSize,
    connectionTimeoutMillis: config.connectTimeoutMs,
    statement_timeout: config.statementTimeoutMs,
    query_timeout: config.statementTimeoutMs + 1000,
    idle_in_transaction_session_timeout: 10_000,
    idleTimeoutMillis: 30_000,
    maxLifetimeSeconds: 1800,
    keepAlive: true,
  });
  // Either event without a listener ends the process when PostgreSQL restarts: the pool's for idle connections, the
  // client's for those in use.
  pool.on('error', (error) => logger.warn({ reason: error.message }, 'an idle database connection was lost'));
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/**
 * Runs one statement.
 * @throws ApiProblem database_unavailable when the database, not the statement, is at fault
 */
export async function queryRows<Row extends pg.QueryResultRow>(
  pool: Pool | Client,
  text: string,
  values: unknown[],
): Promise<Row[]> {
  try {
    return await (pool instanceof pg.Pool ? queryPool<Row>(pool, text, values) : queryClient<Row>(pool, text, values));
  } catch (error) {
    throw asProblem(error);
  }
}

/**
 * As pool.query does: a connection on which a statement failed is closed. In two steps, so that the wait for a
 * connection has a span of its own.
 */
async function queryPool<Row extends pg.QueryResultRow>(pool: Pool, text: string, values: unknown[]): Promise<Row[]> {
  const client = await connect(pool);
  let failure: Error | undefined;
  try {
    return await queryClient<Row>(client, text, values);
  } catch (error) {
    failure = error as Error;
    throw error;
  } finally {
    client.release(failure);
  }
}

async function queryClient<Row extends pg.QueryResultRow>(
  client: Client,
  text: string,
  values?: unknown[],
): Promise<Row[]> {
  const operation = /^\s*\w+/.exec(text)?.[0].trim() ?? 'query';
  const result = await inClientSpan(operation, { ...POSTGRESQL, 'db.query.text': text }, () =>
    client.query<Row>(text, values),
  );
  return result.rows;
}

function connect(pool: Pool): Promise<Client> {
  return inClientSpan('wait for a connection', POSTGRESQL, () => pool.connect());
}

const POSTGRESQL = { 'db.system.name': 'postgresql' };

/**
 * Runs `work` in one transaction: committed when it returns, rolled back when it throws. Where PostgreSQL undid it for
 * the sake of another one (a deadlock, a failed serialization), it is run again; `work` must change nothing outside the
 * transaction.
 */
export async function withTransaction<Result>(pool: Pool, work: (client: Client) => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await tryTransaction(pool, work);
    } catch (error) {
      if (attempt === TRANSACTION_ATTEMPTS || !isUndone(error)) throw asProblem(error);
      await delay(Math.random() * LONGEST_PAUSE_MS);
    }
  }
}

async function tryTransaction<Result>(pool: Pool, work: (client: Client) => Promise<Result>): Promise<Result> {
  const client = await connect(pool);
  let broken: Error | undefined;
  try {
    await queryClient(client, 'begin');
    const result = await work(client);
    await queryClient(client, 'commit');
    return result;
  } catch (error) {
    await queryClient(client, 'rollback').catch((rollbackError: Error) => (broken = rollbackError));
    throw error;
  } finally {
    client.release(broken);
  }
}

const TRANSACTION_ATTEMPTS = 4;
/** Two that deadlocked and begin again at once deadlock again: a call was seen to lose all its attempts so. */
const LONGEST_PAUSE_MS = 200;

function isUndone(error: unknown): boolean {
  const { code } = ((error instanceof ApiProblem ? error.cause : error) ?? {}) as { code?: string };
  return code === '40P01' || code === '40001';
}

function asProblem(error: unknown): unknown {
  if (!isUnavailable(error)) return error;
  return new ApiProblem('database_unavailable', 'The database does not answer now.', { cause: error });
}

/**
 * Faults of the connection or the server, not of a statement: SQLSTATE classes 08, 40, 53, 57, read-only after a
 * failover, and an idle transaction ended.
 */
function isUnavailable(error: unknown): boolean {
  if (error instanceof ApiProblem || !(error instanceof Error)) return false;
  const code = (error as { code?: string }).code ?? '';
  return /^(08|40|53|57|25006|25P03)/.test(code) || NETWORK_FAULT.test(code) || POOL_FAULT.test(error.message);
}

const NETWORK_FAULT = /^(ECONN|EPIPE|ENOTFOUND|ETIMEDOUT|EHOST|ENET|EAI_|ENOENT|EACCES)/;
const POOL_FAULT =
  /timeout|Connection terminated|Client has encountered a connection error|not queryable|Cannot use a pool/i;
