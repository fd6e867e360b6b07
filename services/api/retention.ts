import { eraseOverdueSession, overdueSessions } from '@facepass/indexing/db/erasure';
import type { Pool } from '@facepass/indexing/db/pool';
import type { Logger } from '@facepass/runtime/logger';
import type { Config } from './config.ts';
import type { Context } from './context.ts';
import { recordSweep } from './metrics.ts';

/** Number of sessions per lookup; the sweep continues until none is overdue. */
const SWEEP_SESSIONS = 100;
/** After this many failures the cause is the database, not the sessions. */
const MOST_FAILURES = 20;

/**
 * Erases every expired session; several processes may do so at once. A session that fails does not block the others:
 * the next sweep tries it again.
 * @returns the number of erased sessions
 * @throws the first failure, after the others are erased
 */
export async function sweepOverdueSessions(pool: Pool, logger: Logger): Promise<number> {
  const failures = new Map<string, Error>();
  let erased = 0;
  for (;;) {
    const overdue = await overdueSessions(pool, SWEEP_SESSIONS, [...failures.keys()]);
    for (const sessionId of overdue) {
      const removed = await eraseOverdueSession(pool, sessionId).catch((error: Error) => {
        failures.set(sessionId, error);
        return null;
      });
      if (!removed) continue;
      erased += 1;
      logger.info({ photos: removed.photos, embeddings: removed.faces }, 'overdue session erased');
    }
    if (failures.size > MOST_FAILURES || overdue.length < SWEEP_SESSIONS) break;
  }
  for (const failure of failures.values()) throw failure;
  return erased;
}

/**
 * Sweeps every `retention.sweepMinutes`, the first time soon after the start. It logs a failed sweep and tries again
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
      .catch((error: Error) => logger.error({ reason: error.message }, 'overdue sessions not erased'));
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
