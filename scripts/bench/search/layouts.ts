import { randomUUID } from 'node:crypto';
import { halfvecBytes } from '@facepass/indexing/db/faces';
import pg from 'pg';
import { createBenchDatabase, MINIMUM_COSINE, MODEL_ID } from './database.ts';
import { markdownTable, medianWork, ms, progress, stopwatch, timed, type Timing } from './measure.ts';
import { anotherPicture, randomUnitVector, seededRandom } from './vectors.ts';

/**
 * The same day's uploads (8 connections, photos of 1 to 5 faces, 24 sessions at once) into tables of 0, 16, 64 and 256
 * hash partitions, then a search of every session in each, in turns. Returns Markdown.
 */
export async function benchLayouts(server: string, dimension: number): Promise<string> {
  await using database = await createBenchDatabase(server, dimension);
  const { client, url } = database;
  const random = seededRandom(31);
  const vectors = Array.from({ length: 400 }, () => randomUnitVector(dimension, random));
  const uploads = Array.from({ length: PHOTOS }, (_, n): Upload => ({
    sessionId: SESSIONS[Math.floor(random() * SESSIONS.length)]!,
    photoId: randomUUID(),
    embeddings: Array.from({ length: 1 + (n % 5) }, (_, face) => halfvecBytes(vectors[(n + face) % vectors.length]!)),
  }));
  const layouts = [];
  for (const partitions of [0, 16, 64, 256]) layouts.push(await fillLayout(client, url, partitions, uploads));
  const query = halfvecBytes(anotherPicture(vectors[0]!, 0.7, random));
  const clock = await stopwatch(client);
  for (let round = 0; round < 20; round++) {
    for (const sessionId of SESSIONS) {
      for (const { table, times } of layouts)
        times.push(await clock(() => client.query(search(table), [sessionId, MODEL_ID, query, MINIMUM_COSINE])));
    }
  }
  const rows = [];
  for (const { partitions, table, createdMs, facesASecond, times } of layouts) {
    const pages = await pagesRead(client, table, query);
    rows.push([partitions || 'none', ms(medianWork(times)), pages, facesASecond, ms(createdMs)]);
  }
  return markdownTable(
    ['hash partitions', 'search, p50 ms on the processor', 'pages a search', 'inserted faces/s', 'DDL ms'],
    rows,
  );
}

const PHOTOS = 20_000;
const SESSIONS = Array.from({ length: 24 }, () => randomUUID());

async function fillLayout(client: pg.Client, url: string, partitions: number, uploads: Upload[]) {
  const table = `layout_${partitions}`;
  progress(`filling ${table}, ${uploads.length} photos`);
  const createdMs = await timed(() => client.query(createTable(table, partitions)));
  await using stack = new AsyncDisposableStack();
  const pool = stack.adopt(new pg.Pool({ connectionString: url, max: 8, options: '-c synchronous_commit=off' }), (p) =>
    p.end(),
  );
  const faces = uploads.reduce((sum, { embeddings }) => sum + embeddings.length, 0);
  const elapsed = await timed(() => Promise.all(uploads.map((upload) => insertUpload(pool, table, upload))));
  await client.query(`vacuum analyze ${table}`);
  return {
    partitions,
    table,
    createdMs,
    facesASecond: Math.round((faces / elapsed) * 1000).toLocaleString('en'),
    times: [] as Timing[],
  };
}

function createTable(table: string, partitions: number): string {
  const columns = `create table ${table} (like faces including all)`;
  if (partitions === 0) return columns;
  const parts = Array.from(
    { length: partitions },
    (_, n) =>
      `create table ${table}_${n} partition of ${table} for values with (modulus ${partitions}, remainder ${n});`,
  );
  return `${columns} partition by hash (session_id); ${parts.join('\n')}`;
}

async function insertUpload(pool: pg.Pool, table: string, { sessionId, photoId, embeddings }: Upload): Promise<void> {
  const values: unknown[] = [sessionId, photoId, MODEL_ID];
  const rows = embeddings.map(
    (bytes, index) => `($1, $2, $3, ${index}, '{1.5,2,3,4}', 0.9, 0.5, $${values.push(bytes)}::halfvec)`,
  );
  await pool.query(
    `insert into ${table} (session_id, photo_id, model_id, face_index, box, confidence, quality, embedding) values ${rows.join()}`,
    values,
  );
}

const search = (table: string) => `
  select photo_id, min(embedding <=> $3::halfvec) from ${table}
  where session_id = $1 and model_id = $2 and embedding <=> $3::halfvec <= 1 - $4::float8 group by photo_id`;

async function pagesRead(client: pg.Client, table: string, query: Buffer): Promise<number> {
  let pages = 0;
  for (const sessionId of SESSIONS) {
    const { rows } = await client.query(`explain (analyze, buffers, format json) ${search(table)}`, [
      sessionId,
      MODEL_ID,
      query,
      MINIMUM_COSINE,
    ]);
    const plan = rows[0]['QUERY PLAN'][0].Plan as Record<string, number>;
    pages += (plan['Shared Hit Blocks'] ?? 0) + (plan['Shared Read Blocks'] ?? 0);
  }
  return Math.round(pages / SESSIONS.length);
}

interface Upload {
  sessionId: string;
  photoId: string;
  embeddings: Buffer[];
}
