import { createRegistry, type MetricsRegistry } from '@facepass/runtime/exposition';
import type { Logger } from '@facepass/runtime/logger';
import { Gauge } from 'prom-client';

/**
 * Reports the progress of the migrator: a log line when a step starts and every ten seconds (`everyMs`) of a long one,
 * and gauges.
 */
export function createProgress(logger: Logger, { everyMs = 10_000 } = {}): Progress {
  const registry = createRegistry();
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name, help, labelNames, registers: [registry] });
  const step = gauge('facepass_migration_step_info', '1 for the step in progress.', ['step']);
  const stepsDone = gauge('facepass_migration_steps_done', 'Finished steps of this run.');
  const stepsTotal = gauge('facepass_migration_steps', 'Steps of this run.');
  const rowsDone = gauge('facepass_migration_rows_done', 'Rows moved by the current step.');
  const rowsTotal = gauge('facepass_migration_rows', 'Rows to move in the current step.');
  const startedAt = gauge('facepass_migration_start_time_seconds', 'Unix time when this run began.');
  startedAt.set(Date.now() / 1000);
  let saidAt = Date.now();
  const tell = (said: object) => {
    saidAt = Date.now();
    logger.info(said, 'in progress');
  };
  return {
    registry,
    everyMs,
    step(name, index, total) {
      saidAt = Date.now();
      step.reset();
      step.set({ step: name }, 1);
      stepsDone.set(index);
      stepsTotal.set(total);
      rowsDone.set(0);
      rowsTotal.set(0);
    },
    batch(name, done, total) {
      rowsDone.set(done);
      rowsTotal.set(total);
      if (Date.now() - saidAt >= everyMs) tell({ step: name, rows_done: done, rows_total: total });
    },
    statement(name, { rows, ...said }) {
      if (rows) rowsDone.set(rows.rows_done);
      if (rows) rowsTotal.set(rows.rows_total);
      if (Date.now() - saidAt >= everyMs) tell({ step: name, ...said, ...rows });
    },
  };
}

export interface Progress {
  registry: MetricsRegistry;
  /** `index` steps of `total` have ended; `name` begins. */
  step(name: string, index: number, total: number): void;
  batch(name: string, done: number, total: number): void;
  /** Progress of the running statement. */
  statement(name: string, said: StatementProgress): void;
  /** How often the progress of a step is logged. */
  everyMs: number;
}

export interface StatementProgress {
  /** Since the step began. */
  elapsed_s: number;
  /** What PostgreSQL says that an index build is at. */
  phase?: string;
  /** What the statement waits for, as `Lock: relation`. */
  waits_for?: string;
  /** Rows the index build has taken, where it counts them, else pages of the table. */
  rows?: { rows_done: number; rows_total: number };
}
