import type { Logger } from '@facepass/runtime/logger';
import type { MigratorConfig } from './config.ts';
import { retryOnLock, type Client } from './database.ts';
import { takeStep, type Batch } from './ledger.ts';
import { watched } from './observe.ts';
import type { Progress } from './progress.ts';
import type { State } from './state.ts';
import type { Step } from './steps.ts';

/** Runs `steps` one by one, records each when it ends, and logs its start, progress and end. */
export async function walk(
  client: Client,
  steps: Step[],
  direction: 'up' | 'down',
  state: State,
  context: WalkContext,
): Promise<void> {
  const { config, logger, progress } = context;
  const values = {
    dimension: state.facesDimension ?? state.olderTable?.dimension ?? config.pack.dimension,
    batch_rows: config.batchRows,
    legacy_model_id: config.legacyModelId ?? config.pack.modelId,
  };
  const onBatch = (name: string, batch: Batch) =>
    progress.batch(name, Number(batch.rows_done), Number(batch.rows_total));
  for (const [index, step] of steps.entries()) {
    const skipped = context.skip(step);
    const startedAt = performance.now();
    progress.step(step.name, index, steps.length);
    if (!skipped) logger.info({ step: step.name, direction, number: index + 1, of: steps.length }, 'step started');
    await watched(client, { name: `${step.name} ${direction}`, config, progress, embedded: state.embedded }, () =>
      retryOnLock(client, { lockAttempts: config.lockAttempts, logger, name: step.name }, () =>
        takeStep(client, step, direction, {
          ...context,
          schema: state.schema,
          values,
          pauseMs: config.pauseMs,
          onBatch,
        }),
      ),
    );
    logger.info(
      { step: step.name, direction, duration_ms: Math.round(performance.now() - startedAt) },
      skipped ? 'step only recorded; it does not apply here' : 'step done',
    );
  }
}

export interface WalkContext extends Context {
  /** Whether a step is only recorded here. */
  skip: (step: Step) => boolean;
}

/** What every command is given. */
export interface Context {
  config: MigratorConfig;
  /** Folder of the migrations, and what was read from it. */
  directory: string;
  steps: Step[];
  progress: Progress;
  logger: Logger;
}
