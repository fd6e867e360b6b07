import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@facepass/runtime/logger';
import { PhotoTimeout, startWorkerThread, type ThreadOptions, type WorkerThread } from './thread.ts';

/** Keeps a number of worker threads alive. */
export interface Supervisor extends AsyncDisposable {
  /** Starts them all. @throws the first error, when one cannot start. */
  start(): Promise<void>;
  finishedPhoto(thread: WorkerThread): void;
}

export interface SupervisorContext {
  logger: Logger;
  threadBegan(thread: WorkerThread): void;
  threadEnded(thread: WorkerThread): void;
  workerReplaced(): void;
  fatal(error: Error): void;
}

/**
 * A thread that ends is replaced, at first at once, then with longer and longer pauses; after `DEATHS_IN_A_ROW` in one
 * place without a finished photo there is no hope in another try, and `fatal` is called. A thread that was ended for a
 * slow photo is no such death: the machine may be slow. Disposal leaves no thread behind, not even one that is loading:
 * the process must not exit while native code runs (thread.ts, `stop`).
 */
export function createSupervisor(options: ThreadOptions & { workers: number }, context: SupervisorContext): Supervisor {
  const alive = new Set<WorkerThread>();
  /** Threads that have finished a photo. */
  const proven = new WeakSet<WorkerThread>();
  const places: Promise<void>[] = [];
  const stopping = new AbortController();
  return {
    async start() {
      const starts = await Promise.allSettled(
        Array.from({ length: options.workers }, () => startWorkerThread(options, context.fatal)),
      );
      for (const start of starts) if (start.status === 'fulfilled') places.push(keepPlace(start.value));
      for (const start of starts) if (start.status === 'rejected') throw start.reason;
    },
    finishedPhoto: (thread) => void proven.add(thread),
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await Promise.all([...alive].map((thread) => thread.stop()));
      await Promise.all(places);
    },
  };

  /** Keeps one worker's place filled: with `first`, when that has ended with its replacement, and so on. */
  async function keepPlace(first: WorkerThread): Promise<void> {
    let thread: WorkerThread | undefined = first;
    let deaths = 0;
    while (!stopping.signal.aborted) {
      const reason = thread && (await service(thread));
      if (stopping.signal.aborted) return;
      if (reason) context.logger.error({ err: reason }, 'a worker exited');
      if (thread && proven.has(thread)) deaths = 0;
      if (!(reason instanceof PhotoTimeout)) deaths += 1;
      if (deaths > DEATHS_IN_A_ROW)
        return context.fatal(new Error(`Workers exited ${deaths} times in a row without finishing a photo.`));
      await pause(FIRST_PAUSE_MS * (2 ** Math.max(0, deaths - 1) - 1));
      if (stopping.signal.aborted) return;
      thread = await replacement();
    }
    await thread?.stop();
  }

  async function service(thread: WorkerThread): Promise<Error> {
    alive.add(thread);
    context.threadBegan(thread);
    const reason = await thread.ended;
    alive.delete(thread);
    context.threadEnded(thread);
    return reason;
  }

  async function pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: stopping.signal }).catch(() => undefined);
  }

  async function replacement(): Promise<WorkerThread | undefined> {
    context.workerReplaced();
    try {
      return await startWorkerThread(options, context.fatal);
    } catch (error) {
      context.logger.error({ err: error }, 'could not start a worker');
      return undefined;
    }
  }
}

const DEATHS_IN_A_ROW = 5;
const FIRST_PAUSE_MS = 100;
