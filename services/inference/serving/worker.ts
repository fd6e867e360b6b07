import { parentPort, workerData } from 'node:worker_threads';
import type { ImageProblem } from '@facepass/contracts/image-problem';
import { modelIdOf } from '@facepass/contracts/model-pack';
import { createPipeline, type FoundFaces, type Pipeline, type PipelineConfig } from '../seeing/faces.ts';
import { ImageError } from '../seeing/image.ts';
import { lowerThreadPriority } from './priority.ts';

const priorityProblem = lowerThreadPriority();
const port = parentPort!;
const began = performance.now();
const { pipelines: configs, abandoned } = workerData as WorkerSetup;
const pipelines = new Map<string, Pipeline>();
for (const config of configs) {
  const pipeline = await createPipeline(config);
  pipelines.set(modelIdOf(pipeline.pack), pipeline);
}
const [firstPipeline] = pipelines.values();
answer({
  kind: 'ready',
  models: Array.from(pipelines, ([modelId, { pack }]) => ({ modelId, embeddingSize: pack.embedding_size })),
  loadSeconds: (performance.now() - began) / 1000,
  priorityProblem,
});
port.on('message', (job: WorkerJob) => void analyse(job).then(answer));

/** One photo; a worker is sent the next one only after it has answered. */
async function analyse({ image, minConfidence, maxFaces, modelId }: WorkerJob): Promise<WorkerAnswer> {
  try {
    const pipeline = modelId ? pipelines.get(modelId)! : firstPipeline!;
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
  /** One per model pack, the default first. */
  pipelines: PipelineConfig[];
  /** Shared with the main thread, which sets it to 1 when nobody waits for the photo under work any more. */
  abandoned: Int32Array;
}

/** A photo on its way into a worker thread. */
export interface WorkerJob {
  image: Uint8Array;
  minConfidence: number;
  maxFaces: number;
  /** One of those that the worker said it has; absent or empty: the first. */
  modelId?: string;
}

/** What a worker can embed with. */
export interface ServedModel {
  modelId: string;
  embeddingSize: number;
}

/** What a worker thread says: once that it is ready, then one answer per job. */
export type WorkerAnswer =
  | { kind: 'ready'; models: ServedModel[]; loadSeconds: number; priorityProblem: string | undefined }
  | { kind: 'found'; found: FoundFaces }
  | { kind: 'refused'; problem: ImageProblem; message: string }
  | { kind: 'failed'; stack: string };
