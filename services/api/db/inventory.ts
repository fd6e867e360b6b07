import type { Box } from '@facepass/contracts/http';
import type { Model } from '@facepass/contracts/model-pack';
import { boxOfArray, columnOf, type VectorColumn } from '@facepass/indexing/db/faces';
import { queryRows, type Pool } from '@facepass/indexing/db/pool';

/** A session as it is listed; expired ones are not. */
export interface ListedSession {
  session_id: string;
  photo_count: number;
  face_count: number;
  model_id: string;
  last_indexed: Date;
  created_at: Date;
  expires_at: Date | null;
  /** `created_at` in microseconds, which a Date does not hold. */
  created: string;
}

/** Sessions, the newest first, after the place `[created, session_id]`. */
export async function listSessions(pool: Pool, limit: number, after: string[] | null): Promise<ListedSession[]> {
  return queryRows<ListedSession>(pool, LIST_SESSIONS, [limit, after?.[0] ?? null, after?.[1] ?? null]);
}

/** What the sessions of each model hold; expired ones do not count. */
export async function sessionsByModel(
  pool: Pool,
): Promise<{ model_id: string; sessions: number; photos: number; faces: number }[]> {
  return queryRows(pool, SESSIONS_BY_MODEL, []);
}

export interface ListedPhoto {
  photo_id: string;
  face_count: number;
  indexed_at: Date;
}

/** Photos of a session in the order of their ids, after the one `[photo_id]`. */
export async function listPhotos(
  pool: Pool,
  sessionId: string,
  limit: number,
  after: string[] | null,
): Promise<ListedPhoto[]> {
  return queryRows<ListedPhoto>(pool, LIST_PHOTOS, [sessionId, limit, after?.[0] ?? null]);
}

export interface StoredFace {
  face_index: number;
  /** null in rows that were indexed before boxes were kept. */
  box: Box | null;
  confidence: number;
  /** null in rows that were indexed before it was kept. */
  quality: number | null;
  model_id: string;
  indexed_at: Date;
}

/** The faces of one photo in the order of their index; none where the photo is not indexed. */
export async function readPhoto(pool: Pool, sessionId: string, photoId: string): Promise<StoredFace[]> {
  const rows = await queryRows<Omit<StoredFace, 'box'> & { box: number[] | null }>(pool, READ_PHOTO, [
    sessionId,
    photoId,
  ]);
  return rows.map(({ box, ...face }) => ({ ...face, box: box && boxOfArray(box) }));
}

/** The vector of one stored face of a session's model; null where there is none. */
export async function readEmbedding(pool: Pool, face: FaceName, { modelId, pack }: Model): Promise<number[] | null> {
  const [row] = await queryRows<{ embedding: string }>(
    pool,
    readEmbeddingSql(await columnOf(pool, pack.embedding_size)),
    [face.sessionId, face.photoId, face.faceIndex, modelId],
  );
  return row ? (JSON.parse(row.embedding) as number[]) : null;
}

export interface FaceName {
  sessionId: string;
  photoId: string;
  faceIndex: number;
}

/** A session keeps its place while it is indexed: a page then neither repeats nor leaves out another. */
const LIST_SESSIONS = `
  select session_id, photo_count, face_count, model_id, last_indexed, created_at, expires_at, created
    from sessions, lateral (select (extract(epoch from created_at) * 1000000)::bigint as created) as microseconds
   where photo_count > 0 and (expires_at is null or expires_at > now())
     and ($2::bigint is null or (created, session_id collate "C") < ($2::bigint, $3::text collate "C"))
   order by created desc, session_id collate "C" desc
   limit $1::integer + 1`;

const SESSIONS_BY_MODEL = `
  select model_id, count(*)::integer as sessions, sum(photo_count)::float8 as photos, sum(face_count)::float8 as faces
    from sessions
   where photo_count > 0 and (expires_at is null or expires_at > now())
   group by model_id
   order by model_id`;

/** In the primary key's order, which reads no more rows than the page has. */
const LIST_PHOTOS = `
  select photo_id, count(*)::integer as face_count, max(created_at) as indexed_at
    from faces
   where session_id = $1 and ($3::text is null or photo_id > $3)
   group by photo_id
   order by photo_id
   limit $2::integer + 1`;

const READ_PHOTO = `
  select face_index, box, least(1, greatest(0, confidence)) as confidence, quality, model_id, created_at as indexed_at
    from faces
   where session_id = $1 and photo_id = $2
   order by face_index`;

/** pgvector writes a vector as JSON does. */
const readEmbeddingSql = (column: VectorColumn) => `
  select ${column}::text as embedding
    from faces
   where session_id = $1 and photo_id = $2 and face_index = $3 and model_id = $4`;
