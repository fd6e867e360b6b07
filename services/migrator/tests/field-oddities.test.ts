import assert from 'node:assert/strict';
import { test } from 'node:test';
import pg from 'pg';
import { readSteps } from '../steps.ts';
import { seedSchema1 } from './contents.ts';
import { createInstallation, MIGRATIONS, textOf, vectorOf, type Installation } from './installation.ts';

const NO_SERVER = process.env['FACEPASS_TEST_DATABASE_URL']
  ? false
  : 'needs PostgreSQL (FACEPASS_TEST_DATABASE_URL): two transactions are open at a time';

test('no schema allows truncating a table whose rows are also in a copy', async () => {
  await using installation = await createInstallation({ batchRows: 100 });
  await installation.up({ to: 1 });
  await seedSchema1(installation, 20, 8);
  await installation.up({ to: 2 });
  await refusesTruncate(installation, 'face_embeddings');
  await installation.up();
  for (const table of ['face_embeddings', 'faces']) await refusesTruncate(installation, table);
  await installation.down(2);
  await refusesTruncate(installation, 'face_embeddings');
  await installation.down(1);
  await refusesTruncate(installation, 'face_embeddings');
});

test('an erasure while the backup is sealed keeps its count and hash consistent', { skip: NO_SERVER }, async () => {
  await using installation = await createInstallation({ batchRows: 5 });
  await installation.up({ to: 1 });
  await seedSchema1(installation, 40, 8);
  await installation.up({ to: 2 });
  await installation.query(
    `update face_copies set sealed_up_to = 0, row_count = 0, content_hash = 0 where kind = 'backup'`,
  );
  const eraser = new pg.Client({ connectionString: installation.url });
  await eraser.connect();
  await eraser.query(`begin; delete from face_embeddings where photo_id = 'photo-12'; set constraints all immediate`);
  const sealing = sealBackup(installation);
  await Promise.race([sealing, isBlocked(installation)]);
  await eraser.query('commit');
  await eraser.end();
  await sealing;
  assert.deepEqual(await installation.damage(), []);
});

test('migrates rows with zero or negative ids up and down', async () => {
  await using installation = await createInstallation({ batchRows: 3 });
  await installation.up({ to: 1 });
  await seedSchema1(installation, 20, 8);
  await installation.query('update face_embeddings set id = id - 10');
  const before = await installation.query('select * from face_embeddings order by id');
  await installation.up();
  assert.deepEqual(await installation.damage(), []);
  await installation.down(1);
  assert.deepEqual(await installation.query('select * from face_embeddings order by id'), before);
});

test('splits a batch with more sessions than one transaction may lock', async () => {
  await using installation = await createInstallation({ batchRows: 100_000 });
  await installation.up({ to: 1 });
  await installation.query(
    `insert into face_embeddings (photo_id, session_id, embedding, confidence)
     select 'only.jpg', md5(n::text)::uuid, $1, 0.9 from generate_series(1, 8000) n`,
    [textOf(vectorOf(1, 8))],
  );
  await installation.up();
  assert.equal((await installation.query('select count(*)::integer as held from faces'))[0].held, 8000);
  await installation.up({ contract: true });
  await installation.down(2);
  assert.equal((await installation.query('select count(*)::integer as held from face_embeddings'))[0].held, 8000);
});

test('continues the ids of the backup after a contraction and a rollback, whatever the sequence is called', async () => {
  await using installation = await createInstallation({ batchRows: 100 });
  await installation.up({ to: 1 });
  await seedSchema1(installation, 20, 8);
  await installation.query('alter sequence face_embeddings_id_seq rename to numbers_of_faces');
  await installation.up({ contract: true });
  await installation.down(2);
  const [inserted] = await installation.query(
    `insert into face_embeddings (photo_id, session_id, embedding, confidence) values ('new.jpg', 'new', $1, 0.9) returning id`,
    [textOf(vectorOf(5, 8))],
  );
  assert.ok(inserted.id > 20, `${inserted.id}`);
  await installation.down(1);
  assert.deepEqual(
    await installation.query(`select relname from pg_class where relkind = 'S' and relname like '%faces%'`),
    [{ relname: 'numbers_of_faces' }],
  );
});

test(
  'migrates a LATIN1 database up and down',
  { skip: NO_SERVER && 'needs PostgreSQL (FACEPASS_TEST_DATABASE_URL): the embedded database is always in UTF8' },
  async () => {
    await using installation = await createInstallation({ batchRows: 20, encoding: 'LATIN1' });
    await installation.up({ to: 1 });
    await seedSchema1(installation, 40, 8);
    await installation.query(`update face_embeddings set photo_id = 'fête.jpg' where id % 9 = 1`);
    const before = await installation.query('select * from face_embeddings order by id');
    await installation.up({ contract: true });
    assert.ok((await installation.query(`select from faces where photo_id = 'fête.jpg'`)).length > 0);
    assert.deepEqual(await installation.damage(), []);
    await installation.down(1);
    assert.deepEqual(await installation.query('select * from face_embeddings order by id'), before);
  },
);

test('migrations contain only characters that every database encoding has', async () => {
  for (const { name, up, down } of await readSteps(MIGRATIONS))
    for (const sql of [up.sql, down?.sql ?? '']) assert.doesNotMatch(sql, /[^\n -~]/, name);
});

async function refusesTruncate(installation: Installation, table: string): Promise<void> {
  await assert.rejects(installation.query(`truncate ${table}`), /cannot be truncated: DELETE its rows/, table);
}

async function sealBackup({ query }: Installation): Promise<void> {
  for (let done = false; !done;) [{ done }] = (await query('select done from seal_backup(5)')) as [{ done: boolean }];
}

/** Waits until some transaction of the database waits for a lock. */
async function isBlocked({ query }: Installation): Promise<void> {
  const giveUp = Date.now() + 10_000;
  while (
    (await query(`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`))
      .length === 0
  )
    if (Date.now() > giveUp) throw new Error('nothing waited for the erasure');
}
