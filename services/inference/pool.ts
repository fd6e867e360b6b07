import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@facepass/runtime/logger';
import type { FoundFaces, PipelineConfig } from './faces.ts';
import { startWorkerThread, WorkerLost, type WorkerThread } from './thread.ts';
import type { WorkerJob } from './worker.ts';

/** Worker threads that share one queue. */
export interface WorkerPool extends AsyncDisposable {
  /**
   * Starts the workers and waits until all are warm.
   * @throws the first worker's error, when one cannot start.
   */
  start(): Promise<void>;
  /**
   * Waits for a worker and has it find the faces of `job.image`. When `signal` aborts, a waiting photo leaves the
   * queue; one under work is finished, and its faces are thrown away.
   * @throws what WorkerThread.analyse throws, or the signal's reason.
   */
  analyse(job: WorkerJob, signal: AbortSignal): Promise<AnalysedPhoto>;
  load(): PoolLoad;
}

export interface AnalysedPhoto {
  found: FoundFaces;
  modelId: string;
  queueMs: number;
  /** When the worker began, in milliseconds since 1970. */
  beganAtMs: number;
}

export interface PoolLoad {
  waiting: number;
  busy: number;
  /** Threads with their models loaded. */
  ready: number;
  /** Moving average of the time a worker takes for a photo, in milliseconds; 0 before the first. */
  serviceMs: number;
}

export interface PoolOptions {
  workers: number;
  imageTimeoutMs: number;
  pipeline: PipelineConfig;
}

export interface PoolContext {
  logger: Logger;
  workerStarted(thread: WorkerThread): void;
  workerReplaced(): void;
  workBegan(queueMs: number): void;
  photoDropped(): void;
  readyChanged(ready: number): void;
  /** The pool is beyond repair. */
  fatal(error: Error): void;
}

/**
 * A pool that has yet to be started. A worker that dies is replaced, at first at once, then with longer and longer
 * pauses; after `DEATHS_IN_A_ROW` in one place without a finished photo the pool gives up.
 */
export function createWorkerPool(options: PoolOptions, context: PoolContext): WorkerPool {
  const queue = new Set<WaitingPhoto>();
  const ready = new Set<WorkerThread>();
  const idle: WorkerThread[] = [];
  /** Threads that have finished a photo. */
  const proven = new WeakSet<WorkerThread>();
  let serviceMs = 0;
  let stopping = false;

  return {
    async start() {
      const threads = await Promise.all(Array.from({ length: options.workers }, () => startWorkerThread(options, context.fatal)));
      for (const thread of threads) void keep(thread);
    },
    load: () => ({ waiting: queue.size, busy: ready.size - idle.length, ready: ready.size, serviceMs }),
    analyse,
    async [Symbol.asyncDispose]() {
      stopping = true;
      await Promise.all([...ready].map((thread) => thread.stop()));
    },
  };

  function analyse(job: WorkerJob, signal: AbortSignal): Promise<AnalysedPhoto> {
    return new Promise((resolve, reject) => {
      const photo: WaitingPhoto = { job, signal, enqueuedAt: performance.now(), resolve, reject, leave };
      function leave(): void {
        if (queue.delete(photo)) context.photoDropped();
        reject(signal.reason);
      }
      queue.add(photo);
      if (signal.aborted) return leave();
      signal.addEventListener('abort', leave, { once: true });
      dispatch();
    });
  }

  function dispatch(): void {
    for (const photo of queue) {
      const thread = idle.pop();
      if (!thread) return;
      queue.delete(photo);
      void work(thread, photo);
    }
  }

  async function work(thread: WorkerThread, { job, signal, enqueuedAt, resolve, reject, leave }: WaitingPhoto): Promise<void> {
    const began = performance.now();
    context.workBegan(began - enqueuedAt);
    try {
      const found = await thread.analyse(job);
      const tookMs = performance.now() - began;
      serviceMs = serviceMs === 0 ? tookMs : serviceMs + SERVICE_TIME_WEIGHT * (tookMs - serviceMs);
      resolve({ found, modelId: thread.modelId, queueMs: began - enqueuedAt, beganAtMs: performance.timeOrigin + began });
    } catch (error) {
      reject(error);
      if (error instanceof WorkerLost) return;
    } finally {
      signal.removeEventListener('abort', leave);
    }
    proven.add(thread);
    idle.push(thread);
    dispatch();
  }

  /** Keeps a worker's place filled: with `first`, when that has ended with its replacement, and so on. */
  async function keep(first: WorkerThread): Promise<void> {
    let thread: WorkerThread | undefined = first;
    let deaths = 0;
    while (!stopping) {
      if (thread) {
        const reason = await serve(thread);
        if (stopping) return;
        context.logger.error({ err: reason }, 'a worker thread ended');
        if (proven.has(thread)) deaths = 0;
      }
      deaths += 1;
      if (deaths > DEATHS_IN_A_ROW) return context.fatal(new Error(`A worker thread ended ${deaths} times in a row without finishing a photo.`));
      await delay(FIRST_PAUSE_MS * (2 ** (deaths - 1) - 1));
      thread = await restart();
    }
    await thread?.stop();
  }

  async function restart(): Promise<WorkerThread | undefined> {
    context.workerReplaced();
    try {
      return await startWorkerThread(options, context.fatal);
    } catch (error) {
      context.logger.error({ err: error }, 'a worker thread could not start');
      return undefined;
    }
  }

  /** Lets a thread take photos until it ends. */
  async function serve(thread: WorkerThread): Promise<Error> {
    ready.add(thread);
    idle.push(thread);
    context.workerStarted(thread);
    context.readyChanged(ready.size);
    dispatch();
    const reason = await thread.ended;
    ready.delete(thread);
    if (idle.includes(thread)) idle.splice(idle.indexOf(thread), 1);
    context.readyChanged(ready.size);
    return reason;
  }
}

/** A photo's share in the moving average of the service time: five photos carry two thirds of the weight. */
const SERVICE_TIME_WEIGHT = 0.2;
const DEATHS_IN_A_ROW = 5;
const FIRST_PAUSE_MS = 100;

interface WaitingPhoto {
  job: WorkerJob;
  signal: AbortSignal;
  enqueuedAt: number;
  resolve(photo: AnalysedPhoto): void;
  reject(error: unknown): void;
  leave(): void;
}
