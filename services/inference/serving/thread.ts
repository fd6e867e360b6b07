import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { messageOf } from '@facepass/runtime/errors';
import '../seeing/onnxruntime-telemetry.ts';
import { ImageError } from '../seeing/image.ts';
import type { FoundFaces, PipelineConfig } from '../seeing/faces.ts';
import type { ServedModel, WorkerAnswer, WorkerJob, WorkerSetup } from './worker.ts';

/** A worker thread with its models loaded. */
export interface WorkerThread {
  /** The default first. */
  models: ServedModel[];
  loadSeconds: number;
  /** Why the thread does not give way to the one that answers, where it should. */
  priorityProblem: string | undefined;
  /**
   * Finds the faces of one photo; the next call must wait for the answer. When `signal` aborts, the pipeline stops at
   * the next place where it can.
   * @throws ImageError or PipelineError; WorkerLost or PhotoTimeout, after which the thread takes no more.
   */
  analyse(job: WorkerJob, signal: AbortSignal): Promise<FoundFaces>;
  /** Settles when the thread has ended, with the reason: a PhotoTimeout when it was ended for a photo. */
  ended: Promise<Error>;
  stop(): Promise<void>;
}

/** The pipeline failed on a photo for a reason of its own; the stack is the worker's. */
export class PipelineError extends Error {
  override name = 'PipelineError';
}

/** The thread that held the photo died. */
export class WorkerLost extends Error {
  override name = 'WorkerLost';
}

/** The photo took longer than one may, and its thread was ended for it. */
export class PhotoTimeout extends WorkerLost {
  override name = 'PhotoTimeout';
  readonly limitMs: number;

  constructor(limitMs: number) {
    super(`The photo took longer than ${limitMs} ms.`);
    this.limitMs = limitMs;
  }
}

export interface ThreadOptions {
  pipeline: PipelineConfig;
  /** Model packs beside that of `pipeline`. */
  alsoServed?: readonly string[];
  imageTimeoutMs: number;
}

/** Weight files of several packs have the same names: each pack then has a folder of its own. */
function pipelinesOf({ pipeline, alsoServed = [] }: ThreadOptions): PipelineConfig[] {
  const { modelPack, weightsDirectory } = pipeline;
  if (alsoServed.length === 0) return [pipeline];
  return [modelPack, ...alsoServed].map((name) => ({
    ...pipeline,
    modelPack: name,
    ...(weightsDirectory !== undefined && { weightsDirectory: join(weightsDirectory, name) }),
  }));
}

/**
 * Starts a thread and waits until its pipeline is warm.
 * @param onStuck called when the thread does not end although it was told to: native code cannot be interrupted.
 * @throws what createPipeline throws, or WorkerLost.
 */
export async function startWorkerThread(
  options: ThreadOptions,
  onStuck: (error: Error) => void,
): Promise<WorkerThread> {
  const abandoned = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: { pipelines: pipelinesOf(options), abandoned } satisfies WorkerSetup,
    resourceLimits: { maxOldGenerationSizeMb: WORKER_HEAP_MB, maxYoungGenerationSizeMb: WORKER_YOUNG_MB },
  });
  let pending = Promise.withResolvers<WorkerAnswer>();
  let timeout: PhotoTimeout | undefined;
  const ended = new Promise<Error>((resolve) => {
    worker.once('error', (error: Error) => resolve(error));
    worker.once('exit', (code) => resolve(timeout ?? new WorkerLost(`The worker exited with code ${code}.`)));
  });
  worker.on('message', (answer: WorkerAnswer) => pending.resolve(answer));
  void ended.then((reason) => pending.reject(reason));
  const ready = await pending.promise.catch(async (reason) => {
    await worker.terminate();
    throw reason;
  });
  if (ready.kind !== 'ready') throw new Error(`A worker said "${ready.kind}" before it was ready. This is a bug.`);

  return {
    ...ready,
    ended,
    async analyse(job, signal) {
      pending = Promise.withResolvers();
      Atomics.store(abandoned, 0, 0);
      const abandon = () => Atomics.store(abandoned, 0, 1);
      signal.addEventListener('abort', abandon);
      worker.postMessage(job, ownBuffer(job.image));
      const late = Promise.withResolvers<never>();
      const limit = setTimeout(() => {
        timeout = new PhotoTimeout(options.imageTimeoutMs);
        late.reject(timeout);
        void stop();
      }, options.imageTimeoutMs);
      try {
        return foundOrThrow(await Promise.race([pending.promise, late.promise]));
      } catch (error) {
        throw isKnownFailure(error) ? error : new WorkerLost(messageOf(error), { cause: error });
      } finally {
        clearTimeout(limit);
        signal.removeEventListener('abort', abandon);
      }
    },
    stop,
  };

  /**
   * Between photos: a thread terminated while sharp or onnxruntime worked for it took the whole process along
   * ("terminate called after throwing an instance of 'Napi::Error'").
   */
  async function stop(): Promise<void> {
    const stuck = setTimeout(
      () => onStuck(new Error(`A worker did not exit within ${STOP_LIMIT_MS} ms.`)),
      STOP_LIMIT_MS,
    );
    Atomics.store(abandoned, 0, 1);
    await pending.promise.catch(() => undefined);
    await worker.terminate();
    clearTimeout(stuck);
  }
}

/** JavaScript heap of a worker; pixels and models lie outside it. */
const WORKER_HEAP_MB = 256;
/**
 * Pixels are freed when the small object that holds them is collected: a small nursery does that sooner
 * (docs/decisions/0053).
 */
const WORKER_YOUNG_MB = 4;
const STOP_LIMIT_MS = 10_000;

function foundOrThrow(answer: WorkerAnswer): FoundFaces {
  if (answer.kind === 'found') return answer.found;
  if (answer.kind === 'refused') throw new ImageError(answer.problem, answer.message);
  const error = new PipelineError('The pipeline failed on a photo.');
  if (answer.kind === 'failed') error.stack = answer.stack;
  throw error;
}

function isKnownFailure(error: unknown): boolean {
  return error instanceof ImageError || error instanceof PipelineError || error instanceof WorkerLost;
}

/**
 * The buffer of a photo that nothing else lies in, to be moved to the worker instead of copied: a gRPC message is that,
 * but for its few framing bytes.
 */
function ownBuffer(image: Uint8Array): ArrayBuffer[] {
  const { buffer } = image;
  return buffer instanceof ArrayBuffer && buffer.byteLength - image.byteLength <= FRAMING_BYTES ? [buffer] : [];
}

const FRAMING_BYTES = 32;
