import { parentPort, workerData } from 'node:worker_threads';
import type { ImageProblem } from '@facepass/contracts/image-problem';
import { modelIdOf } from '@facepass/contracts/model-pack';
import { createPipeline, type FoundFaces, type PipelineConfig } from '../seeing/faces.ts';
import { ImageError } from '../seeing/image.ts';
import { lowerThreadPriority } from './priority.ts';

const priorityProblem = lowerThreadPriority();
const port = parentPort!;
const began = performance.now();
const { pipeline: config, abandoned } = workerData as WorkerSetup;
const pipeline = await createPipeline(config);
answer({
  kind: 'ready',
  modelId: modelIdOf(pipeline.pack),
  loadSeconds: (performance.now() - began) / 1000,
  priorityProblem,
});
port.on('message', (job: WorkerJob) => void analyse(job).then(answer));

/** One photo; a worker is sent the next one only after it has answered. */
async function analyse({ image, minConfidence, maxFaces }: WorkerJob): Promise<WorkerAnswer> {
  try {
    return {
      kind: 'found',
      found: await pipeline.findFaces(image, {
        minConfidence,
        maxFaces,
        abandoned: () => Atomics.load(abandoned, 0) === 1,
      }),
    };
  } catch (error) {
    if (error instanceof ImageError) return { kind: 'refused', problem: error.problem, message: error.message };
    return { kind: 'failed', stack: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

function answer(message: WorkerAnswer): void {
  port.postMessage(message);
}

export interface WorkerSetup {
  pipeline: PipelineConfig;
  /** Shared with the main thread, which sets it to 1 when nobody waits for the photo under work any more. */
  abandoned: Int32Array;
}

/** A photo on its way into a worker thread. */
export interface WorkerJob {
  image: Uint8Array;
  minConfidence: number;
  maxFaces: number;
}

/** What a worker thread says: once that it is ready, then one answer per job. */
export type WorkerAnswer =
  | { kind: 'ready'; modelId: string; loadSeconds: number; priorityProblem: string | undefined }
  | { kind: 'found'; found: FoundFaces }
  | { kind: 'refused'; problem: ImageProblem; message: string }
  | { kind: 'failed'; stack: string };
