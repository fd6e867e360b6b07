import { storedFaceIndex, storedPhotoId, storedSessionId, type DeleteAnswer } from '@facepass/contracts/http';
import { eraseFaces } from '@facepass/indexing/db/erase-faces';
import type { RequestHandler } from 'express';
import * as z from 'zod';
import { requireKey } from '../auth.ts';
import type { Context } from '../context.ts';
import { parametersOf, validated } from '../validation.ts';

/** DELETE /api/v1/sessions/{session_id}/photos/{photo_id}/faces/{face_index}: the other faces of the photo stay. */
export function deleteFace({ pool }: Context): RequestHandler {
  return async (request, response) => {
    const { session_id, photo_id, face_index } = validated(faceToErase, parametersOf(request));
    const erased = await eraseFaces(pool, {
      sessionId: session_id,
      photoId: photo_id,
      faceIndexes: [face_index],
      actor: requireKey(response).name,
    });
    response.json({ deleted: true, embeddings_removed: erased } satisfies DeleteAnswer);
  };
}

const faceToErase = z.strictObject({
  session_id: storedSessionId,
  photo_id: storedPhotoId,
  face_index: storedFaceIndex,
});
