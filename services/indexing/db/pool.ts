import type { Logger } from '@facepass/runtime/logger';
import { connectionFault } from '@facepass/runtime/postgres';
import { retry } from '@facepass/runtime/retry';
import pg from 'pg';
import type { DatabaseConfig } from '../config.ts';
import { ApiProblem } from '../errors.ts';
import { inClientSpan } from '../tracing.ts';

export type Pool = pg.Pool;
export type Client = pg.PoolClient;

/** Connections to PostgreSQL that keep to the limits of the configuration, also through a pooler. */
class LimitedPool extends pg.Pool {
  /** What begins a transaction. */
  begin = 'begin';
  /** Whether the limits are set by each transaction, since they may not be by the connection. */
  limitsByTransaction = false;
  /** Connections that were asked for in vain so far. */
  failures = 0;
  readonly #limits: Record<string, number>;
  readonly #logger: Logger;
  #fault: { reason: string; toldAt: number } | null = null;

  constructor(options: pg.PoolConfig, limits: Record<string, number>, logger: Logger) {
    super({ ...options, ...limits });
    this.#limits = limits;
    this.#logger = logger;
  }

  /**
   * A connection of its own. PgBouncer refuses one that brings its limits along (`unsupported startup parameter`, seen
   * with 1.18), and lends sessions by the transaction: there each transaction sets them.
   * @throws ApiProblem database_unavailable, whose cause is logged
   */
  async lend(): Promise<Client> {
    try {
      const client = await this.connect().catch((error: Error) => {
        if (!/startup parameter/.test(error.message)) throw error;
        this.#limitTransactions();
        return this.connect();
      });
      if (this.#fault) this.#logger.info('the database answers again');
      this.#fault = null;
      return client;
    } catch (error) {
      this.failures += 1;
      this.#tell(connectionFault(error));
      throw unavailable(error);
    }
  }

  #limitTransactions(): void {
    this.limitsByTransaction = true;
    const settings = Object.entries(this.#limits).map(([name, value]) => `set local ${name} = ${value}`);
    this.begin = ['begin', ...settings].join('; ');
    for (const name of Object.keys(this.#limits)) delete (this.options as unknown as Record<string, unknown>)[name];
  }

  /** Once for each reason and minute: every request meets it. */
  #tell(reason: string): void {
    const now = performance.now();
    if (this.#fault?.reason === reason && now - this.#fault.toldAt < 60_000) return;
    this.#fault = { reason, toldAt: now };
    this.#logger.warn({ reason }, 'no connection to the database');
  }
}

/**
 * The connections of one process. Waiting for one ends after `connectTimeoutMs`, a statement after
 * `statementTimeoutMs`, and a transaction whose process hangs after 10 s.
 */
export function openPool(config: DatabaseConfig, logger: Logger): Pool {
  const options = {
    ...config.connection,
    application_name: config.applicationName,
    max: config.poolSize,
    connectionTimeoutMillis: config.connectTimeoutMs,
    query_timeout: config.statementTimeoutMs + 1000,
    idleTimeoutMillis: 30_000,
    maxLifetimeSeconds: 1800,
    keepAlive: true,
  };
  const limits = { statement_timeout: config.statementTimeoutMs, idle_in_transaction_session_timeout: 10_000 };
  const pool = new LimitedPool(options, limits, logger);
  // Either event without a listener ends the process when PostgreSQL restarts: the pool's for idle connections, the
  // client's for those in use.
  pool.on('error', (error) => logger.warn({ reason: error.message }, 'an idle database connection was lost'));
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/** How often no connection could be had: none free in time, or none that the database gave. */
export function connectionFailures(pool: Pool): number {
  return pool instanceof LimitedPool ? pool.failures : 0;
}

/** Connections opened from now on use this password and these certificates; those that are open go on. */
export function renewConnections(pool: Pool, { connection }: DatabaseConfig): void {
  Object.assign(pool.options, connection);
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
    const isLimited = pool instanceof LimitedPool && pool.limitsByTransaction;
    if (isLimited) await queryClient(client, pool.begin);
    const rows = await queryClient<Row>(client, text, values);
    if (isLimited) await queryClient(client, 'commit');
    return rows;
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

/**
 * Runs a text of perhaps several statements, as pg-boss makes them; the rows of all.
 * @throws ApiProblem database_unavailable when the database, not the statement, is at fault
 */
export async function executeScript(pool: Pool | Client, text: string, values?: unknown[]): Promise<unknown[]> {
  const client = pool instanceof pg.Pool ? await connect(pool) : pool;
  let failure: Error | undefined;
  try {
    const results = await client.query(text, values);
    return [results].flat().flatMap((result) => result.rows as unknown[]);
  } catch (error) {
    failure = error as Error;
    throw asProblem(error);
  } finally {
    if (pool instanceof pg.Pool) (client as Client).release(failure);
  }
}

function connect(pool: Pool): Promise<Client> {
  return inClientSpan('wait for a connection', POSTGRESQL, () =>
    pool instanceof LimitedPool ? pool.lend() : pool.connect(),
  );
}

const POSTGRESQL = { 'db.system.name': 'postgresql' };

/**
 * Runs `work` in one transaction: committed when it returns, rolled back when it throws. Where PostgreSQL undid it for
 * the sake of another one (a deadlock, a failed serialization), it is run again; `work` must change nothing outside the
 * transaction.
 */
export async function withTransaction<Result>(pool: Pool, work: (client: Client) => Promise<Result>): Promise<Result> {
  const pauseMs = (error: unknown, failures: number) =>
    failures === TRANSACTION_ATTEMPTS || !isUndone(error) ? null : Math.random() * LONGEST_PAUSE_MS;
  return retry(() => tryTransaction(pool, work), { pauseMs }).catch((error: unknown) => {
    throw asProblem(error);
  });
}

async function tryTransaction<Result>(pool: Pool, work: (client: Client) => Promise<Result>): Promise<Result> {
  const client = await connect(pool);
  let broken: Error | undefined;
  try {
    await queryClient(client, pool instanceof LimitedPool ? pool.begin : 'begin');
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
  if ((error as { code?: string }).code === UNTRANSLATABLE_CHARACTER)
    return new ApiProblem('invalid_parameter', 'An id contains a character that the database encoding lacks.', {
      cause: error,
    });
  if (!isUnavailable(error)) return error;
  return unavailable(error);
}

function unavailable(cause: unknown): ApiProblem {
  return new ApiProblem('database_unavailable', 'The database does not answer.', { cause });
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

/** SQLSTATE; in a database in LATIN1 of a character such as 😀. */
const UNTRANSLATABLE_CHARACTER = '22P05';
const NETWORK_FAULT = /^(ECONN|EPIPE|ENOTFOUND|ETIMEDOUT|EHOST|ENET|EAI_|ENOENT|EACCES)/;
const POOL_FAULT =
  /timeout|Connection terminated|Client has encountered a connection error|not queryable|Cannot use a pool/i;
