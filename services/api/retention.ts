import type { Logger } from '@facepass/runtime/logger';
import type { Config } from './config.ts';
import type { Context } from './context.ts';
import { eraseOverdueSession, overdueSessions } from './db/erasure.ts';
import type { Pool } from './db/pool.ts';
import { recordSweep } from './events.ts';

/** Sessions looked up at a time; the sweep goes on until none is overdue. */
const SWEEP_SESSIONS = 100;

/**
 * Erases every session whose time is over; several processes may do so at once.
 * @returns how many sessions
 */
export async function sweepOverdueSessions(pool: Pool, logger: Logger): Promise<number> {
  let erased = 0;
  for (;;) {
    const overdue = await overdueSessions(pool, SWEEP_SESSIONS);
    for (const sessionId of overdue) {
      const removed = await eraseOverdueSession(pool, sessionId);
      if (!removed) continue;
      erased += 1;
      logger.info({ photos: removed.photos, embeddings: removed.faces }, 'an overdue session was erased');
    }
    if (overdue.length < SWEEP_SESSIONS) return erased;
  }
}

/**
 * Sweeps every `retention.sweepMinutes`, the first time soon after the start; a failed sweep is logged and tried again
 * the next time.
 */
export function startRetentionSweep({ pool, logger, metrics, config }: SweepContext): AsyncDisposable {
  const minutes = config.retention.sweepMinutes;
  metrics.sweepInterval.set(minutes * 60);
  if (minutes === 0) return { [Symbol.asyncDispose]: () => Promise.resolve() };
  let sweep = Promise.resolve();
  const run = () => {
    sweep = sweep
      .then(() => sweepOverdueSessions(pool, logger))
      .then((erased) => recordSweep(metrics, erased))
      .catch((error: Error) => logger.error({ reason: error.message }, 'overdue sessions were not erased'));
  };
  const first = setTimeout(run, Math.min(minutes * 60_000, 10_000));
  const timer = setInterval(run, minutes * 60_000);
  return {
    async [Symbol.asyncDispose]() {
      clearTimeout(first);
      clearInterval(timer);
      await sweep;
    },
  };
}

type SweepContext = Pick<Context, 'pool' | 'logger' | 'metrics'> & { config: Pick<Config, 'retention'> };
