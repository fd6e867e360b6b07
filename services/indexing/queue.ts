import type { Logger } from '@facepass/runtime/logger';
import { getConstructionPlans, PgBoss } from 'pg-boss';
import { executeScript, queryRows, type Client, type Pool } from './db/pool.ts';
import { ApiProblem } from './errors.ts';

/** The schema that pg-boss has to itself: its tables have names such as `version` and `job`. */
export const QUEUE_SCHEMA = 'facepass_queue';

/** `index`: some photos of a job; `list`: a job whose photos are still to be listed in the bucket. */
export type QueueName = 'index' | 'list';

/** Consecutive photos of a job, by their positions: what an indexer takes at a time. */
export interface Slice {
  job: string;
  from: number;
  to: number;
}

export interface Taken<Data> {
  id: string;
  /** How often it was given back: what settles it names the attempt, so that one given to another stays theirs. */
  retryCount: number;
  data: Data;
}

/** The queue of jobs, which pg-boss keeps in the same database. */
export interface Queue extends AsyncDisposable {
  /** @throws ApiProblem jobs_unavailable */
  requireUsable(): Promise<void>;
  /** In the transaction of `client`, slices in turns from `firstTurn` on: the lowest is taken first. */
  addSlices(client: Client, slices: Slice[], firstTurn: number): Promise<void>;
  addListing(client: Client, job: string): Promise<void>;
  take<Data>(name: QueueName): Promise<Taken<Data> | null>;
  /** False where it was given to another process meanwhile. */
  keep(name: QueueName, taken: Taken<unknown>): Promise<boolean>;
  settle(name: QueueName, taken: Taken<unknown>): Promise<void>;
  /** It is taken again after a pause, which doubles up to five minutes; `reason` is for a person who looks. */
  giveBack(name: QueueName, taken: Taken<unknown>, reason: string): Promise<void>;
  /** Gives back what was taken by processes that died, and clears away what was settled. */
  tidy(): Promise<void>;
}

/**
 * The queue in the database of `pool`; nothing is contacted yet.
 * Each call throws ApiProblem: jobs_unavailable while the database has no queue of this version, database_unavailable
 */
export function openQueue(pool: Pool, logger: Logger): Queue {
  const boss = new PgBoss({
    db: databaseOf(pool),
    schema: QUEUE_SCHEMA,
    // The migrator's role makes and changes tables, and indexes are its own to rebuild.
    migrate: false,
    createSchema: false,
    supervise: false,
    schedule: false,
    reindex: false,
    monitorVacuum: false,
    monitorIntervalSeconds: 10,
  });
  boss.on('error', (error) => logger.warn({ reason: error.message }, 'the queue of jobs'));
  let started: Promise<unknown> | null = null;
  const start = async () => {
    if (!(await isThere(pool)))
      throw new ApiProblem('jobs_unavailable', 'The database has no queue of jobs for this role yet.');
    await boss.start();
  };
  const ready = () =>
    (started ??= start().catch((error) => {
      started = null;
      throw error;
    }));
  const add = async (client: Client, name: QueueName, jobs: { data: object; priority?: number }[]) => {
    await ready();
    await boss.insert(name, jobs, { db: databaseOf(client) });
  };
  return {
    requireUsable: async () => void (await ready()),
    async addSlices(client, slices, firstTurn) {
      for (let at = 0; at < slices.length; at += SLICES_AT_A_TIME) {
        const some = slices.slice(at, at + SLICES_AT_A_TIME);
        await add(
          client,
          'index',
          some.map((data, index) => ({ data, priority: -(firstTurn + at + index) })),
        );
      }
    },
    addListing: (client, job) => add(client, 'list', [{ data: { job } }]),
    async take<Data>(name: QueueName) {
      await ready();
      const [taken] = await boss.fetch<Data>(name);
      return taken ?? null;
    },
    async keep(name, taken) {
      await ready();
      const { affected } = (await boss.touch(name, [taken])) as unknown as { affected: number };
      return affected > 0;
    },
    async settle(name, taken) {
      await ready();
      await boss.complete(name, [taken]);
    },
    async giveBack(name, taken, reason) {
      await ready();
      await boss.fail(name, [taken], { reason });
    },
    async tidy() {
      await ready();
      for (const name of ['index', 'list'] as const) await boss.supervise(name);
    },
    async [Symbol.asyncDispose]() {
      await started?.catch(() => undefined);
      if (started) await boss.stop({ graceful: false, close: false });
    },
  };
}

const SLICES_AT_A_TIME = 1000;

function databaseOf(pool: Pool | Client) {
  return {
    executeSql: async (text: string, values?: unknown[]) => ({
      rows: await executeScript(pool, text, values),
    }),
  };
}

async function isThere(pool: Pool): Promise<boolean> {
  const [found] = await queryRows<{ usable: boolean }>(pool, IS_THERE, []);
  return found?.usable ?? false;
}

const IS_THERE = `
  select coalesce(has_table_privilege(to_regclass('jobs'), 'insert'), false)
     and coalesce(has_schema_privilege(to_regnamespace('${QUEUE_SCHEMA}'), 'usage'), false) as usable`;

/**
 * What pg-boss needs in the database, as SQL for the migrator: without the transaction and the lock, which the migrator
 * has already, and without the schema, which a role without CREATE on the database finds made.
 */
export function queueSchemaSql(): string {
  const plan = getConstructionPlans(QUEUE_SCHEMA);
  const begin = plan.indexOf(`CREATE SCHEMA IF NOT EXISTS ${QUEUE_SCHEMA};`);
  const tables = plan
    .slice(begin)
    .replace(/^.*\n/, '')
    .replace(/\s*COMMIT;\s*$/, '\n');
  if (begin < 0 || /\b(BEGIN|COMMIT);\s*$/m.test(tables.replaceAll(/\$\$[^]*?\$\$/g, '')) || tables.includes('$queue$'))
    throw new Error('pg-boss builds its schema in another way than migration 0016 expects');
  return [
    '-- The tables of pg-boss, as the pinned version makes them. Written by scripts/generate/queue-schema.ts, checked by a test.',
    'do $made$ begin',
    `  if to_regnamespace('${QUEUE_SCHEMA}') is null then execute 'create schema ${QUEUE_SCHEMA}'; end if;`,
    `  if to_regclass('${QUEUE_SCHEMA}.version') is null then execute $queue$`,
    tables.trim().replaceAll(/[ \t]+$/gm, ''),
    '$queue$; end if; end $made$;',
    '',
  ].join('\n');
}
