import { randomUUID } from 'node:crypto';
import { insertFaces, type PhotoFaces, replaceFaces } from '@facepass/indexing/db/faces';
import pg from 'pg';
import { createBenchDatabase, MODEL_ID } from './database.ts';
import { markdownTable, percentile, progress, timed } from './measure.ts';
import { randomUnitVector, seededRandom } from './vectors.ts';

/**
 * Faces a second through one connection: the API's one INSERT for a photo, and its whole transaction (lock, replace,
 * session row), against one INSERT with a text vector for each face. In turns, the median of 15 rounds. Returns
 * Markdown.
 */
export async function benchIngest(server: string, dimension: number): Promise<string> {
  await using stack = new AsyncDisposableStack();
  const database = stack.use(await createBenchDatabase(server, dimension));
  const pool = stack.adopt(new pg.Pool({ connectionString: database.url, max: 1 }), (p) => p.end());
  const random = seededRandom(11);
  const vectors = Array.from({ length: 500 }, () => randomUnitVector(dimension, random));
  const rows: (string | number)[][] = [];
  for (const faces of [1, 4, 20, 100]) {
    progress(`inserting photos of ${faces} faces, ${dimension} dimensions`);
    const rates = WAYS.map((): number[] => []);
    for (let round = 0; round < 15; round++) {
      for (const [way, { insert }] of WAYS.entries()) {
        const photos = Array.from({ length: Math.ceil(100 / faces) }, () => photoOf(faces, vectors, random));
        const elapsed = await timed(() => inTurn(photos, (photo) => insert(pool, photo)));
        rates[way]!.push((photos.length * faces * 1000) / elapsed);
      }
    }
    const [byRow = 0, ...others] = rates.map((rate) => percentile(rate, 0.5));
    rows.push([
      faces,
      facesASecond(byRow),
      ...others.map((rate) => `${facesASecond(rate)} (${(rate / byRow).toFixed(1)} ×)`),
    ]);
  }
  return markdownTable(['faces in a photo', ...WAYS.map(({ name }) => `${name}, faces/s`)], rows);
}

const WAYS: { name: string; insert: (pool: pg.Pool, photo: PhotoFaces) => Promise<unknown> }[] = [
  { name: 'one-row text INSERT', insert: insertRowByRow },
  { name: 'one binary INSERT a photo', insert: (pool, photo) => insertFaces(pool, photo) },
  { name: 'replaceFaces', insert: replaceFaces },
];

const facesASecond = (rate: number) => Math.round(rate).toLocaleString('en');

function photoOf(count: number, vectors: Float32Array[], random: () => number): PhotoFaces {
  const faces = Array.from({ length: count }, () => ({
    box: { x: 120.5, y: 80.25, width: 64, height: 72 },
    confidence: 0.99,
    quality: 0.6,
    embedding: vectors[Math.floor(random() * vectors.length)]!,
  }));
  return {
    sessionId: `session-${Math.floor(random() * 20)}`,
    photoId: randomUUID(),
    modelId: MODEL_ID,
    faces,
    lastErasure: '0',
    retentionDays: 0,
  };
}

async function insertRowByRow(pool: pg.Pool, { sessionId, photoId, modelId, faces }: PhotoFaces): Promise<void> {
  for (const [index, { box, confidence, quality, embedding }] of faces.entries()) {
    const numbers = [box.x, box.y, box.width, box.height];
    await pool.query(INSERT_ROW, [
      sessionId,
      photoId,
      modelId,
      index,
      numbers,
      confidence,
      quality,
      `[${Array.from(embedding).join()}]`,
    ]);
  }
}

const INSERT_ROW = `
  insert into faces (session_id, photo_id, model_id, face_index, box, confidence, quality, embedding)
  values ($1, $2, $3, $4, $5, $6, $7, $8)`;

async function inTurn<Item>(items: Item[], work: (item: Item) => Promise<unknown>): Promise<void> {
  for (const item of items) await work(item);
}
