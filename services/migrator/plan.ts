import { join } from 'node:path';
import type { Client } from './database.ts';
import { misfitsOf } from './older-table.ts';
import { objections } from './preflight.ts';
import { spaceUp } from './space.ts';
import { readState } from './state.ts';
import { readSql } from './steps.ts';
import { planUp, type UpOptions } from './up.ts';
import type { Context } from './walk.ts';

/**
 * What `up` would do with this database: steps, objections, space, and how many rows of schema 1 would be quarantined
 * why. Reads only.
 */
export async function plan(client: Client, options: UpOptions, { config, steps, directory }: Context): Promise<object> {
  const state = await readState(client, steps);
  const { pending, skip } = planUp(steps, state, options);
  const unconverted =
    state.olderTable !== undefined &&
    state.version === 1 &&
    !state.recorded.includes('0004_prepare_schema_2') &&
    misfitsOf(state.olderTable).length === 0;
  const { tables, wal } = spaceUp(state, state.facesDimension ?? config.pack.dimension, options.to);
  return {
    schema_version: state.version,
    to: options.to,
    steps: pending.filter((step) => !skip(step)).map((step) => step.name),
    objections: objections(state, config, options.to).map((objection) => objection.message),
    rows: state.olderTable?.rows ?? 0,
    needed_bytes: tables + wal,
    of_these_wal_bytes: wal,
    database_bytes: state.databaseBytes,
    quarantine: unconverted ? await countQuarantine(client, directory) : {},
  };
}

/**
 * Rows of schema 1 that the quarantine would get, counted by reason; the rule is the migration's own, made and unmade
 * in one transaction.
 */
async function countQuarantine(client: Client, directory: string): Promise<Record<string, number>> {
  await client.query('begin');
  try {
    await client.query(await readSql(join(directory, 'parts/field_row_problem.sql')));
    const { rows } = await client.query<{ reasons: Record<string, number> }>(QUARANTINE);
    return rows[0]!.reasons;
  } finally {
    await client.query('rollback');
  }
}

const QUARANTINE = `
  select coalesce(json_object_agg(reason, rows), '{}') as reasons from (
    select reason, count(*) as rows from (
      select coalesce(problem, case
        when row_number() over (partition by session_id, photo_id, problem order by confidence desc, id desc) > 1 then 'duplicate'
      end) as reason
      from (
        select *, field_row_problem(photo_id, session_id, confidence, embedding) as problem from face_embeddings) judged) reasoned
    where reason is not null group by reason) counted`;
