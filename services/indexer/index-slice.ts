import { setTimeout as delay } from 'node:timers/promises';
import {
  cancelRest,
  endJobIfDone,
  endPhoto,
  pendingPhotos,
  readJobToWork,
  type JobToWork,
  type Outcome,
  type QueuedPhoto,
} from '@facepass/indexing/db/jobs';
import { ApiProblem } from '@facepass/indexing/errors';
import { fetchPhoto, indexFaces } from '@facepass/indexing/photo';
import type { Slice } from '@facepass/indexing/queue';
import type { Context } from './context.ts';

/**
 * Works off the pending photos of a slice. Each is committed by itself, and is indexed once more where a process died
 * between the two commits, which leaves the same rows.
 * @param attempt how often the slice was tried before
 * @throws ApiProblem why photos of it still wait
 */
export async function indexSlice(context: Context, slice: Slice, attempt: number, signal: AbortSignal): Promise<void> {
  let deferred: ApiProblem | null = null;
  let inARow = 0;
  for (const photo of await pendingPhotos(context.pool, slice)) {
    const job = await readJobToWork(context.pool, slice.job);
    if (!job) return;
    if (job.is_over) return endJob(context, slice.job);
    const problem = await indexOne(context, slice.job, job, photo, { attempt, signal });
    if (problem) deferred = problem;
    inARow = problem ? inARow + 1 : 0;
    // One photo may be at fault itself, and must not keep the others; behind two there is a cause that all share.
    if (inARow === 2 || signal.aborted) break;
  }
  if (deferred) throw deferred;
  signal.throwIfAborted();
  await endJobIfDone(context.pool, slice.job);
}

/** Its session was erased, or its time is over: nothing more of it is indexed. */
async function endJob({ pool }: Context, job: string): Promise<void> {
  await cancelRest(pool, job, { code: 'session_erased', detail: 'The session was erased, or its time is over.' });
}

/** Null where the photo ended, else why it waits for another attempt. */
async function indexOne(
  context: Context,
  id: string,
  job: JobToWork,
  photo: QueuedPhoto,
  { attempt, signal }: { attempt: number; signal: AbortSignal },
): Promise<ApiProblem | null> {
  const { pool, metrics, logger } = context;
  const endTimer = metrics.seconds.startTimer();
  metrics.underWork.inc();
  try {
    const faces = await storeFaces(context, job, photo, signal);
    endTimer();
    await endPhoto(pool, id, photo.position, { state: 'indexed', faces });
    metrics.photos.inc({ state: 'indexed' });
    return null;
  } catch (error) {
    if (signal.aborted) return new ApiProblem('stopping', 'The indexer is stopping.');
    if (!(error instanceof ApiProblem)) logger.error({ err: error }, 'a photo of a job met a fault');
    const problem =
      error instanceof ApiProblem
        ? error
        : new ApiProblem('internal_error', 'The photo could not be indexed.', { cause: error });
    const outcome = outcomeOf(problem, attempt);
    metrics.photos.inc({ state: outcome?.state ?? 'deferred' });
    if (!outcome) return problem;
    await endPhoto(pool, id, photo.position, outcome);
    return null;
  } finally {
    metrics.underWork.dec();
  }
}

async function storeFaces(context: Context, job: JobToWork, photo: QueuedPhoto, signal: AbortSignal): Promise<number> {
  const image = await fetchPhoto(context, photo.s3_key, signal);
  const found = await patiently(signal, () =>
    indexFaces(
      context,
      {
        session_id: job.session_id,
        photo_id: photo.photo_id,
        expires_at: job.expires_at?.toISOString(),
        image,
        last_erasure: job.last_erasure,
        purpose: 'job',
      },
      signal,
    ),
  );
  return found.faces.length;
}

/** Live calls go first: while they fill the inference servers, the photo waits in memory. */
async function patiently<Result>(signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ApiProblem) || error.code !== 'inference_overloaded') throw error;
      await delay(Math.min(error.retryAfterMs ?? 200, 500) * (0.25 + Math.random() / 2), undefined, { signal });
    }
  }
}

/**
 * How a problem ends a photo, or null where it may pass. What the photo itself may cause is not tried for ever: a crowd
 * that outlasts every time limit, or a fault of ours.
 */
export function outcomeOf({ code, status, message: detail }: ApiProblem, attempt: number): Outcome | null {
  if (code === 'no_face') return { state: 'without_face', code, detail };
  if (code === 'session_erased') return { state: 'cancelled', code, detail };
  if (status < 500) return { state: 'failed', code, detail };
  const mayBeThePhoto = code === 'internal_error' || code === 'inference_timeout';
  return mayBeThePhoto && attempt >= ATTEMPTS ? { state: 'failed', code, detail } : null;
}

const ATTEMPTS = 5;
