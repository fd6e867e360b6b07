import { answerOf, multipart, Problem, type FacepassClient } from '@facepass/client';
import { inParallel } from '@facepass/runtime/parallel';
import { growingPause, retry } from '@facepass/runtime/retry';
import { fileProblem } from './file-problem.ts';
import type { PhotoFile } from './photos.ts';
import { openReadable } from './readable.ts';

export type Outcome =
  | { kind: 'indexed'; faces: number; rejected: number }
  /** The service found no face, or none good enough to compare. */
  | { kind: 'no_face'; rejected: number }
  | { kind: 'failed'; code: string; reason: string };

export interface Upload {
  client: FacepassClient;
  session: string;
  /** Which faces of each photo are indexed. */
  selection?: { max_faces?: number; min_quality?: number };
  signal: AbortSignal;
  /** How long the service may be unavailable or busy, with no photo accepted, before the run gives up (milliseconds). */
  patienceMs: number;
}

/**
 * Uploads `photos`, `parallel` at a time, and yields each with its outcome. It retries transient problems (the service is
 * unavailable, full or limits the rate) after their Retry-After.
 * @throws Problem if the service was unavailable for `patienceMs`, or rejects the key
 */
export function uploadPhotos(
  photos: PhotoFile[],
  parallel: number,
  upload: Upload,
): AsyncGenerator<{ photo: PhotoFile; outcome: Outcome }> {
  const patience = { lastAnswerMs: Date.now() };
  return inParallel(photos, parallel, async (photo) => ({
    photo,
    outcome: await sendPatiently(photo, upload, patience),
  }));
}

/** Fails a photo that gets no answer while others do; ends the run if none gets one. */
async function sendPatiently(photo: PhotoFile, upload: Upload, patience: { lastAnswerMs: number }): Promise<Outcome> {
  const begunMs = Date.now();
  const pauseMs = (error: unknown, failures: number) => {
    if (!(error instanceof Problem) || !error.isTransient) return null;
    const waitMs = error.retryAfterMs ?? growingPause(failures, { firstMs: 250, longestMs: 5000 });
    if (Date.now() + waitMs - patience.lastAnswerMs > upload.patienceMs) return null;
    return waitMs * (1 + Math.random() / 4);
  };
  try {
    const outcome = await retry(() => send(photo, upload), { pauseMs, signal: upload.signal });
    patience.lastAnswerMs = Date.now();
    return outcome;
  } catch (error) {
    if (!(error instanceof Problem) || !error.isTransient || patience.lastAnswerMs <= begunMs) throw error;
    return { kind: 'failed', code: error.code, reason: error.message };
  }
}

/** Makes one attempt. @throws Problem if it is transient or concerns the key */
async function send({ photoId, path }: PhotoFile, { client, session, selection, signal }: Upload): Promise<Outcome> {
  let image: Blob;
  try {
    image = await openReadable(path);
  } catch (error) {
    return { kind: 'failed', code: 'unreadable', reason: `the file ${fileProblem(error)}` };
  }
  try {
    const result = await client.POST('/api/v1/index', {
      body: { photo_id: photoId, session_id: session, image, ...selection },
      bodySerializer: multipart,
      signal,
    });
    const answer = answerOf(result);
    return { kind: 'indexed', faces: answer.faces_detected, rejected: answer.rejected.length };
  } catch (error) {
    if (isUnreadable(error))
      return { kind: 'failed', code: 'unreadable', reason: 'the file changed or became unreadable during the upload' };
    if (error instanceof Problem) return outcomeOf(error);
    throw error;
  }
}

/** A Blob of a file reads it while it is sent, and throws this if the file has changed since. */
function isUnreadable(error: unknown): boolean {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause)
    if (cause.name === 'NotReadableError') return true;
  return false;
}

function outcomeOf(problem: Problem): Outcome {
  const { code, status, members } = problem;
  if (code === 'no_face')
    return { kind: 'no_face', rejected: Array.isArray(members['rejected']) ? members['rejected'].length : 0 };
  if (problem.isTransient || status === 401 || status === 403) throw problem;
  return { kind: 'failed', code, reason: problem.message };
}
