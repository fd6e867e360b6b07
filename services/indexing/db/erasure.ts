import { ApiProblem } from '../errors.ts';
import { queryRows, withTransaction, type Client, type Pool } from './pool.ts';

export interface Erased {
  photos: number;
  faces: number;
}

/**
 * Erases a session from every table that holds it, with its audit lines; `actor` is a key's name. In parts, each
 * committed: after the first no search sees the session, and no call that began before writes to it.
 */
export async function eraseSession(pool: Pool, sessionId: string, actor: string): Promise<Erased> {
  if (!(await erasesInParts(pool)))
    return withTransaction(pool, async (client) => counts(await queryRows(client, ERASE_SESSION, [sessionId, actor])));
  return eraseParts(pool, sessionId, { actor, stage: 'asked' });
}

/** Erases one photo of a session from every table that holds it, with its audit line. */
export async function erasePhoto(pool: Pool, sessionId: string, photoId: string, actor: string): Promise<Erased> {
  return withTransaction(pool, async (client) =>
    counts(await queryRows(client, ERASE_PHOTO, [sessionId, photoId, actor])),
  );
}

/** Sessions whose time is over and that are none of `except`, the longest overdue first, at most `limit`. */
export async function overdueSessions(pool: Pool, limit: number, except: string[] = []): Promise<string[]> {
  const rows = await queryRows<{ session_id: string }>(pool, OVERDUE, [limit, except]);
  return rows.map((row) => row.session_id);
}

/**
 * Erases a session if its time is over. An index call may have given it more since it was listed, hence the look under
 * its lock.
 */
export async function eraseOverdueSession(pool: Pool, sessionId: string): Promise<Erased | null> {
  const inParts = await erasesInParts(pool);
  for (let rows = PART_ROWS; ; rows = smaller(rows)) {
    try {
      const first = await withTransaction(pool, async (client) => {
        await queryRows(client, 'select pg_advisory_xact_lock(hashtextextended($1, 7))', [sessionId]);
        const [overdue] = await queryRows(client, IS_OVERDUE, [sessionId]);
        return overdue ? beginErasingExpired(client, sessionId, inParts, rows) : null;
      });
      if (!first) return null;
      const rest = first.done ? NOTHING : await eraseParts(pool, sessionId, { actor: 'retention', stage: 'more' });
      return added(first, rest);
    } catch (error) {
      if (!inParts || rows === 1 || !ranOutOfTime(error)) throw error;
    }
  }
}

/** The first part of an expired session, in a transaction that holds its lock. */
async function beginErasingExpired(client: Client, sessionId: string, inParts: boolean, rows: number): Promise<Part> {
  if (inParts) return partOf(await queryRows(client, ERASE_PART, [sessionId, 'retention', 'expired', rows]));
  return { ...counts(await queryRows(client, ERASE_SESSION, [sessionId, 'retention'])), done: true };
}

/** A part that outlasts the statement's time limit is undone, and tried again with a quarter of its rows. */
async function eraseParts(pool: Pool, sessionId: string, { actor, stage }: Beginning): Promise<Erased> {
  let erased = NOTHING;
  let next = stage;
  for (let rows = PART_ROWS; ;) {
    try {
      const values = [sessionId, actor, next, rows];
      const part = await withTransaction(pool, async (client) => partOf(await queryRows(client, ERASE_PART, values)));
      erased = added(erased, part);
      if (part.done) return erased;
      next = 'more';
    } catch (error) {
      if (rows === 1 || !ranOutOfTime(error)) throw error;
      rows = smaller(rows);
    }
  }
}

/** False on a database whose migrator is older than this API, or where this role was not granted the function. */
async function erasesInParts(pool: Pool): Promise<boolean> {
  const [found] = await queryRows<{ executable: boolean }>(pool, MAY_ERASE_PARTS, []);
  return found?.executable ?? false;
}

/** SQLSTATE query_canceled: of statement_timeout. */
function ranOutOfTime(error: unknown): boolean {
  const cause = error instanceof ApiProblem ? error.cause : error;
  return (cause as { code?: string } | undefined)?.code === '57014';
}

const NOTHING: Erased = { photos: 0, faces: 0 };
/** Rows of all tables that one part removes: some 50 ms. */
const PART_ROWS = 2000;
const smaller = (rows: number) => Math.ceil(rows / 4);

const ERASE_SESSION = 'select photos, faces from erase_session($1, $2)';
const ERASE_PART = 'select done, photos, faces from erase_session_part($1, $2, $3, $4)';
const ERASE_PHOTO = 'select photos, faces from erase_photo($1, $2, $3)';
const OVERDUE =
  'select session_id from sessions where expires_at <= now() and session_id <> all ($2) order by expires_at limit $1';
const IS_OVERDUE = 'select from sessions where session_id = $1 and expires_at <= now()';
const MAY_ERASE_PARTS = `select coalesce(has_function_privilege(
  to_regprocedure('erase_session_part(text, text, text, integer)'), 'execute'), false) as executable`;

type Beginning = { actor: string; stage: 'asked' | 'more' };
type Part = Erased & { done: boolean };
type Counts = { photos: string; faces: string };

function counts(rows: Counts[]): Erased {
  return { photos: Number(rows[0]?.photos ?? 0), faces: Number(rows[0]?.faces ?? 0) };
}

function partOf(rows: (Counts & { done: boolean })[]): Part {
  return { ...counts(rows), done: rows[0]?.done ?? true };
}

function added(one: Erased, other: Erased): Erased {
  return { photos: one.photos + other.photos, faces: one.faces + other.faces };
}
