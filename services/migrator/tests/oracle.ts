import { LEGACY_MODEL } from './installation.ts';

/**
 * What the tables should hold, kept in plain maps: the migration's promises once more, without SQL. Photos are keyed by
 * `session/photo`; vectors are seeds of `vectorOf`.
 */
export interface Oracle {
  /** Rows of schema 1, or of its backup. */
  rows: FieldRow[];
  /** Rows that became a photo of schema 2. */
  winners: Set<FieldRow>;
  /** What schema 2 holds, and at schema 1 what it could not take along. */
  photos: Map<string, Photo>;
  /** What schema 3 holds, and below it what is kept aside. */
  faces: Map<string, Face[]>;
  /** Photos of schema 2 written since the migration. */
  changed: Set<string>;
  /** Whether the table of schema 1 takes each photo once. */
  holdsPhotosOnce: boolean;
}

export interface FieldRow {
  id: number;
  faceId: number | null;
  eventId: number | null;
  photo: string | null;
  session: string | null;
  seed: number;
  /** Factor on the vector's length. */
  length: number;
  confidence: number | null;
}

export interface Photo {
  seed: number;
  confidence: number;
}

export interface Face extends Photo {
  model: string;
}

export const keyOf = (session: string, photo: string) => `${session}/${photo}`;
const sessionOf = (key: string) => key.slice(0, key.indexOf('/'));
const isUuid = (session: string) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(session);

export function newOracle(rows: FieldRow[], holdsPhotosOnce = false): Oracle {
  return {
    rows: [...rows],
    winners: new Set(),
    photos: new Map(),
    faces: new Map(),
    changed: new Set(),
    holdsPhotosOnce,
  };
}

export function problemOf(row: FieldRow): string | null {
  if (row.photo === null) return 'photo_id is null';
  if (row.session === null) return 'session_id is null';
  if (row.confidence === null) return 'confidence is null';
  if (['', '..', 'a\tb'].includes(row.photo)) return 'photo_id cannot be sent';
  if (row.confidence < 0 || row.confidence > 1) return 'confidence is not between 0 and 1';
  return row.seed === 0 ? 'embedding is zero' : null;
}

/** Schema 1 to 2. */
export function goUpTo2(oracle: Oracle): void {
  const best = new Map<string, FieldRow>();
  for (const row of oracle.rows.filter((each) => problemOf(each) === null)) {
    const key = keyOf(row.session!, row.photo!);
    const rival = best.get(key);
    if (!rival || row.confidence! > rival.confidence! || (row.confidence === rival.confidence && row.id > rival.id))
      best.set(key, row);
  }
  oracle.winners = new Set(best.values());
  oracle.changed = new Set(oracle.photos.keys());
  for (const [key, row] of best) oracle.photos.set(key, { seed: row.seed, confidence: row.confidence! });
}

/** Schema 2 to 3. */
export function goUpTo3(oracle: Oracle): void {
  for (const [key, faces] of oracle.faces) showInSchema2(oracle, key, faces);
  for (const [key, photo] of oracle.photos)
    if (!oracle.faces.has(key)) oracle.faces.set(key, [{ ...photo, model: LEGACY_MODEL }]);
}

function showInSchema2(oracle: Oracle, key: string, faces: Face[]): void {
  const best = bestOf(faces);
  const photo = oracle.photos.get(key);
  if (!best || (photo && photo.seed === best.seed && photo.confidence === best.confidence)) return;
  oracle.photos.set(key, { seed: best.seed, confidence: best.confidence });
  oracle.changed.add(key);
}

function bestOf(faces: Face[]): Face | undefined {
  return faces
    .filter((face) => face.model === LEGACY_MODEL)
    .reduce<Face | undefined>((best, face) => (best && best.confidence >= face.confidence ? best : face), undefined);
}

