import { pageFields, type SessionsAnswer } from '@facepass/contracts/http';
import type { RequestHandler } from 'express';
import type { Context } from '../context.ts';
import { pageOf, placeOf } from '../cursor.ts';
import { listSessions } from '../db/inventory.ts';
import { parametersOf, validated } from '../validation.ts';

/** GET /api/v1/sessions: what the service holds, a page at a time. */
export function sessions({ pool }: Context): RequestHandler {
  return async (request, response) => {
    const { limit, cursor } = validated(pageFields, parametersOf(request));
    const rows = await listSessions(pool, limit, placeOf(cursor, /^-?\d{1,18}$/, /^/));
    const { page, next_cursor } = pageOf(rows, limit, (row) => [row.created, row.session_id]);
    response.json({
      sessions: page.map((row) => ({
        session_id: row.session_id,
        photo_count: row.photo_count,
        face_count: row.face_count,
        model: row.model_id,
        created_at: row.created_at.toISOString(),
        last_indexed: row.last_indexed.toISOString(),
        expires_at: row.expires_at?.toISOString() ?? null,
      })),
      next_cursor,
    } satisfies SessionsAnswer);
  };
}
