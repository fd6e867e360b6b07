import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eraseFaces } from '@facepass/indexing/db/erase-faces';
import fc from 'fast-check';
import { seedSchema1 } from '../../migrator/tests/contents.ts';
import {
  createInstallation,
  LEGACY_MODEL,
  textOf,
  vectorOf,
  type Installation,
} from '../../migrator/tests/installation.ts';
import { seeded } from './seed.ts';

const SESSION = '00000000-0000-4000-8000-000000000003';

describe('faces of a photo are erased one by one', () => {
  let installation: Installation;
  before(async () => {
    installation = await createInstallation({ batchRows: 100 });
    await installation.up({ to: 1 });
    await seedSchema1(installation, 60, 8);
    await installation.up();
  });
  after(() => installation?.[Symbol.asyncDispose]());

  const erase = (sessionId: string, photoId: string, ...faceIndexes: number[]) =>
    eraseFaces(installation.pool, { sessionId, photoId, faceIndexes, actor: 'key:studio' });
  const rowsOf = async (sessionId: string, photoId?: string) =>
    installation.query(
      'select to_jsonb(f) as row from faces f where session_id = $1 and ($2::text is null or photo_id = $2) order by photo_id, face_index',
      [sessionId, photoId ?? null],
    );
  const sessionOf = async (sessionId: string) =>
    (await installation.query('select * from sessions where session_id = $1', [sessionId]))[0];

  async function addPhoto(sessionId: string, photoId: string, seeds: number[]): Promise<void> {
    for (const [index, seed] of seeds.entries())
      await installation.query(
        `insert into faces (session_id, photo_id, face_index, box, confidence, quality, model_id, embedding, created_at)
         values ($1, $2, $3, array[1.5, 2, 30.1, 40], 0.123456, 0.7, $4, $5, clock_timestamp())`,
        [sessionId, photoId, index, LEGACY_MODEL, textOf(vectorOf(seed, 8))],
      );
    await installation.query(
      `insert into sessions as s (session_id, photo_count, face_count, model_id, expires_at) values ($1, 1, $2, $3, '2099-01-01')
       on conflict (session_id) do update set photo_count = s.photo_count + 1, face_count = s.face_count + excluded.face_count`,
      [sessionId, seeds.length, LEGACY_MODEL],
    );
  }

  test('the other faces stay to the last digit, and the counts follow', async (t) => {
    let run = 0;
    const faces = fc.array(fc.tuple(fc.integer({ min: 1, max: 1e6 }), fc.boolean()), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(faces, async (drawn) => {
        const session = `property ${(run += 1)}`;
        await addPhoto(
          session,
          'a',
          drawn.map(([seed]) => seed),
        );
        const before = { rows: await rowsOf(session), session: await sessionOf(session) };
        const going = drawn.flatMap(([, goes], index) => (goes ? [index] : []));
        if (going.length === 0) return;
        assert.equal(await erase(session, 'a', ...going), going.length);
        const kept = before.rows.filter(({ row }) => !going.includes(row.face_index));
        assert.deepEqual(await rowsOf(session), kept);
        const expected = { ...before.session, face_count: kept.length };
        assert.deepEqual(await sessionOf(session), kept.length > 0 ? expected : undefined);
      }),
      seeded(t, 12),
    );
  });

  test('faces that were indexed again since they were looked at stay', async () => {
    await addPhoto('again', 'a', [1, 2]);
    const indexedAt = async () =>
      (
        await installation.query(
          `select created_at::text as at from faces where session_id = 'again' and face_index = 1`,
        )
      )[0].at as string;
    const seen = {
      sessionId: 'again',
      photoId: 'a',
      faceIndexes: [1],
      actor: 'key:studio',
      indexedAt: await indexedAt(),
    };
    await installation.query(`delete from faces where session_id = 'again'`);
    await installation.query(`delete from sessions where session_id = 'again'`);
    await addPhoto('again', 'a', [3, 4]);
    await assert.rejects(eraseFaces(installation.pool, seen), { code: 'confirmation_outdated' });
    assert.equal((await rowsOf('again')).length, 2);
    assert.equal(await eraseFaces(installation.pool, { ...seen, indexedAt: await indexedAt() }), 1);
  });

  test('an unknown photo and an unknown face are refused, and everything stays', async () => {
    await addPhoto('refused', 'a', [1, 2]);
    const before = await rowsOf('refused');
    await assert.rejects(erase('refused', 'b', 0), { code: 'photo_not_indexed' });
    await assert.rejects(erase('nowhere', 'a', 0), { code: 'photo_not_indexed' });
    await assert.rejects(erase('refused', 'a', 1, 2), {
      code: 'face_index_out_of_range',
      message: /no face 2; it has 0, 1/,
    });
    assert.deepEqual(await rowsOf('refused'), before);
  });

  test('two calls at once erase both faces and count them once each', async () => {
    await addPhoto('at once', 'a', [1, 2, 3, 4]);
    await Promise.all([0, 1, 2].map((index) => erase('at once', 'a', index)));
    assert.deepEqual(
      (await rowsOf('at once')).map(({ row }) => row.face_index),
      [3],
    );
    assert.equal((await sessionOf('at once')).face_count, 1);
  });

  test('an erased face is in no table, and no way back to an older schema and forth revives it', async () => {
    const [{ photo_id: photo }] = await installation.query(
      `select f.photo_id from faces f join face_embeddings_backup_v1 b on b.photo_id = f.photo_id and b.session_id::text = f.session_id
        where f.session_id = $1 and exists (select from face_embeddings e where e.photo_id = f.photo_id and e.session_id = f.session_id) limit 1`,
      [SESSION],
    );
    const [{ row: first }] = await rowsOf(SESSION, photo);
    const other = textOf(vectorOf(4711, 8));
    await installation.query(
      `insert into faces (session_id, photo_id, face_index, confidence, model_id, embedding) values ($1, $2, 1, 0.5, $3, $4)`,
      [SESSION, photo, LEGACY_MODEL, other],
    );
    await installation.query('update sessions set face_count = face_count + 1 where session_id = $1', [SESSION]);
    const [, { row: second }] = await rowsOf(SESSION, photo);
    assert.equal(await erase(SESSION, photo, 0), 1);
    assert.deepEqual(await installation.damage(), []);
    assert.deepEqual(await tablesHolding(first.embedding, photo), []);
    await installation.down(1);
    const restored = await installation.query(
      'select embedding::halfvec::text as embedding from face_embeddings where session_id = $1 and photo_id = $2',
      [SESSION, photo],
    );
    assert.deepEqual(restored, [{ embedding: second.embedding }]);
    await installation.up();
    assert.deepEqual(
      (await rowsOf(SESSION, photo)).map(({ row }) => row.embedding),
      [second.embedding],
    );
    assert.deepEqual(await installation.damage(), []);
  });

  /** Tables with a row of this photo whose vector is this one. */
  async function tablesHolding(embedding: string, photo: string): Promise<string[]> {
    const tables = await installation.query(
      `select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'embedding'
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition order by 1`,
    );
    const found: string[] = [];
    for (const { name } of tables) {
      const rows = await installation.query(
        `select from "${name}" where photo_id = $1 and embedding::halfvec::text = $2`,
        [photo, embedding],
      );
      if (rows.length > 0) found.push(name);
    }
    return found;
  }
});
