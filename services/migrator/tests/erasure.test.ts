import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, test } from 'node:test';
import pg from 'pg';
import { grantTo } from '../grant.ts';
import { purge } from '../purge.ts';
import { seedSchema1 } from './contents.ts';
import { createInstallation, type Installation } from './installation.ts';

const SESSION = '00000000-0000-4000-8000-000000000002';
const OTHER_SESSION = '00000000-0000-4000-8000-000000000003';
const SPELT_OTHERWISE = 'abcdef00-0000-4000-8000-000000000004';

const installation = await migrated();
after(() => installation[Symbol.asyncDispose]());

test('erases a session from every table, and leaves one tombstone and one line in the audit log', async () => {
  const before = await tablesNaming(installation, SESSION);
  assert.deepEqual(before, [
    'face_embeddings',
    'face_embeddings_backup_v1',
    'face_embeddings_quarantine',
    'faces',
    'sessions',
  ]);
  const [answer] = await installation.query('select * from erase_session($1, $2)', [SESSION, 'key:studio']);
  assert.ok(Number(answer.photos) > 0 && Number(answer.faces) === Number(answer.photos));
  assert.deepEqual(await tablesNaming(installation, SESSION), ['audit_log', 'erasures']);
  const audit = await installation.query('select actor, action, session_id, photo_id, rows_removed from audit_log');
  assert.equal(audit.length, 1);
  assert.ok(Number(audit[0].rows_removed) > 2 * Number(answer.faces), 'the rows of backup and quarantine are counted');
  assert.equal((await installation.query('select from erasures')).length, 1);
  assert.deepEqual(await installation.damage(), [], 'count and hash of the backup were kept up to date');
});

test('erasing a photo erases its duplicates in the quarantine and keeps the rest of the session', async () => {
  const [{ photo_id }] = await installation.query(
    `select photo_id from face_embeddings_quarantine where session_id = $1 and reason like 'duplicate%'`,
    [OTHER_SESSION],
  );
  const sessionBefore = (await installation.query('select * from sessions where session_id = $1', [OTHER_SESSION]))[0];
  const [answer] = await installation.query('select * from erase_photo($1, $2, $3)', [
    OTHER_SESSION,
    photo_id,
    'key:studio',
  ]);
  assert.deepEqual(answer, { photos: '1', faces: '1' });
  const sessionAfter = (await installation.query('select * from sessions where session_id = $1', [OTHER_SESSION]))[0];
  assert.deepEqual(sessionAfter, {
    ...sessionBefore,
    photo_count: sessionBefore.photo_count - 1,
    face_count: sessionBefore.face_count - 1,
  });
  for (const table of ['faces', 'face_embeddings', 'face_embeddings_backup_v1', 'face_embeddings_quarantine'])
    assert.deepEqual(
      await installation.query(`select from ${table} where session_id::text = $1 and photo_id = $2`, [
        OTHER_SESSION,
        photo_id,
      ]),
      [],
      table,
    );
  assert.deepEqual(await installation.damage(), []);
});

test('treats a DELETE by an older API as an erasure, of a photo and of a session', async () => {
  const session = '00000000-0000-4000-8000-000000000001';
  const [{ photo_id }] = await installation.query(
    'select photo_id from face_embeddings where session_id = $1 limit 1',
    [session],
  );
  await installation.query('delete from face_embeddings where session_id = $1 and photo_id = $2', [session, photo_id]);
  for (const table of ['faces', 'face_embeddings_backup_v1', 'face_embeddings_quarantine'])
    assert.deepEqual(
      await installation.query(`select from ${table} where session_id::text = $1 and photo_id = $2`, [
        session,
        photo_id,
      ]),
      [],
      table,
    );
  await installation.query('delete from face_embeddings where session_id = $1', [session]);
  assert.deepEqual(await tablesNaming(installation, session), ['audit_log', 'erasures']);
  const audit = await installation.query('select action, photo_id from audit_log where session_id = $1 order by id', [
    session,
  ]);
  assert.deepEqual(audit, [
    { action: 'delete_photos', photo_id },
    { action: 'delete_session', photo_id: null },
  ]);
  assert.deepEqual(
    await installation.query('select photo_id from erasures where session_id = $1 order by id', [session]),
    [{ photo_id }, { photo_id: null }],
  );
  assert.deepEqual(await installation.damage(), []);
});

