import { sessionId, type StatusAnswer } from '@facepass/contracts/http';
import { readSession } from '@facepass/indexing/db/sessions';
import type { RequestHandler } from 'express';
import * as z from 'zod';
import { requireSessionAccess } from '../auth.ts';
import type { Context } from '../context.ts';
import { validated } from '../validation.ts';

/** GET /api/v1/search/status/{session_id} */
export function sessionStatus(context: Context): RequestHandler {
  return async (request, response) => {
    const { session_id } = validated(z.object({ session_id: sessionId }), request.params);
    requireSessionAccess(response, session_id);
    const session = await readSession(context.pool, session_id);
    const answer: StatusAnswer = {
      indexed: session !== null,
      photo_count: session?.photo_count ?? 0,
      last_indexed: session?.last_indexed.toISOString() ?? null,
      session_id,
      face_count: session?.face_count ?? 0,
      model: session?.model_id ?? null,
    };
    response.json(answer);
  };
}
