import { storedPhotoId, storedSessionId, type DeleteAnswer } from '@facepass/contracts/http';
import { erasePhoto } from '@facepass/indexing/db/erasure';
import { ApiProblem } from '@facepass/indexing/errors';
import type { RequestHandler } from 'express';
import * as z from 'zod';
import { requireKey } from '../auth.ts';
import type { Context } from '../context.ts';
import { parametersOf, validated } from '../validation.ts';

/**
 * DELETE /api/v1/index/{session_id}/photos/{photo_id}, or /photos?photo_id= for ids that a path cannot carry, such as
 * `..`, which every client takes for a step up.
 */
export function deletePhoto(context: Context): RequestHandler {
  return async (request, response) => {
    const { session_id, photo_id } = validated(photoToErase, parametersOf(request));
    const erased = await erasePhoto(context.pool, session_id, photo_id, requireKey(response).name);
    if (erased.faces === 0 && erased.photos === 0)
      throw new ApiProblem('photo_not_indexed', `The session has no photo ${JSON.stringify(photo_id)}.`);
    response.json({ deleted: true, embeddings_removed: erased.faces } satisfies DeleteAnswer);
  };
}

const photoToErase = z.strictObject({ session_id: storedSessionId, photo_id: storedPhotoId });
