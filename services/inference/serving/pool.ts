import type { Logger } from '@facepass/runtime/logger';
import type { FoundFaces } from '../seeing/faces.ts';
import { createSupervisor } from './supervisor.ts';
import { WorkerLost, type ThreadOptions, type WorkerThread } from './thread.ts';
import type { ServedModel, WorkerJob } from './worker.ts';

/** Worker threads that share one queue. */
export interface WorkerPool extends AsyncDisposable {
  /**
   * Starts the workers and waits until all are warm.
   * @throws the first worker's error, when one cannot start.
   */
  start(): Promise<void>;
  /**
   * Waits for a worker and has it find the faces of `job.image`. When `signal` aborts, a waiting photo leaves the
   * queue, and one under work is given up at the next stage.
   * @throws what WorkerThread.analyse throws, or the signal's reason.
   */
  analyse(job: WorkerJob, signal: AbortSignal): Promise<AnalysedPhoto>;
  load(): PoolLoad;
  /** What the workers can embed with, the default first; none before the first worker is ready. */
  models(): readonly ServedModel[];
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

export type PoolOptions = ThreadOptions & { workers: number };

export interface PoolContext {
  logger: Logger;
  workerStarted(thread: WorkerThread): void;
  workerReplaced(): void;
  workBegan(queueMs: number): void;
  photoDropped(): void;
  readyChanged(): void;
  /** The pool is beyond repair. */
  fatal(error: Error): void;
}

/** A pool that has yet to be started; it replaces workers that die. */
export function createWorkerPool(options: PoolOptions, context: PoolContext): WorkerPool {
  const queue = new Set<WaitingPhoto>();
  const ready = new Set<WorkerThread>();
  const idle = new Set<WorkerThread>();
  let models: readonly ServedModel[] = [];
  let serviceMs = 0;
  let priorityProblem: string | undefined;
  const supervisor = createSupervisor(options, {
    ...context,
    threadBegan(thread) {
      ready.add(thread);
      models = thread.models;
      idle.add(thread);
      context.workerStarted(thread);
      if (thread.priorityProblem && !priorityProblem)
        context.logger.warn(
          { reason: thread.priorityProblem },
          'workers keep normal priority: health checks may be late under full load',
        );
      priorityProblem ??= thread.priorityProblem;
      context.readyChanged();
      dispatch();
    },
    threadEnded(thread) {
      ready.delete(thread);
      idle.delete(thread);
      context.readyChanged();
    },
  });
  return {
    start: () => supervisor.start(),
    load: () => ({ waiting: queue.size, busy: ready.size - idle.size, ready: ready.size, serviceMs }),
    models: () => models,
    analyse,
    [Symbol.asyncDispose]: () => supervisor[Symbol.asyncDispose](),
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
      const [thread] = idle;
      if (!thread) return;
      queue.delete(photo);
      idle.delete(thread);
      void work(thread, photo);
    }
  }

  async function work(
    thread: WorkerThread,
    { job, signal, enqueuedAt, resolve, reject, leave }: WaitingPhoto,
  ): Promise<void> {
    const began = performance.now();
    context.workBegan(began - enqueuedAt);
    try {
      const found = await thread.analyse(job, signal);
      const tookMs = performance.now() - began;
      serviceMs = serviceMs === 0 ? tookMs : serviceMs + SERVICE_TIME_WEIGHT * (tookMs - serviceMs);
      resolve({
        found,
        modelId: job.modelId || thread.models[0]!.modelId,
        queueMs: began - enqueuedAt,
        beganAtMs: performance.timeOrigin + began,
      });
    } catch (error) {
      reject(error);
      if (error instanceof WorkerLost) return;
    } finally {
      signal.removeEventListener('abort', leave);
    }
    supervisor.finishedPhoto(thread);
    idle.add(thread);
    dispatch();
  }
}

/** A photo's share in the moving average of the service time: five photos carry two thirds of the weight. */
const SERVICE_TIME_WEIGHT = 0.2;

interface WaitingPhoto {
  job: WorkerJob;
  signal: AbortSignal;
  enqueuedAt: number;
  resolve(photo: AnalysedPhoto): void;
  reject(error: unknown): void;
  leave(): void;
}
