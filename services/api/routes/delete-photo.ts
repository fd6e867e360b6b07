import { photoId, sessionId, type DeleteAnswer } from '@facepass/contracts/http';
import type { RequestHandler } from 'express';
import * as z from 'zod';
import type { Context } from '../context.ts';
import { erasePhoto } from '../db/erasure.ts';
import { ApiProblem } from '../errors.ts';
import { validated } from '../validation.ts';

/** DELETE /api/v1/index/{session_id}/photos/{photo_id} */
export function deletePhoto(context: Context): RequestHandler {
  return async (request, response) => {
    const { session_id, photo_id } = validated(z.object({ session_id: sessionId, photo_id: photoId }), request.params);
    const erased = await erasePhoto(context.pool, session_id, photo_id, response.locals.key.name);
    if (erased.faces === 0 && erased.photos === 0)
      throw new ApiProblem('photo_not_indexed', `The session holds no photo ${JSON.stringify(photo_id)}.`);
    response.json({ deleted: true, embeddings_removed: erased.faces } satisfies DeleteAnswer);
  };
}
