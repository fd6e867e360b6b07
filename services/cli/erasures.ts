import type { Client } from './database.ts';

/** An erasure: one JSON line of the list outside the database. */
export interface Erasure {
  session_id: string;
  /** null: the whole session. */
  photo_id: string | null;
  /** By the database's clock, to the microsecond: `2026-05-09T12:00:00.123456Z`. */
  erased_at: string;
}

/**
 * Reads all erasures that the database knows, oldest first, including those of the retention period. Their sessions have
 * an expiry in every older backup too, unless it was set later.
 */
export async function readErasures(client: Client): Promise<Erasure[]> {
  return (await client.query<Erasure>(ERASURES)).rows;
}

/**
 * Repeats an erasure in a restored database and records it, so replaying the same list again does nothing. Faces indexed
 * after the erasure stay: their `created_at` is later.
 * @returns the number of faces removed, or null if the database already knew the erasure
 */
export async function replayErasure(client: Client, erasure: Erasure): Promise<number | null> {
  const values = [erasure.session_id, erasure.photo_id, erasure.erased_at];
  await client.query('begin');
  try {
    await client.query('select pg_advisory_xact_lock(hashtextextended($1, 7))', [erasure.session_id]);
    const known = (await client.query(KNOWN, values)).rows.length > 0;
    const removed = known ? null : await eraseOlder(client, erasure);
    if (!known) await client.query(NOTE, values);
    await client.query('commit');
    return removed;
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}

async function eraseOlder(client: Client, { session_id, photo_id, erased_at }: Erasure): Promise<number> {
  const { rows: photos } = await client.query<{ photo_id: string; older: boolean }>(PHOTOS, [
    session_id,
    photo_id,
    erased_at,
  ]);
  const newer = photos.some((photo) => !photo.older);
  if (photo_id === null && !newer) return facesOf(await client.query(ERASE_SESSION, [session_id, ACTOR]));
  if (photo_id !== null && newer) return 0;
  let removed = 0;
  for (const photo of photo_id === null ? photos.filter(({ older }) => older) : [{ photo_id }])
    removed += facesOf(await client.query(ERASE_PHOTO, [session_id, photo.photo_id, ACTOR]));
  // Rows that a migration set aside belong to no photo in service.
  if (photo_id === null) await client.query(ERASE_COPIES, [session_id]);
  return removed;
}

function facesOf({ rows }: { rows: { faces: string }[] }): number {
  return Number(rows[0]?.faces ?? 0);
}

/** The actor in the audit log. */
const ACTOR = 'replay';

const ERASURES = `
  select session_id, photo_id, to_char(erased_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as erased_at from (
    select session_id, photo_id, erased_at from erasures
    union select session_id, null, at from audit_log where action = 'erase_session' and actor = 'retention') known
  order by 3, 1, 2`;

const KNOWN = `
  select from erasures where session_id = $1 and photo_id is not distinct from $2 and erased_at = $3
  union all select from audit_log where $2::text is null and action = 'erase_session' and actor = 'retention' and session_id = $1 and at = $3`;

const NOTE = 'insert into erasures (session_id, photo_id, erased_at) values ($1, $2, $3)';

/** A photo with newer faces was indexed again. */
const PHOTOS = `
  select photo_id, max(created_at) <= $3 as older from faces
  where session_id = $1 and ($2::text is null or photo_id = $2) group by photo_id order by photo_id`;

const ERASE_SESSION = 'select faces from erase_session($1, $2)';
const ERASE_PHOTO = 'select faces from erase_photo($1, $2, $3)';
const ERASE_COPIES = `select erase_from_copies($1, null, array['backup', 'quarantine', 'kept'])`;