/** The older table ends and is made anew on the way back: only what `faces` holds of it comes again. */
export function contract(oracle: Oracle): void {
  oracle.photos.clear();
  oracle.changed.clear();
  for (const [key, faces] of oracle.faces) {
    const best = bestOf(faces);
    if (!best) continue;
    const winner = [...oracle.winners].find((row) => keyOf(row.session!, row.photo!) === key);
    if (winner?.seed === best.seed) oracle.photos.set(key, { seed: winner.seed, confidence: winner.confidence! });
    else showInSchema2(oracle, key, faces);
  }
}

/**
 * Schema 2 to 1. The rows of photos that the backup does not know get the id Infinity: the database's is not foretold.
 */
export function goDownTo1(oracle: Oracle): void {
  const winnerOf = new Map([...oracle.winners].map((row) => [keyOf(row.session!, row.photo!), row]));
  for (const [key, photo] of oracle.photos) {
    if (!isUuid(sessionOf(key))) continue;
    const only = oracle.holdsPhotosOnce && oracle.rows.find((row) => keyOf(`${row.session}`, `${row.photo}`) === key);
    const winner = winnerOf.get(key) ?? only;
    oracle.photos.delete(key);
    if (winner && oracle.changed.has(key)) Object.assign(winner, photo, { length: 1 });
    if (!winner)
      oracle.rows.push({
        id: Infinity,
        faceId: null,
        eventId: null,
        photo: key.slice(key.indexOf('/') + 1),
        session: sessionOf(key),
        length: 1,
        ...photo,
      });
  }
}

export function newerIndex(oracle: Oracle, key: string, faces: Face[]): void {
  oracle.faces.set(key, faces);
  showInSchema2(oracle, key, faces);
}

/** At schema 3 the faces of a photo stay when the older API indexes one of them again. */
export function olderIndex(oracle: Oracle, key: string, photo: Photo, schema: 2 | 3): void {
  const known = oracle.faces.get(key)?.some((face) => face.model === LEGACY_MODEL && face.seed === photo.seed);
  oracle.photos.set(key, photo);
  oracle.changed.add(key);
  if (schema === 2) oracle.faces.delete(key);
  else if (!known) oracle.faces.set(key, [{ ...photo, model: LEGACY_MODEL }]);
}

export function fieldInsert(oracle: Oracle, row: FieldRow): void {
  oracle.rows.push(row);
  oracle.faces.delete(keyOf(row.session!, row.photo!));
}

export function erasePhoto(oracle: Oracle, key: string): void {
  const gone = (row: FieldRow) => row.session !== null && row.photo !== null && keyOf(row.session, row.photo) === key;
  oracle.rows = oracle.rows.filter((row) => !gone(row));
  oracle.winners = new Set([...oracle.winners].filter((row) => !gone(row)));
  oracle.photos.delete(key);
  oracle.faces.delete(key);
}

export function eraseSession(oracle: Oracle, session: string): void {
  oracle.rows = oracle.rows.filter((row) => row.session !== session);
  oracle.winners = new Set([...oracle.winners].filter((row) => row.session !== session));
  for (const table of [oracle.photos, oracle.faces])
    for (const key of [...table.keys()]) if (sessionOf(key) === session) table.delete(key);
}

/** DELETE on face_embeddings by an API that knows no other way: of one photo, or of a session. */
export function olderDelete(oracle: Oracle, session: string, photo: string | null, schema: 1 | 2 | 3): void {
  const held =
    schema === 1
      ? oracle.rows.flatMap((row) =>
          row.session !== null && row.photo !== null ? [keyOf(row.session, row.photo)] : [],
        )
      : [...oracle.photos.keys()];
  const keys = new Set(
    held.filter((key) => (photo === null ? sessionOf(key) === session : key === keyOf(session, photo))),
  );
  if (schema === 1 && photo === null && oracle.rows.some((row) => row.session === session))
    return eraseSession(oracle, session);
  if (keys.size === 0) return;
  for (const key of keys) erasePhoto(oracle, key);
  const left =
    schema === 1
      ? oracle.rows.some((row) => row.session === session)
      : [...oracle.photos.keys(), ...(schema === 3 ? oracle.faces.keys() : [])].some(
          (key) => sessionOf(key) === session,
        );
  if (!left) eraseSession(oracle, session);
}
