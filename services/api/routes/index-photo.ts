import { indexFields, type IndexAnswer } from '@facepass/contracts/http';
import { exchangeOf } from '@facepass/runtime/http-server';
import type { RequestHandler, Response } from 'express';
import type { Context } from '../context.ts';
import { modelMismatch, replaceFaces } from '../db/faces.ts';
import { beginIndexing } from '../db/sessions.ts';
import { ApiProblem } from '../errors.ts';
import { observeIndexing } from '../events.ts';
import { findFaces, type FoundFaces } from '../faces.ts';
import { readUpload, requireImageSignature } from '../upload.ts';
import { validated } from '../validation.ts';

/**
 * POST /api/v1/index: every face of one photo, uploaded or named by its S3 key, takes the place of the photo's earlier
 * ones.
 */
export function indexPhoto(context: Context): RequestHandler {
  return async (request, response) => {
    const { maxImageBytes } = context.config.upload;
    using upload = await readUpload(request, { memory: context.imageMemory, maxImageBytes, maxImages: 1 });
    const fields = validated(indexFields, upload.fields);
    const signal = exchangeOf(response).left;
    const found = await observeIndexing(context.metrics, { signal, ofBatch: false }, async () => {
      const image = await photoOf(context, upload.images[0], fields.s3_key, signal);
      return indexFaces(context, { ...fields, image }, signal);
    });
    noteFaces(response, context, found);
    response.json(present(fields.photo_id, found));
  };
}

export interface PhotoToIndex {
  session_id: string;
  photo_id: string;
  expires_at?: string;
  image: Uint8Array;
}

/**
 * Finds the faces of a photo and stores them. An erasure that comes meanwhile is noticed before anything
 * is written.
 * @throws ApiProblem
 */
export async function indexFaces(context: Context, photo: PhotoToIndex, signal?: AbortSignal): Promise<FoundFaces> {
  const { pool, modelId, config } = context;
  const before = await beginIndexing(pool, photo.session_id);
  if (before.modelId && before.modelId !== modelId) throw modelMismatch(photo.session_id, before.modelId, modelId);
  const found = await findFaces(context, photo.image, 'index', signal);
  await replaceFaces(pool, {
    sessionId: photo.session_id,
    photoId: photo.photo_id,
    modelId,
    faces: found.faces,
    lastErasure: before.lastErasure,
    expiresAt: photo.expires_at,
    retentionDays: config.retention.days,
  });
  return found;
}

async function photoOf(
  context: Context,
  image: Buffer | undefined,
  s3Key: string | undefined,
  signal: AbortSignal,
): Promise<Uint8Array> {
  if (image && s3Key) {
    throw new ApiProblem('invalid_parameter', 's3_key: must not be given together with an image', {
      errors: [{ field: 's3_key', rule: 'must not be given together with an image' }],
    });
  }
  if (image) return image;
  if (!s3Key) throw new ApiProblem('image_missing', 'The call contains neither an image nor an s3_key.');
  return fetchPhoto(context, s3Key, signal);
}

/**
 * A photo from the bucket.
 * @throws ApiProblem
 */
export async function fetchPhoto(context: Context, s3Key: string, signal?: AbortSignal): Promise<Buffer> {
  if (!context.storage) throw new ApiProblem('s3_not_configured', 'This service has no bucket; upload the image.');
  const photo = await context.storage.fetchPhoto(s3Key, signal);
  requireImageSignature(photo);
  return photo;
}

function present(photoId: string, { faces, rejected, warnings }: FoundFaces): IndexAnswer {
  return {
    indexed: true,
    photo_id: photoId,
    confidence: Math.max(...faces.map((face) => face.confidence)),
    faces_detected: faces.length,
    faces: faces.map(({ box, confidence, quality }, face_index) => ({ face_index, box, confidence, quality })),
    rejected,
    ...(warnings && { warnings }),
  };
}

/** For the request's log line. */
function noteFaces(response: Response, context: Context, found: FoundFaces): void {
  response.locals.faces = found.faces.length;
  response.locals.model = context.modelId;
}
