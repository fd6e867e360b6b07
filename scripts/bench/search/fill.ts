import { halfvecBytes } from '@facepass/indexing/db/faces';
import type pg from 'pg';
import { randomUnitVector, seededRandom } from './vectors.ts';

/** People of the synthetic events; every stored face is the face of one of them. */
export const PEOPLE = 1024;
const FACES_A_PHOTO = 4;
/** Photographers who upload at the same time, so whose sessions' rows arrive interleaved. */
const SESSIONS_AT_ONCE = 24;
/** Faces of a session that no measurement searches. */
const FOREIGN_FACES = 3000;

export interface SessionSize {
  sessionId: string;
  faces: number;
}

/**
 * Where faces are stored: this project's table, one of its shape, or the `vector` table of the field's older services.
 */
export interface FacesTable {
  name: string;
  columns: string;
  /** Expressions for `columns` over session_id, photo_id, face_index and embedding. */
  values: string;
}

export function facesTable(name = 'faces'): FacesTable {
  return {
    name,
    columns: 'session_id, photo_id, face_index, box, confidence, quality, model_id, embedding',
    values: `session_id, photo_id, face_index, '{120,80,64,72}', 0.99, 0.6, 'bench-1', embedding`,
  };
}

/** Creates the table `people` with one face each and returns those faces. */
export async function createPeople(client: pg.Client, dimension: number): Promise<Float32Array[]> {
  const random = seededRandom(dimension);
  const people = Array.from({ length: PEOPLE }, () => randomUnitVector(dimension, random));
  await client.query(`create table people (id integer primary key, embedding halfvec(${dimension}) not null)`);
  for (const [id, embedding] of people.entries()) {
    await client.query('insert into people values ($1, $2)', [id, halfvecBytes(embedding)]);
  }
  await client.query('analyze people');
  return people;
}

/** Stores sessions in the order in which a busy day would bring them: `atOnce` of them together, photo by photo. */
export async function fillSessions(
  client: pg.Client,
  table: FacesTable,
  sessions: SessionSize[],
  atOnce = SESSIONS_AT_ONCE,
): Promise<void> {
  for (let first = 0; first < sessions.length; first += atOnce) {
    const together = sessions.slice(first, first + atOnce);
    await client.query(fillStatement(table), [
      together.map(({ sessionId }) => sessionId),
      together.map(({ faces }) => faces),
    ]);
  }
  await client.query(`vacuum analyze ${table.name}`);
}

function fillStatement({ name, columns, values }: FacesTable): string {
  return `
    insert into ${name} (${columns})
    select ${values}
    from (
      select session_id, photo_id, face_index,
        (select embedding from people where id = abs(hashtext(photo_id || face_index)) % ${PEOPLE}) as embedding
      from (
        select session_id, md5(session_id || photo)::uuid::text as photo_id, face_index
        from unnest($1::text[], $2::integer[]) as session (session_id, faces),
          generate_series(0, faces / ${FACES_A_PHOTO} - 1) as photo,
          generate_series(0, ${FACES_A_PHOTO - 1}) as face_index
        order by photo::float8 / faces, session_id, photo, face_index
      ) as taken
    ) as face`;
}

/**
 * Sessions of `sizes` faces each among foreign sessions of 3,000, `total` faces altogether, in a shuffled order;
 * `newId` names them.
 */
export function planSessions(sizes: number[], total: number, newId?: () => string): SessionSize[] {
  const random = seededRandom(total);
  const name = newId ?? (() => uuid(random));
  const wanted = sizes.map((faces) => ({ sessionId: name(), faces }));
  const foreign = Math.floor((total - sizes.reduce((sum, faces) => sum + faces, 0)) / FOREIGN_FACES);
  const others = Array.from({ length: foreign }, () => ({ sessionId: name(), faces: FOREIGN_FACES }));
  return [...wanted, ...others]
    .map((session) => ({ session, place: random() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ session }) => session);
}

function uuid(random: () => number): string {
  const digits = Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16)).join('');
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