test('distinguishes sessions whose UUIDs differ only in case', async () => {
  const held = () => installation.query('select count(*) as rows from face_embeddings_backup_v1');
  const before = await held();
  const [answer] = await installation.query('select * from erase_session($1, $2)', [
    SPELT_OTHERWISE.toUpperCase(),
    'test',
  ]);
  assert.deepEqual(answer, { photos: '0', faces: '0' });
  assert.deepEqual(await held(), before);
});

test('rejects changes and deletions in the audit log', async () => {
  for (const sql of [`update audit_log set actor = 'nobody'`, 'delete from audit_log', 'truncate audit_log'])
    await assert.rejects(installation.query(sql), /append-only/, sql);
});

test('lets the API’s role index and erase, but not read backups or alter tables', async (t) => {
  if (installation.engine === 'embedded')
    return t.skip('needs PostgreSQL: the embedded database lets everyone in as its owner');
  const role = `facepass_test_${randomBytes(4).toString('hex')}`;
  await installation.administer(`create role ${role} login password '${role}'`);
  const url = Object.assign(new URL(installation.url), { username: role, password: role });
  const client = new pg.Client({ connectionString: url.href });
  try {
    await installation.migrate((migrator) => grantTo(migrator, role));
    await client.connect();
    assert.equal((await client.query('select schema_version() as version')).rows[0].version, 3);
    await client.query(`begin; select pg_advisory_xact_lock(hashtextextended('new', 7));
      insert into faces (session_id, photo_id, face_index, confidence, model_id, embedding) values ('new', 'p', 0, 0.9, 'arcface-1', '[1,0,0,0,0,0,0,0]');
      insert into sessions (session_id, photo_count, face_count, model_id) values ('new', 1, 1, 'arcface-1'); commit`);
    assert.equal(
      (await installation.query(`select from face_embeddings where session_id = 'new'`)).length,
      1,
      'the older API sees it',
    );
    assert.deepEqual((await client.query(`select * from erase_session('new', 'test')`)).rows, [
      { photos: '1', faces: '1' },
    ]);
    const refused = [
      'select * from face_embeddings_backup_v1',
      'select * from face_embeddings_quarantine',
      'create table mine (n integer)',
      'drop table faces',
      'alter table faces add n integer',
      'delete from audit_log',
      'delete from erasures',
      'delete from face_copies',
      `select erase_from_copies('x', null)`,
      'table schema_migrations',
    ];
    for (const sql of refused) await assert.rejects(client.query(sql), { code: '42501' }, sql);
  } finally {
    await client.end();
    await installation.administer(`drop owned by ${role}; drop role ${role}`);
  }
});

test('purge drops old backups and quarantines; a rollback then restores only what is served', async () => {
  const kept = () =>
    installation.query(`select table_name from face_copies where kind in ('backup', 'quarantine') order by 1`);
  await installation.migrate((client, context) => purge(client, { days: 1 }, context));
  assert.equal((await kept()).length, 2);
  await installation.query(`update face_copies set made_at = now() - interval '2 days'`);
  await installation.migrate((client, context) => purge(client, { days: 1 }, context));
  assert.deepEqual(await kept(), []);
  assert.deepEqual(await installation.damage(), []);
  const served = await installation.query('select photo_id, session_id from face_embeddings order by 1, 2');
  await installation.down(1);
  assert.deepEqual(
    await installation.query('select photo_id, session_id::text from face_embeddings order by 1, 2'),
    served,
  );
  await assert.rejects(
    installation.migrate((client, context) => purge(client, { days: 0 }, context)),
    /At schema 1/,
  );
});

async function migrated(): Promise<Installation> {
  const made = await createInstallation({ batchRows: 100 });
  await made.up({ to: 1 });
  await seedSchema1(made, 60, 8);
  await made.query('update face_embeddings set session_id = $1 where session_id = $2', [
    SPELT_OTHERWISE,
    '00000000-0000-4000-8000-000000000004',
  ]);
  await made.up();
  return made;
}

/** Tables in which some column of some row is `value`; partitions are told by their parent. */
async function tablesNaming(installation: Installation, value: string): Promise<string[]> {
  const tables = await installation.query(
    `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition order by 1`,
  );
  const found: string[] = [];
  for (const { name } of tables)
    if (
      (
        await installation.query(
          `select from "${name}" t where $1 in (select value from jsonb_each_text(to_jsonb(t))) limit 1`,
          [value],
        )
      ).length > 0
    )
      found.push(name);
  return found;
}
