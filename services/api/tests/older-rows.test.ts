import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearestPhotos, replaceFaces } from '@facepass/indexing/db/faces';
import { beginIndexing } from '@facepass/indexing/db/sessions';
import pg from 'pg';
import { createTestDatabase } from '../../../scripts/checks/test-database.ts';
import { createMigratedDatabase, migrate } from './service.ts';

const DIMENSION_OF_FACES = `select atttypmod as dimension from pg_attribute where attrelid = 'faces'::regclass and attname = 'embedding'`;

test('a confidence that an older service stored beyond 0 to 1 is served as the nearest that an answer may hold', async () => {
  await using database = await createMigratedDatabase();
  const pool = new pg.Pool({ connectionString: database.url, max: 1 });
  const embedding = await unitVector(pool);
  for (const [photo, confidence] of [
    ['above', 1.7],
    ['below', -0.5],
    ['within', 0.5],
  ] as const)
    await index(pool, photo, embedding, confidence);
  const query = { sessionId: 'gala', modelId: 'test-1', embedding, cosine: 0.5, limit: 10 };
  const { photos } = await nearestPhotos(pool, query);
  await pool.end();
  assert.deepEqual(
    photos.map(({ photo_id, confidence }) => [photo_id, confidence]),
    [
      ['above', 1],
      ['below', 0],
      ['within', 0.5],
    ],
  );
});

const SKIP = process.env['FACEPASS_TEST_DATABASE_URL'] ? false : 'needs PostgreSQL: the embedded database is in UTF8';

test(
  'an id that the encoding of the database cannot hold is a mistake of the call, not a fault',
  { skip: SKIP },
  async () => {
    await using database = await createTestDatabase({ encoding: 'LATIN1' });
    await migrate(database.url, 'up');
    const pool = new pg.Pool({ connectionString: database.url, max: 1 });
    const embedding = await unitVector(pool);
    await index(pool, 'fête.jpg', embedding, 0.9);
    await assert.rejects(index(pool, '😀.jpg', embedding, 0.9), { code: 'invalid_parameter' });
    await assert.rejects(beginIndexing(pool, '😀'), { code: 'invalid_parameter' });
    await pool.end();
  },
);

async function unitVector(pool: pg.Pool): Promise<number[]> {
  const { rows } = await pool.query(DIMENSION_OF_FACES);
  return Array.from({ length: rows[0].dimension }, (_, place) => (place === 0 ? 1 : 0));
}

async function index(pool: pg.Pool, photoId: string, embedding: number[], confidence: number): Promise<void> {
  const box = { x: 0, y: 0, width: 9, height: 9 };
  const faces = [{ box, confidence, quality: 0.5, embedding }];
  await replaceFaces(pool, {
    sessionId: 'gala',
    photoId,
    modelId: 'test-1',
    faces,
    lastErasure: '0',
    retentionDays: 0,
  });
}
