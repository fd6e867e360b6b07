import type { Client } from './database.ts';

/** An erasure as the list outside the database keeps it: one JSON line each. */
export interface Erasure {
  session_id: string;
  /** null: the whole session. */
  photo_id: string | null;
  /** By the database's clock, to the microsecond: `2026-05-09T12:00:00.123456Z`. */
  erased_at: string;
}

/**
 * Every erasure that the database knows, oldest first: those asked for, and those of retention. Their sessions have a time
 * in every older backup too, unless that was set later.
 */
export async function readErasures(client: Client): Promise<Erasure[]> {
  return (await client.query<Erasure>(ERASURES)).rows;
}

/**
 * Erases once more what a restored database holds of an erasure, and notes it, so that the same list again does nothing.
 * What was indexed after the erasure stays: its `created_at` is later.
 * @returns faces removed, or null where the database knew the erasure
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
  const { rows: photos } = await client.query(PHOTOS, [session_id, photo_id, erased_at]);
  const newer = photos.some((photo) => !photo.older);
  if (photo_id === null && !newer) return facesOf(await client.query(ERASE_SESSION, [session_id, ACTOR]));
  if (photo_id !== null && newer) return 0;
  let removed = 0;
  for (const photo of photo_id === null ? photos.filter(({ older }) => older) : [{ photo_id }])
    removed += facesOf(await client.query(ERASE_PHOTO, [session_id, photo.photo_id, ACTOR]));
  // Rows that a migration could not place are of no photo that is served.
  if (photo_id === null) await client.query(ERASE_COPIES, [session_id]);
  return removed;
}

function facesOf({ rows }: { rows: { faces: string }[] }): number {
  return Number(rows[0]?.faces ?? 0);
}

/** Named in the audit log. */
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

/** A photo whose faces are not all older was indexed anew. */
const PHOTOS = `
  select photo_id, max(created_at) <= $3 as older from faces
  where session_id = $1 and ($2::text is null or photo_id = $2) group by photo_id order by photo_id`;

const ERASE_SESSION = 'select faces from erase_session($1, $2)';
const ERASE_PHOTO = 'select faces from erase_photo($1, $2, $3)';
const ERASE_COPIES = `select erase_from_copies($1, null, array['backup', 'quarantine', 'kept'])`;
