import { batchRequest, type BatchAnswer, type BatchLine, type BatchRequest } from '@facepass/contracts/http';
import { ApiProblem } from '@facepass/indexing/errors';
import { fetchPhoto, indexFaces } from '@facepass/indexing/photo';
import { exchangeOf } from '@facepass/runtime/http-server';
import { inParallel } from '@facepass/runtime/parallel';
import { retry } from '@facepass/runtime/retry';
import type { Request, RequestHandler, Response } from 'express';
import type { Context } from '../context.ts';
import { observeIndexing } from '../metrics.ts';
import { readJsonFields } from '../upload.ts';
import { fieldProblem, validated } from '../validation.ts';

/** 1,000 photos with the longest ids and keys, every character escaped, stay below this. */
const BATCH_BODY_BYTES = 8 * 1024 * 1024;
/** How long a photo waits for a full inference server before it counts as failed. */
const PATIENCE_MS = 60_000;

/**
 * POST /api/v1/index/batch: photos of the bucket, some at a time. One that fails does not stop the others; the same
 * batch again is harmless; a client that leaves ends the work.
 */
export function indexBatch(context: Context): RequestHandler {
  return async (request, response) => {
    const batch = validated(batchRequest, await readBatch(context, request));
    if (!context.storage)
      throw new ApiProblem('s3_not_configured', 'This service has no bucket; upload the photos one by one.');
    const signal = exchangeOf(response).left;
    const lines = counted(response, indexEach(context, batch, signal));
    response.locals.model = context.modelId;
    if (wantsLines(request)) return sendLines(response, lines, signal);
    response.json(await summaryOf(lines));
  };
}

async function readBatch({ imageMemory }: Context, request: Request): Promise<unknown> {
  using receiving = imageMemory.receive();
  return readJsonFields(request, BATCH_BODY_BYTES, receiving);
}

type Photo = BatchRequest['photos'][number];

/** The result of each photo as it ends, with `batchConcurrency` of them under way. */
function indexEach(context: Context, batch: BatchRequest, signal: AbortSignal): AsyncGenerator<BatchLine> {
  const photos = until(signal, batch.photos);
  return inParallel(photos, context.config.batchConcurrency, (photo) => indexOne(context, batch, photo, signal));
}

function* until<Item>(signal: AbortSignal, items: Item[]): Generator<Item> {
  for (const item of items) {
    if (signal.aborted) return;
    yield item;
  }
}

async function indexOne(context: Context, batch: BatchRequest, photo: Photo, signal: AbortSignal): Promise<BatchLine> {
  const { session_id, expires_at, max_faces, min_quality } = batch;
  const { photo_id, s3_key } = photo;
  try {
    const { faces, warnings } = await observeIndexing(context.metrics, { signal, ofBatch: true }, async () => {
      // Which of the two would win is left to chance.
      if (firstOf(batch, photo_id) !== photo) throw fieldProblem('photo_id', 'must be given once in a batch');
      using _place = await context.imageMemory.place(signal);
      if (context.draining) throw new ApiProblem('stopping', 'The service is stopping.');
      const image = await fetchPhoto(context, s3_key, signal);
      return patiently(signal, () =>
        indexFaces(context, { session_id, photo_id, expires_at, max_faces, min_quality, image }, signal),
      );
    });
    return {
      photo_id,
      indexed: true,
      faces_detected: faces.length,
      confidence: Math.max(...faces.map((face) => face.confidence)),
      ...(warnings && { warnings }),
    };
  } catch (error) {
    const problem =
      error instanceof ApiProblem ? error : new ApiProblem('internal_error', 'An unexpected error occurred.');
    if (problem.status >= 500 && !signal.aborted)
      context.logger.error({ err: problem.cause ?? error, code: problem.code }, 'a photo of a batch failed');
    return { photo_id, indexed: false, code: problem.code, error: problem.message };
  }
}

const firsts = new WeakMap<BatchRequest, Map<string, Photo>>();

function firstOf(batch: BatchRequest, photoId: string): Photo | undefined {
  const known = firsts.get(batch) ?? new Map(batch.photos.toReversed().map((photo) => [photo.photo_id, photo]));
  firsts.set(batch, known);
  return known.get(photoId);
}

/** For the request's log line: the faces stored so far. */
async function* counted(response: Response, lines: AsyncIterable<BatchLine>): AsyncGenerator<BatchLine> {
  response.locals.faces = 0;
  for await (const line of lines) {
    if (line.indexed) response.locals.faces += line.faces_detected;
    yield line;
  }
}

/** Other callers may have filled the inference servers: their refusal is a reason to wait, not to fail. */
async function patiently<Result>(signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
  const giveUp = performance.now() + PATIENCE_MS;
  const pauseMs = (error: unknown) =>
    error instanceof ApiProblem && error.code === 'inference_overloaded' && performance.now() <= giveUp
      ? (error.retryAfterMs ?? 1000) * (0.5 + Math.random())
      : null;
  return retry(work, { pauseMs, signal });
}

async function summaryOf(lines: AsyncIterable<BatchLine>): Promise<BatchAnswer> {
  const answer: BatchAnswer = { indexed: 0, failed: 0, errors: [] };
  for await (const line of lines) {
    if (line.indexed) {
      answer.indexed += 1;
    } else {
      answer.failed += 1;
      answer.errors.push({ photo_id: line.photo_id, code: line.code, error: line.error });
    }
  }
  return answer;
}

async function sendLines(response: Response, lines: AsyncIterable<BatchLine>, signal: AbortSignal): Promise<void> {
  response.status(200).type('application/x-ndjson').flushHeaders();
  for await (const line of lines) {
    if (signal.aborted) continue;
    const taken = response.write(`${JSON.stringify(line)}\n`);
    if (!taken) await drained(response, signal);
  }
  response.end();
}

function drained(response: Response, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    response.once('drain', resolve);
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function wantsLines(request: Request): boolean {
  return (request.get('accept') ?? '').includes('application/x-ndjson');
}
