import { queryRows, withTransaction, type Pool } from './pool.ts';

export interface Erased {
  photos: number;
  faces: number;
}

/** Erases a session from every table that holds it, with its audit line; `actor` is a key's name or "retention". */
export async function eraseSession(pool: Pool, sessionId: string, actor: string): Promise<Erased> {
  return withTransaction(pool, async (client) => counts(await queryRows(client, ERASE_SESSION, [sessionId, actor])));
}

/** Erases one photo of a session from every table that holds it, with its audit line. */
export async function erasePhoto(pool: Pool, sessionId: string, photoId: string, actor: string): Promise<Erased> {
  return withTransaction(pool, async (client) =>
    counts(await queryRows(client, ERASE_PHOTO, [sessionId, photoId, actor])),
  );
}

/** Sessions whose time is over, the longest overdue first, at most `limit`. */
export async function overdueSessions(pool: Pool, limit: number): Promise<string[]> {
  const rows = await queryRows<{ session_id: string }>(pool, OVERDUE, [limit]);
  return rows.map((row) => row.session_id);
}

/**
 * Erases a session if its time is over. An index call may have given it more since it was listed, hence the look under
 * its lock.
 */
export async function eraseOverdueSession(pool: Pool, sessionId: string): Promise<Erased | null> {
  return withTransaction(pool, async (client) => {
    await queryRows(client, 'select pg_advisory_xact_lock(hashtextextended($1, 7))', [sessionId]);
    const overdue = await queryRows(client, 'select from sessions where session_id = $1 and expires_at <= now()', [
      sessionId,
    ]);
    return overdue.length > 0 ? counts(await queryRows(client, ERASE_SESSION, [sessionId, 'retention'])) : null;
  });
}

const ERASE_SESSION = 'select photos, faces from erase_session($1, $2)';
const ERASE_PHOTO = 'select photos, faces from erase_photo($1, $2, $3)';
const OVERDUE = 'select session_id from sessions where expires_at <= now() order by expires_at limit $1';

function counts(rows: { photos: string; faces: string }[]): Erased {
  return { photos: Number(rows[0]?.photos ?? 0), faces: Number(rows[0]?.faces ?? 0) };
}
