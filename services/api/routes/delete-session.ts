import { storedSessionId, type DeleteAnswer } from '@facepass/contracts/http';
import { eraseSession } from '@facepass/indexing/db/erasure';
import { ApiProblem } from '@facepass/indexing/errors';
import type { RequestHandler } from 'express';
import * as z from 'zod';
import { requireKey } from '../auth.ts';
import type { Context } from '../context.ts';
import { parametersOf, validated } from '../validation.ts';

/**
 * DELETE /api/v1/index/{session_id}, or /index?session_id= for ids that a path cannot carry: nothing of the session is left, and calls
 * under way do not bring it back.
 */
export function deleteSession(context: Context): RequestHandler {
  return async (request, response) => {
    const { session_id } = validated(sessionToErase, parametersOf(request));
    const erased = await eraseSession(context.pool, session_id, requireKey(response).name);
    if (erased.faces === 0 && erased.photos === 0)
      throw new ApiProblem('session_not_indexed', `Session ${JSON.stringify(session_id)} has no indexed photos.`);
    response.json({ deleted: true, embeddings_removed: erased.faces } satisfies DeleteAnswer);
  };
}

/** Strict: a `photo_id` that went unheeded here would erase the whole session. */
const sessionToErase = z.strictObject({ session_id: storedSessionId });
