import { searchTokenRequest, type SearchTokenAnswer } from '@facepass/contracts/http';
import type { RequestHandler } from 'express';
import type { Context } from '../context.ts';
import { readJson } from '../upload.ts';
import { validated } from '../validation.ts';

/** POST /api/v1/search/tokens: a token that opens one session to searches for some time. */
export function createSearchToken(context: Context): RequestHandler {
  return async (request, response) => {
    const { session_id, expires_in_seconds } = validated(searchTokenRequest, await readJson(request, 16_384));
    const { token, expiresAt } = await context.tokens.mint(session_id, expires_in_seconds);
    response.setHeader('Cache-Control', 'no-store');
    response.json({ token, session_id, expires_at: expiresAt.toISOString() } satisfies SearchTokenAnswer);
  };
}
