import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@facepass/runtime/logger';
import type { PipelineConfig } from './faces.ts';
import { startWorkerThread, type WorkerThread } from './thread.ts';

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
 * place without a finished photo there is no hope in another try, and `fatal` is called.
 */
export function createSupervisor(options: { workers: number; imageTimeoutMs: number; pipeline: PipelineConfig }, context: SupervisorContext): Supervisor {
  const alive = new Set<WorkerThread>();
  /** Threads that have finished a photo. */
  const proven = new WeakSet<WorkerThread>();
  let stopping = false;
  return {
    async start() {
      const threads = await Promise.all(Array.from({ length: options.workers }, () => startWorkerThread(options, context.fatal)));
      for (const thread of threads) void keepPlace(thread);
    },
    finishedPhoto: (thread) => void proven.add(thread),
    async [Symbol.asyncDispose]() {
      stopping = true;
      await Promise.all([...alive].map((thread) => thread.stop()));
    },
  };

  /** Keeps one worker's place filled: with `first`, when that has ended with its replacement, and so on. */
  async function keepPlace(first: WorkerThread): Promise<void> {
    let thread: WorkerThread | undefined = first;
    let deaths = 0;
    while (!stopping) {
      if (thread) {
        const reason = await service(thread);
        if (stopping) return;
        context.logger.error({ err: reason }, 'a worker thread ended');
        if (proven.has(thread)) deaths = 0;
      }
      deaths += 1;
      if (deaths > DEATHS_IN_A_ROW) return context.fatal(new Error(`A worker thread ended ${deaths} times in a row without finishing a photo.`));
      await delay(FIRST_PAUSE_MS * (2 ** (deaths - 1) - 1));
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

  async function replacement(): Promise<WorkerThread | undefined> {
    context.workerReplaced();
    try {
      return await startWorkerThread(options, context.fatal);
    } catch (error) {
      context.logger.error({ err: error }, 'a worker thread could not start');
      return undefined;
    }
  }
}

const DEATHS_IN_A_ROW = 5;
const FIRST_PAUSE_MS = 100;
