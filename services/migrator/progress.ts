import { createRegistry, type MetricsRegistry } from '@facepass/runtime/exposition';
import type { Logger } from '@facepass/runtime/logger';
import { Gauge } from 'prom-client';

/** Tells how far the migrator is: a log line every ten seconds of a long step, and gauges for whoever scrapes it. */
export function createProgress(logger: Logger): Progress {
  const registry = createRegistry();
  const gauge = (name: string, help: string, labelNames: string[] = []) => new Gauge({ name, help, labelNames, registers: [registry] });
  const step = gauge('facepass_migration_step_info', '1 for the step under way.', ['step']);
  const stepsDone = gauge('facepass_migration_steps_done', 'Steps of this run that have ended.');
  const stepsTotal = gauge('facepass_migration_steps', 'Steps of this run.');
  const rowsDone = gauge('facepass_migration_rows_done', 'Rows that the step under way has moved.');
  const rowsTotal = gauge('facepass_migration_rows', 'Rows that the step under way is to move.');
  const startedAt = gauge('facepass_migration_start_time_seconds', 'When this run began, Unix time.');
  startedAt.set(Date.now() / 1000);
  let saidAt = Date.now();
  return {
    registry,
    step(name, index, total) {
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
      if (Date.now() - saidAt < 10_000) return;
      saidAt = Date.now();
      logger.info({ step: name, rows_done: done, rows_total: total }, 'under way');
    },
  };
}

export interface Progress {
  registry: MetricsRegistry;
  /** `index` steps of `total` have ended; `name` begins. */
  step(name: string, index: number, total: number): void;
  batch(name: string, done: number, total: number): void;
}
