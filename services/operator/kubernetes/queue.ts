import { growingPause } from '@facepass/runtime/retry';

/**
 * Work by key: one run of a key at a time, a key added while it runs is run once more, failures are tried again after a
 * growing pause.
 */
export interface WorkQueue extends AsyncDisposable {
  add(key: string, afterMs?: number): void;
}

/**
 * @param process does the work of a key; gives the milliseconds after which to do it again, or null.
 * @param limits `concurrency` of different keys; pauses between tries of a failing key.
 */
export function createQueue(
  process: (key: string) => Promise<number | null>,
  { concurrency = 4, firstPauseMs = 500, longestPauseMs = 30_000 } = {},
): WorkQueue {
  const waiting = new Set<string>();
  const running = new Map<string, Promise<void>>();
  const timers = new Map<string, { timer: NodeJS.Timeout; at: number }>();
  const failures = new Map<string, number>();
  let isClosed = false;

  const pump = () => {
    for (const key of waiting) {
      if (isClosed || running.size >= concurrency) return;
      if (running.has(key)) continue;
      waiting.delete(key);
      running.set(key, run(key));
    }
  };
  const run = async (key: string) => {
    try {
      const again = await process(key);
      failures.delete(key);
      if (again !== null) add(key, again);
    } catch {
      const count = (failures.get(key) ?? 0) + 1;
      failures.set(key, count);
      add(key, growingPause(count, { firstMs: firstPauseMs, longestMs: longestPauseMs }));
    }
    running.delete(key);
    pump();
  };
  const add = (key: string, afterMs = 0) => {
    if (isClosed) return;
    if (afterMs <= 0) {
      waiting.add(key);
      return void queueMicrotask(pump);
    }
    const at = Date.now() + afterMs;
    const planned = timers.get(key);
    if (planned && planned.at <= at) return;
    clearTimeout(planned?.timer);
    const timer = setTimeout(() => {
      timers.delete(key);
      add(key);
    }, afterMs);
    timers.set(key, { timer, at });
  };
  return {
    add,
    async [Symbol.asyncDispose]() {
      isClosed = true;
      for (const { timer } of timers.values()) clearTimeout(timer);
      await Promise.all(running.values());
    },
  };
}
