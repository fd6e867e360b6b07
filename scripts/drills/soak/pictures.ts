import pg from 'pg';
import { emptyScene, PEOPLE, portrait } from '../../../services/api/tests/people.ts';
import { samplePhoto } from '../../../services/inference/tests/photos.ts';
import { formCall, send } from './client.ts';

const TAKES = 3;

/** A picture that clients index and search by, and what the service said of it while nothing else happened. */
export interface Picture {
  bytes: Buffer;
  /** Faces found; 0 where it cannot be indexed. */
  faces: number;
  /** The code with which it is refused; null where it is indexed. */
  problem: string | null;
  /** The similarity of a search by this picture to each picture that was indexed, where it reaches the threshold. */
  similarTo: Map<number, number>;
  /** What tells its faces in the database from those of the others. */
  mark: string;
}

/** Some people in several pictures each, a group, a picture without a face and one that is damaged. */
export async function drawPictures(): Promise<Buffer[]> {
  const portraits: Buffer[] = [];
  for (let person = 0; person < PEOPLE; person += 1)
    for (let take = 0; take < TAKES; take += 1) portraits.push(await portrait(person, take));
  const damaged = portraits[0]!.subarray(0, portraits[0]!.length / 3);
  return [...portraits, await samplePhoto(6), await emptyScene(), damaged];
}

/**
 * Indexes every picture in a session of its own and searches by each, to know what is right later.
 * @throws Error where two pictures could not be told apart
 */
export async function learnPictures(port: number, key: string, databaseUrl: string): Promise<Picture[]> {
  const session = 'what-is-right';
  const headers = { 'X-API-Key': key };
  const pictures: Picture[] = [];
  for (const [n, bytes] of (await drawPictures()).entries()) {
    const call = formCall('/api/v1/index', { session_id: session, photo_id: `${n}` }, bytes, headers);
    const answer = await send(port, call, { kind: 'plain' });
    if (answer.status !== 200 && answer.status !== 400) throw new Error(`picture ${n}: ${JSON.stringify(answer)}`);
    const refused = answer.status === 400;
    pictures.push({
      bytes,
      faces: refused ? 0 : answer.body.faces_detected,
      problem: refused ? answer.body.code : null,
      similarTo: new Map(),
      mark: '',
    });
  }
  for (const picture of pictures.filter(({ faces }) => faces > 0)) {
    const call = formCall('/api/v1/search', { session_id: session, limit: '1000' }, picture.bytes);
    const { body } = await send(port, call, { kind: 'plain' });
    picture.similarTo = new Map(body.matches.map(({ photo_id, similarity }) => [Number(photo_id), similarity]));
  }
  const marks = await marksOf(databaseUrl, session);
  for (const [n, picture] of pictures.entries()) picture.mark = marks.get(`${n}`) ?? '';
  if (marks.size !== new Set(marks.values()).size) throw new Error('Two pictures have the same faces.');
  await send(
    port,
    { method: 'DELETE', path: `/api/v1/index/${session}`, headers, body: Buffer.alloc(0) },
    { kind: 'plain' },
  );
  return pictures;
}

/** The mark of each photo of a session. */
export async function marksOf(databaseUrl: string, session: string): Promise<Map<string, string>> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query(MARKS, [session]);
    return new Map(rows.map(({ photo_id, mark }) => [photo_id, mark]));
  } finally {
    await client.end();
  }
}

const MARKS = `
  select photo_id, string_agg(md5(embedding::text || box::text || face_index::text), ' ' order by face_index) as mark
    from faces where session_id = $1 group by photo_id`;
