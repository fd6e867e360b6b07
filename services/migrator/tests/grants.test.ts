import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import pg from 'pg';
import { grantTo } from '../grant.ts';
import { seedSchema1 } from './contents.ts';
import { createInstallation, type Installation } from './installation.ts';

const NO_SERVER = process.env['FACEPASS_TEST_DATABASE_URL']
  ? false
  : 'needs PostgreSQL (FACEPASS_TEST_DATABASE_URL): the embedded database lets everyone in as its owner';

test('roles with rights on face_embeddings keep them at every schema, and get none on the backup', async () => {
  await using installation = await createInstallation();
  await using role = await newRole(installation);
  const may = async (table: string) =>
    (
      await installation.query(
        `select array(select p from unnest(array['select', 'insert', 'update', 'delete']) p where has_table_privilege($1, $2, p)) as granted`,
        [role.name, table],
      )
    )[0].granted;
  await installation.up({ to: 1 });
  await installation.query(`grant select, insert, delete on face_embeddings to ${role.name}`);
  await installation.up();
  assert.deepEqual(await may('face_embeddings'), ['select', 'insert', 'delete']);
  for (const copy of ['face_embeddings_backup_v1', 'face_embeddings_quarantine', 'faces'])
    assert.deepEqual(await may(copy), [], copy);
  await installation.up({ contract: true });
  await installation.down(2);
  assert.deepEqual(await may('face_embeddings'), ['select', 'insert', 'delete'], 'the table that was made anew');
  await installation.down(1);
  assert.deepEqual(await may('face_embeddings'), ['select', 'insert', 'delete']);
});

test('the newer API’s role keeps its rights after a rollback and another migration', async () => {
  await using installation = await createInstallation();
  await using role = await newRole(installation);
  await installation.up();
  await installation.migrate((client) => grantTo(client, role.name));
  await installation.down(2);
  await installation.up();
  const [rights] = await installation.query(
    `select has_table_privilege($1, 'faces', 'select, insert, delete') as faces, has_function_privilege($1, 'erase_session(text, text)', 'execute') as session,
            has_function_privilege($1, 'erase_photo(text, text, text)', 'execute') as photo`,
    [role.name],
  );
  assert.deepEqual(rights, { faces: true, session: true, photo: true });
});

test('a role without rights cannot misuse the trigger functions to write', { skip: NO_SERVER }, async () => {
  await using installation = await createInstallation({ batchRows: 100 });
  await installation.up({ to: 1 });
  await seedSchema1(installation, 20, 8);
  await installation.up();
  await using role = await newRole(installation);
  const functions = await installation.query(
    `select p.oid::regprocedure::text as name from pg_proc p where prosecdef and prorettype = 'trigger'::regtype and pronamespace = 'public'::regnamespace order by 1`,
  );
  assert.ok(functions.length >= 5, JSON.stringify(functions));
  const client = new pg.Client({ connectionString: role.url });
  await client.connect();
  try {
    await client.query(
      'create temporary table written (entry bigint, written_in name, session_ids text[], photo_ids text[], session_id text, photo_id text)',
    );
    for (const { name } of functions)
      await assert.rejects(
        client.query(`create trigger mine after insert on written for each row execute function ${name}`),
        { code: '42501' },
        name,
      );
  } finally {
    await client.end();
  }
});

/** A role that may log in and nothing else; dropped when disposed of. */
async function newRole(installation: Installation): Promise<AsyncDisposable & { name: string; url: string }> {
  const name = `facepass_test_${randomBytes(4).toString('hex')}`;
  await installation.administer(`create role ${name} login password '${name}'`);
  return {
    name,
    url: Object.assign(new URL(installation.url), { username: name, password: name }).href,
    [Symbol.asyncDispose]: () => installation.administer(`drop owned by ${name}; drop role ${name}`),
  };
}
