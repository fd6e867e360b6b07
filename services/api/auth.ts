import type { ApiKey, Scope } from '@facepass/contracts/api-keys';
import type { RequestHandler, Response } from 'express';
import { ApiProblem } from './errors.ts';
import type { KeyRing } from './keys.ts';
import type { SearchTokens } from './search-token.ts';

/** Middleware that looks up X-API-Key without judging it, so that the rate limit can count by it. */
export function identifyKey(keys: KeyRing): RequestHandler {
  return (request, response, next) => {
    const presented = request.get('x-api-key');
    const key = presented ? keys.find(presented) : null;
    response.locals.key = key;
    response.locals.keyName = key?.name ?? (presented ? `unknown:${keys.fingerprint(presented)}` : undefined);
    response.locals.keyPresented = Boolean(presented);
    next();
  };
}

/** Middleware for the protected calls: 401 without a valid key, 403 when the key has not the scope. */
export function requireScope(scope: Scope): RequestHandler {
  return (_request, response, next) => {
    const key = requireKey(response);
    if (!hasScope(key, scope))
      throw new ApiProblem('scope_missing', `The key "${key.name}" has not the scope ${scope}.`);
    next();
  };
}

/**
 * Middleware for search and status where `SEARCH_ACCESS=token`: a search token, or any API key. Which session the
 * token opens is judged by `requireSessionAccess` once the session is known.
 */
export function requireSearchAccess(access: 'public' | 'token', tokens: SearchTokens): RequestHandler {
  return async (request, response, next) => {
    if (access === 'public' || response.locals.key) return next();
    if (response.locals.keyPresented) requireKey(response);
    const token = /^Bearer (.+)$/i.exec(request.get('authorization') ?? '')?.[1];
    if (!token) throw new ApiProblem('search_token_required', 'The session is not open to everyone.');
    response.locals.tokenSession = await tokens.verify(token);
    next();
  };
}

/**
 * Whether a token, if one was needed, is for this session. Another session's token answers alike for sessions that
 * exist and sessions that do not.
 * @throws ApiProblem search_token_invalid
 */
export function requireSessionAccess(response: Response, sessionId: string): void {
  const { tokenSession } = response.locals;
  if (tokenSession !== undefined && tokenSession !== sessionId)
    throw new ApiProblem('search_token_invalid', 'The token is for another session.');
}

function requireKey(response: Response): ApiKey {
  if (response.locals.key) return response.locals.key;
  if (response.locals.keyPresented) throw new ApiProblem('api_key_invalid', 'The key is not one of ours.');
  throw new ApiProblem('api_key_required', 'The call needs the header X-API-Key.');
}

function hasScope(key: ApiKey, scope: Scope): boolean {
  return key.scopes.has(scope) || key.scopes.has('admin');
}
