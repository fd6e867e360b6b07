import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planDown } from '../down.ts';
import { readState } from '../state.ts';
import { planUp } from '../up.ts';
import { walk } from '../walk.ts';
import { seedSchema1 } from './contents.ts';
import { createInstallation, textOf, vectorOf, type Installation } from './installation.ts';

/**
 * A migrator may end after any step, for hours, while an older API goes on. What that erases and indexes anew between
 * two steps must be so when the way is gone on with, however it ends.
 */
const DIMENSION = 8;
const SESSION = '00000000-0000-4000-8000-000000000002';

for (const [way, prepare, next] of [
  ['the first way up', async (_installation: Installation) => {}, 'up'],
  ['the way back to schema 1', async (installation: Installation) => void (await installation.up()), 'down'],
  [
    'the second migration',
    async (installation: Installation) => void (await installation.up(), await installation.down(2)),
    'up',
  ],
  [
    'the migration from schema 1 with faces kept aside',
    async (installation: Installation) => void (await installation.up(), await installation.down(1)),
    'up',
  ],
] as const) {
  test(`keeps what an older API erases and writes between any two steps of ${way}`, async () => {
    await using installation = await createInstallation({ dimension: DIMENSION });
    await installation.up({ to: 1 });
    await seedSchema1(installation, 60, DIMENSION);
    await prepare(installation);
    const photos = (
      await installation.query(
        'select distinct photo_id from face_embeddings where session_id::text = $1 and photo_id is not null order by 1',
        [SESSION],
      )
    ).map(({ photo_id }) => photo_id);
    const [erased, written]: [Set<string>, Map<string, number>] = [new Set(), new Map()];
    for (let count = 1; await takeOneStep(installation, next); count += 1) {
      const [gone, anew] = [`erased after ${count}`, `written after ${count}`];
      await olderIndex(installation, gone, 1000 + count);
      for (const photo of [gone, photos.pop()].filter((each) => each !== undefined)) {
        await installation.query('delete from face_embeddings where session_id = $1 and photo_id = $2', [
          SESSION,
          photo,
        ]);
        erased.add(photo);
      }
      for (const photo of [anew, photos.pop()].filter((each) => each !== undefined)) {
        await olderIndex(installation, photo, 2000 + count);
        written.set(photo, 2000 + count);
      }
    }
    assert.ok(erased.size >= 4 && written.size >= 4, 'there were steps between which to write');
    await assertSo(installation, erased, written);
    assert.deepEqual(await installation.damage(), []);
    await installation.up();
    await assertSo(installation, erased, written);
    assert.deepEqual(await installation.damage(), []);
    await installation.down(1);
    await assertSo(installation, erased, written);
  });
}

/** The next step that is pending; false where none is. */
async function takeOneStep(installation: Installation, direction: 'up' | 'down'): Promise<boolean> {
  return installation.migrate(async (client, context) => {
    const state = await readState(client, context.steps);
    const { pending, skip } =
      direction === 'up'
        ? planUp(context.steps, state, { to: 3, contract: false })
        : { pending: planDown(context.steps, state, 1), skip: () => false };
    await walk(client, pending.slice(0, 1), direction, state, { ...context, skip });
    return pending.length > 1;
  });
}

/** As an API of schema 1 or 2 writes, whose table knows no duplicates. */
async function olderIndex({ query }: Installation, photo: string, seed: number): Promise<void> {
  const values = [photo, SESSION, textOf(vectorOf(seed, DIMENSION)), 0.9];
  const updated = await query(
    'update face_embeddings set embedding = $3, confidence = $4 where photo_id = $1 and session_id = $2 returning 1',
    values,
  );
  if (updated.length === 0)
    await query(
      'insert into face_embeddings (photo_id, session_id, embedding, confidence) values ($1, $2, $3, $4)',
      values,
    );
}

/** Neither face_embeddings nor faces shows what was erased; both show what was written last. */
async function assertSo({ query }: Installation, erased: Set<string>, written: Map<string, number>): Promise<void> {
  const tables = await query(
    `select name from unnest(array['face_embeddings', 'faces']) name where to_regclass(name) is not null`,
  );
  for (const { name } of tables) {
    const rows: { photo_id: string; embedding: string }[] = await query(
      `select photo_id, embedding::text from ${name} where session_id::text = $1`,
      [SESSION],
    );
    assert.deepEqual(
      rows.filter(({ photo_id }) => erased.has(photo_id)),
      [],
      `erased photos in ${name}`,
    );
    for (const [photo, seed] of written) {
      const found = rows
        .filter(({ photo_id }) => photo_id === photo)
        .map(({ embedding }) => JSON.parse(embedding) as number[]);
      assert.ok(
        found.some((vector) =>
          vectorOf(seed, DIMENSION).every((number, place) => Math.abs(number - vector[place]!) < 2e-3),
        ),
        `${photo} in ${name}`,
      );
    }
  }
}
