import { IMAGE_PROBLEM_TRAILER } from '@facepass/contracts/image-problem';
import { TIME_LIMIT_TRAILER } from '@facepass/contracts/trailers';
import type {
  DetectFacesRequest,
  DetectFacesResponse,
  FaceAnalysisServiceImplementation,
} from '@facepass/contracts/inference';
import type { Logger } from '@facepass/runtime/logger';
import { ServerError, Status, type CallContext } from 'nice-grpc';
import type { InferenceEvents } from './metrics.ts';
import { ImageError } from '../seeing/image.ts';
import type { AnalysedPhoto, WorkerPool } from './pool.ts';
import { PhotoTimeout, WorkerLost } from './thread.ts';
import { inServerSpan, recordStages } from './tracing.ts';
import type { ServedModel } from './worker.ts';

export interface DetectFacesContext {
  pool: Pick<WorkerPool, 'analyse' | 'models'>;
  events: Pick<InferenceEvents, 'photoAnalysed'>;
  logger: Logger;
}

/** The FaceAnalysis service of inference.proto. */
export function faceAnalysis(context: DetectFacesContext): FaceAnalysisServiceImplementation {
  return {
    detectFaces: (request, call) => inServerSpan(call.metadata, () => detectFaces(context, request, call)),
    listModels: async () => ({ models: [...context.pool.models()] }),
  };
}

async function detectFaces(
  { pool, events, logger }: DetectFacesContext,
  request: DetectFacesRequest,
  call: CallContext,
): Promise<DetectFacesResponse> {
  const { image, minConfidence, maxFaces, modelId } = request;
  if (!(minConfidence >= 0 && minConfidence <= 1))
    throw new ServerError(Status.INVALID_ARGUMENT, 'min_confidence must be between 0 and 1.');
  requireModel(pool.models(), modelId);
  try {
    const photo = await pool.analyse({ image, minConfidence, maxFaces, modelId }, call.signal);
    recordStages(photo);
    events.photoAnalysed(photo.found);
    logger.debug(
      {
        faces: photo.found.faces.length,
        rejected: photo.found.rejected.length,
        queue_ms: Math.round(photo.queueMs),
        ...photo.found.timings,
      },
      'photo analysed',
    );
    return responseOf(photo);
  } catch (error) {
    if (call.signal.aborted) throw error;
    if (error instanceof ImageError) call.trailer.set(IMAGE_PROBLEM_TRAILER, error.problem);
    if (error instanceof PhotoTimeout)
      call.trailer.set(TIME_LIMIT_TRAILER, `INFERENCE_IMAGE_TIMEOUT_MS (${error.limitMs} ms)`);
    const answer = statusOf(error);
    if (answer.code === Status.INTERNAL) logger.error({ err: error }, 'could not analyse a photo');
    throw answer;
  }
}

function requireModel(models: readonly ServedModel[], modelId: string): void {
  if (modelId === '' || models.some((model) => model.modelId === modelId)) return;
  const served = models.map((model) => model.modelId).join(', ');
  throw new ServerError(Status.NOT_FOUND, `Model ${JSON.stringify(modelId)} is not served here, only ${served}.`);
}

function responseOf({ found, modelId, queueMs }: AnalysedPhoto): DetectFacesResponse {
  return {
    ...found,
    faces: found.faces.map((face) => ({ ...face, embedding: Array.from(face.embedding) })),
    modelId,
    timings: { ...found.timings, queueMs },
  };
}

/** The one table from error kinds to statuses. What is not the caller's business is told without details. */
function statusOf(error: unknown): ServerError {
  if (error instanceof ImageError) return new ServerError(Status.INVALID_ARGUMENT, error.message);
  if (error instanceof PhotoTimeout) return new ServerError(Status.DEADLINE_EXCEEDED, error.message);
  if (error instanceof WorkerLost)
    return new ServerError(Status.UNAVAILABLE, 'The worker that processed the photo exited.');
  return new ServerError(Status.INTERNAL, 'The photo could not be analysed.');
}
