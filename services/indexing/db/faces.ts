import type { Box } from '@facepass/contracts/http';
import { toSql } from 'pgvector';
import { ApiProblem } from '../errors.ts';
import { eraseOverdueSession } from './erasure.ts';
import { queryRows, withTransaction, type Client, type Pool } from './pool.ts';

/**
 * Replaces the faces of one photo and brings its session's row up to date, in one transaction; the same call twice
 * leaves the same rows. The session's lock is held meanwhile, which erasure takes as well. Nothing is written where the
 * session's vectors are of another model, which is then told: its first photo may have come meanwhile by a release with
 * another default.
 * @throws ApiProblem session_erased when an erasure came after `photo.lastErasure`
 */
export async function replaceFaces(pool: Pool, photo: PhotoFaces): Promise<{ othersModel: string | null }> {
  const column = await columnOf(pool, photo.faces[0]?.embedding.length ?? 0);
  for (;;) {
    const written = await withTransaction(pool, (client) => writeFaces(client, photo, column));
    if (written !== 'expired') return written;
    // Its time may end while the photo is analysed: then what it held goes first, in as many transactions as that takes.
    await eraseOverdueSession(pool, photo.sessionId);
  }
}

async function writeFaces(
  client: Client,
  photo: PhotoFaces,
  column: VectorColumn,
): Promise<{ othersModel: string | null } | 'expired'> {
  await queryRows(client, 'select pg_advisory_xact_lock(hashtextextended($1, 7))', [photo.sessionId]);
  const [state] = await queryRows<WriteState>(client, WRITE_STATE, [photo.sessionId, photo.photoId, photo.lastErasure]);
  if (state?.erased)
    throw new ApiProblem('session_erased', 'The session or the photo was erased while it was being indexed.');
  if (state?.expired) return 'expired';
  if (state?.model_id && state.model_id !== photo.modelId) return { othersModel: state.model_id };
  const removed = await queryRows(client, 'delete from faces where session_id = $1 and photo_id = $2 returning 1', [
    photo.sessionId,
    photo.photoId,
  ]);
  await insertFaces(client, photo, column);
  await queryRows(client, UPSERT_SESSION, [
    photo.sessionId,
    removed.length > 0 ? 0 : 1,
    photo.faces.length - removed.length,
    photo.modelId,
    photo.expiresAt ?? null,
    photo.retentionDays,
  ]);
  return { othersModel: null };
}

/**
 * Inserts the faces of one photo in one statement. Multi-row VALUES: at 4 faces a statement 9,300 faces a second,
 * against 4,400 with unnest of text vectors and 2,200 row by row.
 */
export async function insertFaces(
  client: Pool | Client,
  { sessionId, photoId, modelId, faces }: PhotoFaces,
  column: VectorColumn = 'embedding',
): Promise<void> {
  const values: unknown[] = [sessionId, photoId, modelId];
  const rows = faces.map(({ box, confidence, quality, embedding }, index) => {
    const corners = [box.x, box.y, box.width, box.height];
    const before = values.push(index, corners, confidence, quality, halfvecBytes(embedding)) - 5;
    return `($1, $2, $3, $${before + 1}::integer, $${before + 2}::real[], $${before + 3}::real, $${before + 4}::real, $${before + 5}::halfvec)`;
  });
  const columns = 'session_id, photo_id, model_id, face_index, box, confidence, quality, ' + column;
  await queryRows(client, `insert into faces (${columns}) values ${rows.join(', ')}`, values);
}

/**
 * The wire form of pgvector's `halfvec` (`halfvec_recv`): dimension and a zero as big-endian uint16, then big-endian
 * IEEE 754 half floats. `pg` sends a Buffer in binary: 1.5 µs for 512 numbers, where text takes 68 µs.
 */
export function halfvecBytes(vector: ArrayLike<number>): Buffer {
  // A Buffer of the pool may begin at an odd offset, where a Float16Array cannot.
  const bytes = Buffer.allocUnsafeSlow(4 + 2 * vector.length);
  new Float16Array(bytes.buffer, 4).set(vector);
  bytes.subarray(4).swap16();
  bytes.writeUInt16BE(vector.length, 0);
  bytes.writeUInt16BE(0, 2);
  return bytes;
}

/**
 * The column of a vector: `embedding` has the length of the first model's, and `other_embedding` takes every other length
 * (docs/decisions/0023).
 */
export type VectorColumn = 'embedding' | 'other_embedding';

/** The column that holds vectors of `length` numbers. */
export async function columnOf(pool: Pool, length: number): Promise<VectorColumn> {
  let known = lengths.get(pool);
  if (!known) {
    known = queryRows<{ length: number }>(pool, LENGTH_OF_EMBEDDING, []).then(([row]) => row!.length);
    known.catch(() => lengths.delete(pool));
    lengths.set(pool, known);
  }
  return (await known) === length ? 'embedding' : 'other_embedding';
}

/** It stays what it is as long as the table is there. */
const lengths = new WeakMap<Pool, Promise<number>>();

/** pgvector keeps the length of a column's vectors in its type modifier. */
const LENGTH_OF_EMBEDDING = `
  select atttypmod as length from pg_attribute where attrelid = 'faces'::regclass and attname = 'embedding'`;

