import { indexFields, type IndexAnswer } from '@facepass/contracts/http';
import { ApiProblem } from '@facepass/indexing/errors';
import type { FoundFaces } from '@facepass/indexing/faces';
import { fetchPhoto, indexFaces, type IndexedFaces } from '@facepass/indexing/photo';
import { exchangeOf } from '@facepass/runtime/http-server';
import type { RequestHandler, Response } from 'express';
import type { Context } from '../context.ts';
import { observeIndexing } from '../metrics.ts';
import { readUpload } from '../upload.ts';
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
    noteFaces(response, found);
    response.json(present(fields.photo_id, found));
  };
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
function noteFaces(response: Response, found: IndexedFaces): void {
  response.locals.faces = found.faces.length;
  response.locals.model = found.modelId;
}
