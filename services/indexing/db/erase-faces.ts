import { ApiProblem } from '../errors.ts';
import { queryRows, withTransaction, type Client, type Pool } from './pool.ts';

export interface FacesToErase {
  sessionId: string;
  photoId: string;
  faceIndexes: readonly number[];
  /** When the first of them was indexed, as PostgreSQL writes it: a photo that was indexed again has other faces. */
  indexedAt?: string;
  /** A key's name, for the audit log. */
  actor: string;
}

/**
 * Erases some faces of one photo from every table that holds them and returns how many. In one transaction the photo is
 * erased, by the function that knows every copy, and its other faces are put back as they were. So copies of the photo
 * that an upgrade left behind go too: nothing that a rollback restores holds the face.
 * @throws ApiProblem photo_not_indexed, face_index_out_of_range where it lacks one of the faces, or
 * confirmation_outdated where they were indexed at another time; then all stay
 */
export async function eraseFaces(pool: Pool, faces: FacesToErase): Promise<number> {
  return withTransaction(pool, async (client) => {
    await queryRows(client, 'select pg_advisory_xact_lock(hashtextextended($1, 7))', [faces.sessionId]);
    return eraseFacesOfLocked(client, faces);
  });
}

/** In a transaction that holds the session's lock. */
async function eraseFacesOfLocked(client: Client, faces: FacesToErase): Promise<number> {
  const { sessionId, photoId, faceIndexes, indexedAt, actor } = faces;
  const [held] = await queryRows<Held>(client, HELD, [sessionId, photoId, faceIndexes]);
  if (!held?.session || held.indexes === null)
    throw new ApiProblem('photo_not_indexed', `The session has no photo ${JSON.stringify(photoId)}.`);
  const { indexes } = held;
  const missing = faceIndexes.find((index) => !indexes.includes(index));
  if (missing !== undefined)
    throw new ApiProblem('face_index_out_of_range', `The photo has no face ${missing}; it has ${indexes.join(', ')}.`);
  if (indexedAt !== undefined && indexedAt !== held.indexed_at)
    throw new ApiProblem('confirmation_outdated', `The photo ${JSON.stringify(photoId)} was indexed again meanwhile.`);
  await queryRows(client, 'select from erase_photo($1, $2, $3)', [sessionId, photoId, actor]);
  if (held.others !== null) {
    await queryRows(client, PUT_BACK_FACES, [held.others]);
    await queryRows(client, PUT_BACK_SESSION, [held.session, indexes.length - faceIndexes.length]);
  }
  return faceIndexes.length;
}

/** Rows as JSON text, whatever their columns: numbers and vectors are written so that they are read as they were. */
type Held = { session: string | null; indexes: number[] | null; indexed_at: string | null; others: string | null };

const HELD = `
  select (select to_jsonb(s)::text from sessions s
           where s.session_id = $1 and (s.expires_at is null or s.expires_at > now())) as session,
         array_agg(f.face_index order by f.face_index) as indexes,
         (min(f.created_at) filter (where f.face_index = any ($3::integer[])))::text as indexed_at,
         (jsonb_agg(to_jsonb(f)) filter (where f.face_index <> all ($3::integer[])))::text as others
    from faces f
   where f.session_id = $1 and f.photo_id = $2`;

const PUT_BACK_FACES = 'insert into faces select * from jsonb_populate_recordset(null::faces, $1::jsonb)';

const PUT_BACK_SESSION = `
  insert into sessions as s
  select * from jsonb_populate_record(null::sessions, $1::jsonb || jsonb_build_object('photo_count', 1, 'face_count', $2::integer))
  on conflict (session_id) do update
     set photo_count = s.photo_count + 1, face_count = s.face_count + excluded.face_count`;
