import { ApiProblem } from '@facepass/indexing/errors';
import { errors, jwtVerify, SignJWT } from 'jose';

export interface SearchTokens {
  /**
   * A token that opens one session to searches for some time.
   * @throws ApiProblem when no secret is configured
   */
  mint(sessionId: string, expiresInSeconds: number): Promise<{ token: string; expiresAt: Date }>;
  /**
   * The session that a token opens.
   * @throws ApiProblem search_token_invalid when it is expired, forged or no token at all
   */
  verify(token: string): Promise<string>;
  renewSecrets(secrets: readonly string[]): void;
}

/** JSON Web Tokens, HS256. The first secret signs and all of them verify, so that secrets rotate without a gap. */
export function searchTokens(secrets: readonly string[]): SearchTokens {
  let keys = keysOf(secrets);
  return {
    async mint(sessionId, expiresInSeconds) {
      const [signingKey] = keys;
      if (!signingKey) throw new ApiProblem('search_tokens_not_configured', 'SEARCH_TOKEN_SECRET is not set.');
      const expiresAt = new Date((Math.floor(Date.now() / 1000) + expiresInSeconds) * 1000);
      const token = await new SignJWT({})
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject(sessionId)
        .setAudience(AUDIENCE)
        .setIssuedAt()
        .setExpirationTime(expiresAt)
        .sign(signingKey);
      return { token, expiresAt };
    },
    async verify(token) {
      for (const key of keys) {
        try {
          const { payload } = await jwtVerify(token, key, {
            algorithms: ['HS256'],
            audience: AUDIENCE,
            requiredClaims: ['sub', 'exp'],
          });
          if (payload.sub) return payload.sub;
        } catch (error) {
          if (!(error instanceof errors.JOSEError)) throw error;
        }
      }
      throw new ApiProblem('search_token_invalid', 'The search token has expired or was not signed here.');
    },
    renewSecrets: (renewed) => void (keys = keysOf(renewed)),
  };
}

function keysOf(secrets: readonly string[]): Uint8Array[] {
  return secrets.map((secret) => new TextEncoder().encode(secret));
}

const AUDIENCE = 'facepass:search';
