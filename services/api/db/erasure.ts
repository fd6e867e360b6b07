import { queryRows, type Pool } from './pool.ts';

export interface Erased {
  photos: number;
  faces: number;
}

/** Erases a session from every table that holds it, with its audit line; `actor` is a key's name or "retention". */
export async function eraseSession(pool: Pool, sessionId: string, actor: string): Promise<Erased> {
  return counts(await queryRows(pool, 'select photos, faces from erase_session($1, $2)', [sessionId, actor]));
}

/** Erases one photo of a session from every table that holds it, with its audit line. */
export async function erasePhoto(pool: Pool, sessionId: string, photoId: string, actor: string): Promise<Erased> {
  return counts(await queryRows(pool, 'select photos, faces from erase_photo($1, $2, $3)', [sessionId, photoId, actor]));
}

/** Sessions whose time is over, the longest overdue first, at most `limit`. */
export async function overdueSessions(pool: Pool, limit: number): Promise<string[]> {
  const rows = await queryRows<{ session_id: string }>(pool, OVERDUE, [limit]);
  return rows.map((row) => row.session_id);
}

const OVERDUE = 'select session_id from sessions where expires_at <= now() order by expires_at limit $1';

function counts(rows: { photos: string; faces: string }[]): Erased {
  return { photos: Number(rows[0]?.photos ?? 0), faces: Number(rows[0]?.faces ?? 0) };
}
