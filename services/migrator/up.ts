import { withMigrationLock, type Client } from './database.ts';
import { objections } from './preflight.ts';
import { spaceUp } from './space.ts';
import { readState, type State } from './state.ts';
import type { Step } from './steps.ts';
import { walk, type Context } from './walk.ts';

/**
 * Brings the database to schema `to`; `contract` also ends what keeps an older API alive. Does nothing if that is already
 * so.
 * @throws Refusal when the database or the configuration forbids it (nothing was changed), or another migrator does not
 * end.
 */
export async function up(client: Client, options: UpOptions, context: Context): Promise<void> {
  await withMigrationLock(client, { waitMs: context.config.waitMs, logger: context.logger }, async () => {
    const state = await readState(client, context.steps);
    for (const objection of objections(state, context.config, options.to)) throw objection;
    const { pending, skip } = planUp(context.steps, state, options);
    if (pending.length === 0) return void context.logger.info({ schema_version: state.version }, 'nothing to do');
    tellSpace(state, options, context);
    await client.query('create extension if not exists vector');
    await walk(client, pending, 'up', state, { ...context, skip });
    context.logger.info({ from: state.version, schema_version: options.to }, 'schema migrated');
  });
}

function tellSpace(state: State, options: UpOptions, { config, logger }: Context): void {
  const { tables, wal } = spaceUp(state, state.facesDimension ?? config.pack.dimension, options.to);
  if (tables === 0) return;
  const said = { needed_bytes: tables + wal, of_these_wal_bytes: wal, database_bytes: state.databaseBytes };
  if (config.freeBytes !== undefined) logger.info({ ...said, free_bytes: config.freeBytes }, 'enough free space');
  else
    logger.warn(
      said,
      'PostgreSQL does not report free space: make sure that this much is free, or set DATABASE_FREE_BYTES',
    );
}

/**
 * The steps to take, and which of them are only recorded: an empty database goes to schema 3 without the detour over
 * the older tables. Decides only.
 */
export function planUp(
  steps: Step[],
  state: State,
  options: UpOptions,
): { pending: Step[]; skip: (step: Step) => boolean } {
  const older = state.olderTable !== undefined || options.to < 3;
  const contracts = options.to >= 3 && (options.contract || !older);
  const last = steps.findLastIndex((step) =>
    step.when === 'contract' ? contracts : (step.reaches ?? Infinity) <= options.to,
  );
  return {
    pending: steps
      .slice(0, last + 1)
      .filter((step) => (step.when !== 'contract' || contracts) && !state.recorded.includes(step.name)),
    skip: (step) =>
      step.when === 'origin' ? state.olderTable !== undefined || !older : step.when !== 'always' && !older,
  };
}

export interface UpOptions {
  /** Schema version wanted. */
  to: number;
  contract: boolean;
}
