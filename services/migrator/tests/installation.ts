import { join } from 'node:path';
import { createLogger } from '@facepass/runtime/logger';
import pg from 'pg';
import { createTestDatabase, runSql } from '../../../scripts/checks/test-database.ts';
import type { MigratorConfig } from '../config.ts';
import { withDatabase, type Client } from '../database.ts';
import { down } from '../down.ts';
import { createProgress } from '../progress.ts';
import { readSteps } from '../steps.ts';
import { up, type UpOptions } from '../up.ts';
import { verify, type Finding } from '../verify.ts';
import type { Context } from '../walk.ts';

export const LEGACY_MODEL = 'arcface-1';
export const MIGRATIONS = join(import.meta.dirname, '../../../migrations');

/** A database of its own with the migrator's commands run in this process; gone when disposed of. */
export async function createInstallation(
  options: { dimension?: number; batchRows?: number; encoding?: string } = {},
): Promise<Installation> {
  await using stack = new AsyncDisposableStack();
  const database = stack.use(await createTestDatabase({ encoding: options.encoding }));
  const config = configFor(database.url, options);
  const logger = createLogger('migrator', 'silent');
  const context: Context = {
    config,
    directory: MIGRATIONS,
    steps: await readSteps(MIGRATIONS),
    progress: createProgress(logger),
    logger,
  };
  const open = () => new pg.Pool({ connectionString: database.url, max: 10 }).on('error', () => {});
  let pool = open();
  stack.defer(() => pool.end());
  const owned = stack.move();
  return {
    url: database.url,
    engine: database.engine,
    config,
    context,
    get pool() {
      return pool;
    },
    reconnect: async () => {
      await pool.end();
      pool = open();
    },
    query: async (sql, values) => (await pool.query(sql, values)).rows,
    administer: (sql) => runSql(database.administratorUrl, sql),
    migrate: (work) => withDatabase(config, (client) => work(client, context)),
    up: (to = {}) => withDatabase(config, (client) => up(client, { to: 3, contract: false, ...to }, context)),
    down: (to) => withDatabase(config, (client) => down(client, { to, dryRun: false }, context)),
    damage: async () =>
      (await withDatabase(config, (client) => verify(client, context))).filter((finding) => finding.damaged > 0),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

export interface Installation extends AsyncDisposable {
  url: string;
  engine: 'postgresql' | 'embedded';
  config: MigratorConfig;
  context: Context;
  readonly pool: pg.Pool;
  /** New connections, which begin with what was set for the role since. */
  reconnect(): Promise<void>;
  query(sql: string, values?: unknown[]): Promise<any[]>;
  /** On a connection of its own, as a role that may do anything. */
  administer(sql: string): Promise<void>;
  migrate<Result>(work: (client: Client, context: Context) => Promise<Result>): Promise<Result>;
  up(options?: Partial<UpOptions>): Promise<void>;
  down(to: number): Promise<void>;
  /** What `verify` finds wrong. */
  damage(): Promise<Finding[]>;
}

function configFor(
  url: string,
  { dimension = 8, batchRows = 7 }: { dimension?: number; batchRows?: number },
): MigratorConfig {
  return {
    connection: { connectionString: url, connectionTimeoutMillis: 10_000 },
    pack: { name: 'arcface', modelId: LEGACY_MODEL, dimension },
    served: undefined,
    allowUnserved: [],
    legacyModelId: LEGACY_MODEL,
    allowedPgvectorVersion: undefined,
    lockTimeoutMs: 5000,
    lockAttempts: 30,
    statementTimeoutMs: 600_000,
    waitMs: 600_000,
    batchRows,
    pauseMs: 0,
    freeBytes: undefined,
    metricsPort: undefined,
    logLevel: 'silent',
  };
}

/** A vector of length 1 that `seed` alone decides; 0 gives the zero vector. */
export function vectorOf(seed: number, dimension: number): number[] {
  if (seed === 0) return Array.from({ length: dimension }, () => 0);
  let state = seed * 2_654_435_761;
  const numbers = Array.from({ length: dimension }, () => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 0x9e37_79b9) | 0;
    return (state >>> 8) / 2 ** 23 - 1;
  });
  const norm = Math.hypot(...numbers);
  return numbers.map((number) => number / norm);
}

export const textOf = (vector: number[]) => `[${vector.join(',')}]`;
