import { eraseOverdueSession } from './erasure.ts';
import { queryRows, type Pool } from './pool.ts';

export interface SessionRow {
  photo_count: number;
  face_count: number;
  last_indexed: Date;
  model_id: string;
}

/** The session's row, or null where it was never indexed, is erased or has expired. */
export async function readSession(pool: Pool, sessionId: string): Promise<SessionRow | null> {
  const rows = await queryRows<SessionRow>(pool, READ_SESSION, [sessionId]);
  return rows[0] ?? null;
}

/**
 * What an index call must know before it begins: the session's newest erasure, so that a later one is noticed before
 * anything is written, and the model of what the session already holds. A session whose time is over is erased first, so
 * that the photos of a batch begin with the same empty one.
 */
export async function beginIndexing(
  pool: Pool,
  sessionId: string,
): Promise<{ lastErasure: string; modelId: string | null }> {
  for (;;) {
    const [row] = await queryRows<Beginning>(pool, BEGIN_INDEXING, [sessionId]);
    if (!row!.expired) return { lastErasure: row!.last_erasure, modelId: row!.model_id };
    await eraseOverdueSession(pool, sessionId);
  }
}

const READ_SESSION = `
  select photo_count, face_count, last_indexed, model_id
    from sessions
   where session_id = $1 and photo_count > 0 and (expires_at is null or expires_at > now())`;

const BEGIN_INDEXING = `
  select (select coalesce(max(id), 0) from erasures where session_id = $1) as last_erasure,
         (select model_id from sessions where session_id = $1) as model_id,
         (select expires_at <= now() from sessions where session_id = $1) as expired`;

type Beginning = { last_erasure: string; model_id: string | null; expired: boolean | null };
