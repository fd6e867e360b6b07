import type { Client } from './database.ts';
import { readState } from './state.ts';
import type { Step } from './steps.ts';

/**
 * The state of the database: version, steps, batched steps in progress, and the tables with copies of faces. Reads
 * only.
 */
export async function status(client: Client, steps: Step[]): Promise<object> {
  const state = await readState(client, steps);
  const { rows } = await client.query<{ has_records: boolean }>(
    `select to_regclass('face_copies') is not null as has_records`,
  );
  const records = rows[0]!.has_records
    ? (await client.query<{ batches: object[]; copies: object[] }>(RECORDS)).rows[0]
    : { batches: [], copies: [] };
  return {
    schema_version: state.version,
    steps_recorded: state.recorded,
    steps_pending: steps.map((step) => step.name).filter((name) => !state.recorded.includes(name)),
    pgvector: state.pgvector,
    dimension: state.facesDimension ?? state.olderTable?.dimension ?? null,
    ...records,
    last_run: await lastRun(client),
  };
}

async function lastRun(client: Client): Promise<object | null> {
  const { rows } = await client.query<{ recorded: boolean }>(
    `select to_regclass('migration_runs') is not null as recorded`,
  );
  if (!rows[0]!.recorded) return null;
  return (
    (
      await client.query<Record<string, unknown>>(
        'select command, started_at, ended_at, exit_code, message from migration_runs order by id desc limit 1',
      )
    ).rows[0] ?? null
  );
}

const RECORDS = `
  select
    (select coalesce(json_agg(json_build_object('step', step, 'rows_done', rows_done, 'rows_total', rows_total, 'started_at', started_at)
      order by step), '[]') from migration_progress) as batches,
    (select coalesce(json_agg(json_build_object('table', table_name, 'kind', kind, 'schema_version', schema_version, 'made_at', made_at,
      'bytes', pg_total_relation_size(table_name::text::regclass)) order by table_name), '[]') from face_copies) as copies`;