/**
 * The photos of a session with a face at least as close to `query.embedding` as `query.cosine`, nearest first, each
 * with its best face; those after `query.after`, where that is given. Exact: every face of the session is compared.
 */
export async function nearestPhotos(
  pool: Pool,
  query: NearestQuery,
): Promise<{ total: number; photos: NearestPhoto[] }> {
  const { sessionId, modelId, embedding, cosine, limit, after } = query;
  const column = await columnOf(pool, embedding.length);
  const values = [sessionId, modelId, toSql(Array.from(embedding)), cosine, limit];
  const rows = after
    ? await queryRows<NearestRow>(pool, nextPhotos(column), [...values, after.cosine, after.photoId, after.inclusive])
    : await queryRows<NearestRow>(pool, nearestPhotosSql(column), values);
  // A page without photos has no row to tell how many there are.
  if (rows.length === 0 && after)
    return { total: (await nearestPhotos(pool, { ...query, after: undefined, limit: 1 })).total, photos: [] };
  const photos = rows.map(({ total_matches: _, box, ...photo }) => ({ ...photo, box: box && boxOfArray(box) }));
  return { total: rows[0]?.total_matches ?? 0, photos };
}

/** A box as the database keeps it. */
export function boxOfArray([x = 0, y = 0, width = 0, height = 0]: number[]): Box {
  return { x, y, width, height };
}

const WRITE_STATE = `
  select exists (select from erasures
                  where session_id = $1 and (photo_id is null or photo_id = $2) and id > $3) as erased,
         (select model_id from sessions where session_id = $1) as model_id,
         (select expires_at <= now() from sessions where session_id = $1) as expired`;

const UPSERT_SESSION = `
  insert into sessions as s (session_id, photo_count, face_count, model_id, last_indexed, created_at, expires_at)
  values ($1, $2, $3, $4, now(), now(), coalesce($5::timestamptz, case when $6::float8 > 0 then now() + $6::float8 * interval '1 day' end))
  on conflict (session_id) do update
     set photo_count = s.photo_count + excluded.photo_count,
         face_count = s.face_count + excluded.face_count,
         last_indexed = excluded.last_indexed,
         expires_at = coalesce($5::timestamptz, s.expires_at)`;

/**
 * $1 session_id, $2 model_id, $3 halfvec, $4 least cosine, $5 limit. The nearest-first order is asked above DISTINCT
 * ON, where no approximate index can deliver it: one with a filter loses matches (pgvector#719). `collate "C"` gives
 * one order in every locale, and keeps the planner from walking the primary key to save the sort. `<=>` divides by the
 * lengths, which half precision leaves up to 2e-4 off 1; with `<#>`, 4 % faster, a photo had similarity 0.9977 to
 * itself.
 */
const matchingPhotos = (column: VectorColumn) => `
  select photo_id, face_index, box, least(1, greatest(0, confidence)) as confidence, cosine, (count(*) over ())::integer as total_matches
    from (select distinct on (photo_id collate "C")
                 photo_id, face_index, box, confidence, 1 - (${column} <=> $3::halfvec) as cosine
            from faces
           where session_id = $1 and model_id = $2 and ${column} <=> $3::halfvec <= 1 - $4::float8
           order by photo_id collate "C", ${column} <=> $3::halfvec, face_index) as best`;
const NEAREST_FIRST = 'order by cosine desc, photo_id collate "C" limit $5';

/** The statement of a search's first page. */
export const nearestPhotosSql = (column: VectorColumn) => `${matchingPhotos(column)} ${NEAREST_FIRST}`;

/** The page begins after the photo $7 with the cosine $6, or where $8 holds with it. */
const nextPhotos = (column: VectorColumn) => `
  select * from (${matchingPhotos(column)}) as matching
   where cosine < $6::float8 or (cosine = $6::float8 and (photo_id collate "C" > $7::text or ($8::boolean and photo_id = $7::text)))
   ${NEAREST_FIRST}`;

export interface PhotoFaces {
  sessionId: string;
  photoId: string;
  modelId: string;
  /** Largest first; the position is the face_index. Embeddings are L2-normalised. */
  faces: { box: Box; confidence: number; quality: number; embedding: ArrayLike<number> }[];
  /** From `beginIndexing`. The session's lock makes its erasures' ids ascend. */
  lastErasure: string;
  expiresAt?: string;
  /** Used where the session is new and has no `expiresAt`; 0 keeps it. */
  retentionDays: number;
}

export interface NearestQuery {
  sessionId: string;
  embedding: ArrayLike<number>;
  modelId: string;
  cosine: number;
  limit: number;
  /** The place in the order of the matches that the page begins after; `inclusive`: with it. */
  after?: { cosine: number; photoId: string; inclusive: boolean };
}

export interface NearestPhoto {
  photo_id: string;
  face_index: number;
  /** null in rows that were indexed before boxes were kept. */
  box: Box | null;
  confidence: number;
  cosine: number;
}

type NearestRow = Omit<NearestPhoto, 'box'> & { box: number[] | null; total_matches: number };
type WriteState = { erased: boolean; model_id: string | null; expired: boolean | null };
