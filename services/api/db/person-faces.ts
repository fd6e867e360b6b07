import type { Box } from '@facepass/contracts/http';
import { boxOfArray, columnOf, type VectorColumn } from '@facepass/indexing/db/faces';
import { queryRows, type Pool } from '@facepass/indexing/db/pool';

/** A stored face that resembles a person. */
export interface PersonFace {
  photo_id: string;
  face_index: number;
  /** null in rows that were indexed before boxes were kept. */
  box: Box | null;
  cosine: number;
  /** To the microsecond: a photo that was indexed again has other faces. */
  indexed_at: string;
}

/** Every face of a session at least as close to a vector as `cosine`, photo by photo, at most `limit`. */
export async function facesOfPerson(
  pool: Pool,
  person: { sessionId: string; modelId: string; embedding: readonly number[]; cosine: number; limit: number },
): Promise<PersonFace[]> {
  const { sessionId, modelId, embedding, cosine, limit } = person;
  const values = [sessionId, modelId, `[${embedding.join(',')}]`, cosine, limit];
  const sql = facesOfPersonSql(await columnOf(pool, embedding.length));
  const rows = await queryRows<Omit<PersonFace, 'box'> & { box: number[] | null }>(pool, sql, values);
  return rows.map(({ box, ...face }) => ({ ...face, box: box && boxOfArray(box) }));
}

/** Compares every face of the session, as a search does. */
const facesOfPersonSql = (column: VectorColumn) => `
  select photo_id, face_index, box, 1 - (${column} <=> $3::halfvec) as cosine, created_at::text as indexed_at
    from faces
   where session_id = $1 and model_id = $2 and ${column} <=> $3::halfvec <= 1 - $4::float8
   order by photo_id collate "C", face_index
   limit $5`;
