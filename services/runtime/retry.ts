import { setTimeout as delay } from 'node:timers/promises';

export interface RetryOptions {
  /** How long to wait after the failure number `failures`, in milliseconds; null gives up. */
  pauseMs: (error: unknown, failures: number) => number | null;
  /** Ends the wait. */
  signal?: AbortSignal;
}

/**
 * Runs `work` until it succeeds, with a pause after each failure.
 * @throws what `work` threw last when `pauseMs` gives up, and the reason of `signal` when it aborts during a pause
 */
export async function retry<Result>(work: () => Promise<Result>, { pauseMs, signal }: RetryOptions): Promise<Result> {
  for (let failures = 1; ; failures++) {
    try {
      return await work();
    } catch (error) {
      const pause = pauseMs(error, failures);
      if (pause === null) throw error;
      await delay(pause, undefined, { signal });
    }
  }
}

/**
 * A pause that doubles with each failure: `firstMs` after the first, `longestMs` at most. `jitter` is the share of it
 * that is left to chance, 0 to 1, so that many callers do not return together.
 */
export function growingPause(
  failures: number,
  { firstMs, longestMs, jitter = 0 }: { firstMs: number; longestMs: number; jitter?: number },
): number {
  return Math.min(longestMs, firstMs * 2 ** (failures - 1)) * (1 - jitter * Math.random());
}
