import type { ApiKey, Scope } from '@facepass/contracts/api-keys';
import { ApiProblem } from '@facepass/indexing/errors';
import type { RequestHandler, Response } from 'express';
import type { KeyRing } from './keys.ts';
import './locals.ts';
import type { SearchTokens } from './search-token.ts';

/** Middleware that looks up X-API-Key but rejects nothing, so that the rate limit can count by key. */
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

/** Middleware for the protected calls: 401 without a valid key, 403 when the key lacks the scope. */
export function requireScope(scope: Scope): RequestHandler {
  return (_request, response, next) => {
    requireKeyWithScope(response, scope);
    next();
  };
}

/**
 * For what only some requests of an open call may do.
 * @throws ApiProblem api_key_required, api_key_invalid, scope_missing
 */
export function requireKeyWithScope(response: Response, scope: Scope): void {
  const key = requireKey(response);
  if (!hasScope(key, scope)) throw new ApiProblem('scope_missing', `Key "${key.name}" lacks the scope ${scope}.`);
}

/**
 * Middleware for search and status: with `SEARCH_ACCESS=token` it requires a search token or any API key.
 * `requireSessionAccess` checks the token's session once the session is known.
 */
export function requireSearchAccess(access: 'public' | 'token', tokens: SearchTokens): RequestHandler {
  return async (request, response, next) => {
    if (access === 'public' || response.locals.key) return next();
    if (response.locals.keyPresented) requireKey(response);
    const token = /^Bearer (.+)$/i.exec(request.get('authorization') ?? '')?.[1];
    if (!token) throw new ApiProblem('search_token_required', 'This call needs a search token or an API key.');
    response.locals.tokenSession = await tokens.verify(token);
    next();
  };
}

/**
 * Checks that the search token, if there is one, is for this session. A token of another session gives the same answer
 * whether the session exists or not.
 * @throws ApiProblem search_token_invalid
 */
export function requireSessionAccess(response: Response, sessionId: string): void {
  const { tokenSession } = response.locals;
  if (tokenSession !== undefined && tokenSession !== sessionId)
    throw new ApiProblem('search_token_invalid', 'The token is for another session.');
}

/** The key of the request. @throws ApiProblem api_key_required, api_key_invalid */
export function requireKey(response: Response): ApiKey {
  if (response.locals.key) return response.locals.key;
  if (response.locals.keyPresented) throw new ApiProblem('api_key_invalid', 'Invalid API key.');
  throw new ApiProblem('api_key_required', 'This call needs the header X-API-Key.');
}

function hasScope(key: ApiKey, scope: Scope): boolean {
  return key.scopes.has(scope) || key.scopes.has('admin');
}
