import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@facepass/runtime/logger';
import { runner, type MigrationBuilder, type RunnerOption } from 'node-pg-migrate';
import type { Client } from './database.ts';
import { EXIT, Refusal } from './exit.ts';
import { fillIn, type Script, type SqlValues, type Step } from './steps.ts';

/**
 * Names of the recorded steps, oldest first; none where the ledger does not exist yet, or where the table of its name
 * is another tool's.
 */
export async function readLedger(client: Client): Promise<string[]> {
  const { rows } = await client.query(
    `select from pg_attribute where attrelid = to_regclass('${LEDGER}') and attname in ('id', 'name', 'run_on')`,
  );
  if (rows.length < 3) return [];
  const names = await client.query<{ name: string }>(`select name from ${LEDGER} order by run_on, id`);
  return names.rows.map((row) => row.name);
}

export const LEDGER = 'schema_migrations';

/**
 * Takes the next step up, or the last one down, and records it. A step that does not run here (`skip`) is only
 * recorded.
 * @throws whatever PostgreSQL answers; the transaction is then still to be rolled back.
 */
export async function takeStep(
  client: Client,
  step: Step,
  direction: 'up' | 'down',
  context: StepContext,
): Promise<void> {
  await runner({
    dbClient: client,
    dir: context.directory,
    direction,
    file: step.name,
    migrationsTable: LEDGER,
    migrationsSchema: context.schema,
    noLock: true, // withMigrationLock holds one for the whole run
    singleTransaction: false,
    checkOrder: false, // a contraction comes when it is asked for, perhaps after later steps
    logger: quiet(context.logger),
    migrationLoaderStrategies: [
      { extensions: ['.sql'], loader: async () => context.steps.map((each) => asUnit(each, context)) },
    ],
  } satisfies RunnerOption);
}

function asUnit(step: Step, context: StepContext) {
  const act = (script: Script | undefined, direction: string) =>
    script
      ? (pgm: MigrationBuilder) =>
          context.skip(step) ? undefined : runScript(pgm, script, `${step.name} ${direction}`, context)
      : undefined;
  const down =
    act(step.down, 'down') ?? (() => Promise.reject(new Refusal(EXIT.data, `${step.name} cannot be rolled back.`)));
  return { id: `${step.name}.sql`, filePaths: [], actions: { up: act(step.up, 'up')!, down } };
}

async function runScript(pgm: MigrationBuilder, script: Script, name: string, context: StepContext): Promise<void> {
  const sql = fillIn(script.sql, context.values);
  if (script.mode === 'transaction') return void pgm.sql(sql);
  if (script.mode === 'no transaction') {
    for (const statement of statementsOf(sql)) await pgm.db.query(statement);
    return;
  }
  for (;;) {
    const batch = ((await pgm.db.select(sql)) as [Batch])[0];
    context.onBatch(name, batch);
    if (batch.done) return;
    await sleep(context.pauseMs);
  }
}

/** Statements of a file that holds no function body; several at once would be one transaction. */
function statementsOf(sql: string): string[] {
  return sql
    .replaceAll(/^--.*$/gm, '')
    .split(';')
    .map((statement) => statement.trim())
    .filter(Boolean);
}

/** The runner's own lines repeat ours; the error that follows reports a failed statement. */
function quiet(logger: Logger) {
  const debug = (line: string) => logger.debug(line);
  return { debug, info: debug, warn: debug, error: debug };
}

export interface StepContext {
  directory: string;
  schema: string;
  steps: Step[];
  values: SqlValues;
  skip: (step: Step) => boolean;
  pauseMs: number;
  onBatch: (name: string, batch: Batch) => void;
  logger: Logger;
}

/** The row a `repeat` script answers with. */
export interface Batch {
  done: boolean;
  rows_done: string | number;
  rows_total: string | number;
}
