import { withMigrationLock, type Client } from './database.ts';
import { countWayBack } from './down-counts.ts';
import { EXIT, Refusal } from './exit.ts';
import { objectionsToGoingBack } from './preflight.ts';
import { spaceBack } from './space.ts';
import { readState, type State } from './state.ts';
import type { Step } from './steps.ts';
import { walk, type Context } from './walk.ts';

/**
 * Rolls the database back to schema `to`: restores every row of the backup that was not erased, keeps what was indexed
 * since, and sets aside what the older schema cannot hold. With `dryRun` it only logs how many rows that are, and what
 * prevents it.
 * @throws Refusal when there is no way back to `to`, something stands against it, or another migrator does not end.
 */
export async function down(client: Client, options: DownOptions, context: Context): Promise<void> {
  const { config, logger } = context;
  await withMigrationLock(client, { waitMs: config.waitMs, logger }, async () => {
    const state = await readState(client, context.steps);
    const undone = planDown(context.steps, state, options.to);
    if (undone.length === 0) return void logger.info({ schema_version: state.version }, 'nothing to do');
    const modelId = config.legacyModelId ?? config.pack.modelId;
    const counts = await countWayBack(client, { from: state.version, to: options.to, modelId });
    const space = spaceBack(state, counts);
    const against = objectionsToGoingBack(state, config, {
      ...options,
      space,
      otherModels: counts.faces_of_other_models ?? {},
    });
    const { id_bytes, ...rows } = counts;
    const told = {
      from: state.version,
      to: options.to,
      steps: undone.map((step) => step.name),
      ...rows,
      needed_bytes: space.tables + space.wal,
      of_these_wal_bytes: space.wal,
    };
    if (options.dryRun)
      return void logger.info({ ...told, objections: against.map((objection) => objection.message) }, 'dry run');
    for (const objection of against) throw objection;
    logger.info(told, 'rolling back');
    await walk(client, undone, 'down', state, { ...context, skip: () => false });
    logger.info({ from: state.version, schema_version: options.to }, 'schema rolled back');
  });
}

/**
 * The recorded steps above the one that reaches `to`, last first. Decides only.
 * @throws Refusal when the database never was at `to` or a step has no way back.
 */
export function planDown(steps: Step[], state: State, to: number): Step[] {
  const first = steps.findIndex((step) => step.reaches === to) + 1;
  if (first === 0) throw new Refusal(EXIT.usage, `There is no schema ${to}.`);
  const undone = steps
    .slice(first)
    .filter((step) => state.recorded.includes(step.name))
    .toReversed();
  const unknown = state.recorded.find((name) => !steps.some((step) => step.name === name));
  if (unknown)
    throw new Refusal(
      EXIT.data,
      `The database was migrated by a newer Facepass (${unknown}); only that version can roll it back.`,
    );
  const oneWay = undone.find((step) => !step.down);
  if (oneWay) throw new Refusal(EXIT.data, `${oneWay.name} cannot be rolled back.`);
  return undone;
}

export interface DownOptions {
  /** Schema version wanted. */
  to: number;
  dryRun: boolean;
  /** Models whose faces may be kept aside because schema 2 compares with another; absent: any. */
  setAside?: string[];
}
