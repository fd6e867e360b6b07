import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seedSchema1 } from './contents.ts';
import { createInstallation } from './installation.ts';

/**
 * Damage, the check that must see it, and how to fix it. One face is of row 2, whose photo is photo-2 of the session
 * …0002.
 */
const FACE = `session_id = '00000000-0000-4000-8000-000000000002' and photo_id = 'photo-2'`;
const UNWATCHED = 'set session_replication_role = replica;'; // no trigger sees what follows
const DAMAGES: { check: RegExp; damage: string; fix: string }[] = [
  {
    check: /^schema_version/,
    damage: `create or replace function schema_version() returns integer language sql stable as 'select 2'`,
    fix: `create or replace function schema_version() returns integer language sql stable as 'select 3'`,
  },
  {
    check: /^tables of the schema/,
    damage: 'alter table erasures rename to erasures_gone',
    fix: 'alter table erasures_gone rename to erasures',
  },
  {
    check: /^sessions have the right/,
    damage: 'update sessions set face_count = face_count + 1',
    fix: 'update sessions set face_count = face_count - 1',
  },
  {
    check: /^sessions have the right/,
    damage:
      'create table gone as select * from sessions limit 1; delete from sessions where session_id in (select session_id from gone)',
    fix: 'insert into sessions select * from gone; drop table gone',
  },
  {
    check: /^vectors of faces/,
    damage: `${UNWATCHED} create table gone as select * from faces where ${FACE}; update faces set embedding = '[2,0,0,0,0,0,0,0]' where ${FACE}`,
    fix: `${UNWATCHED} update faces set embedding = gone.embedding from gone where faces.${FACE.replace('photo_id', 'faces.photo_id')}; drop table gone`,
  },
  {
    check: /^vectors of schema 2/,
    damage: `${UNWATCHED} create table gone as select * from face_embeddings where ${FACE}; update face_embeddings set embedding = '[0,0,0,0,0,0,0,0]' where ${FACE}`,
    fix: `${UNWATCHED} update face_embeddings set embedding = gone.embedding from gone where face_embeddings.id = gone.id; drop table gone`,
  },
  {
    check: /in sync$/,
    damage: `${UNWATCHED} create table gone as select * from faces where ${FACE}; delete from faces where ${FACE}`,
    fix: 'set session_replication_role = replica; insert into faces select * from gone; drop table gone',
  },
  {
    check: /^every row of the backup/,
    damage: `${UNWATCHED} create table gone as select * from face_embeddings where ${FACE}; delete from face_embeddings where ${FACE}`,
    fix: `${UNWATCHED} insert into face_embeddings select * from gone; drop table gone`,
  },
  {
    check: /^backups have the count and hash/,
    damage: `${UNWATCHED} update face_embeddings_backup_v1 set face_id = face_id + 1 where id = 3`,
    fix: `${UNWATCHED} update face_embeddings_backup_v1 set face_id = face_id - 1 where id = 3`,
  },
  {
    check: /^backups have the count and hash/,
    damage: `update face_copies set row_count = row_count + 1 where kind = 'backup'`,
    fix: `update face_copies set row_count = row_count - 1 where kind = 'backup'`,
  },
  {
    check: /^constraints are valid/,
    damage: 'alter table sessions add constraint named check (face_count < 1000000) not valid',
    fix: 'alter table sessions drop constraint named',
  },
  {
    check: /^every photo exists once in schema 2/,
    damage: 'alter table face_embeddings drop constraint face_embeddings_v2_photo_session_key',
    fix: 'alter table face_embeddings add constraint face_embeddings_v2_photo_session_key unique (photo_id, session_id)',
  },
  {
    check: /^every face exists once/,
    damage: 'alter table faces drop constraint faces_pkey',
    fix: 'alter table faces add primary key (session_id, photo_id, face_index)',
  },
  {
    check: /^indexes are valid/,
    damage: `update pg_index set indisvalid = false where indexrelid = 'sessions_expires_at_idx'::regclass`,
    fix: `update pg_index set indisvalid = true where indexrelid = 'sessions_expires_at_idx'::regclass`,
  },
  {
    check: /^faces has 64 partitions/,
    damage: 'alter table faces detach partition faces_07',
    fix: 'alter table faces attach partition faces_07 for values with (modulus 64, remainder 7)',
  },
  {
    check: /^faces has 64 partitions/,
    damage: 'create index wrong on faces_07 using hnsw (embedding halfvec_cosine_ops)',
    fix: 'drop index wrong',
  },
  {
    check: /^tables of the schema/,
    damage: 'alter table faces disable trigger note_deleted',
    fix: 'alter table faces enable trigger note_deleted',
  },
  {
    check: /^tables of the schema/,
    damage: 'alter table audit_log disable trigger audit_log_is_append_only',
    fix: 'alter table audit_log enable trigger audit_log_is_append_only',
  },
  {
    check: /^vectors of schema 2/,
    damage: `${UNWATCHED} update face_embeddings set embedding = (select array_agg(2 * n)::vector from unnest(embedding::real[]) n) where ${FACE}`,
    fix: `${UNWATCHED} update face_embeddings set embedding = normalised(embedding) where ${FACE}`,
  },
  {
    check: /^tables of the schema/,
    damage: 'drop index faces_session_id_idx',
    fix: 'create index faces_session_id_idx on faces (session_id)',
  },
  {
    check: /^tables of the schema/,
    damage: 'drop index face_embeddings_v2_embedding_ivfflat_idx',
    fix: 'create index face_embeddings_v2_embedding_ivfflat_idx on face_embeddings using ivfflat (embedding vector_cosine_ops) with (lists = 1)',
  },
  {
    check: /^tables of the schema/,
    damage: 'alter table face_embeddings_quarantine drop constraint face_embeddings_quarantine_pkey',
    fix: 'alter table face_embeddings_quarantine add primary key (id)',
  },
  {
    check: /^tables of the schema/,
    damage: 'alter table faces drop constraint faces_face_index_check',
    fix: 'alter table faces add check (face_index >= 0)',
  },
  {
    check: /^tables of the schema/,
    damage: 'alter table face_embeddings alter column confidence drop not null',
    fix: 'alter table face_embeddings alter column confidence set not null',
  },
  {
    check: /^tables of the schema/,
    damage: 'alter table sessions alter column last_indexed drop default',
    fix: 'alter table sessions alter column last_indexed set default now()',
  },
  {
    check: /^tables of the schema/,
    damage: 'create table gone as select * from face_embeddings_changes; drop table face_embeddings_changes',
    fix: 'create table face_embeddings_changes (session_id varchar(255), photo_id varchar(255), primary key (session_id, photo_id)); insert into face_embeddings_changes select * from gone; drop table gone',
  },
  {
    check: /^erasure reaches every table/,
    damage: 'create table forgotten as select * from face_embeddings',
    fix: 'drop table forgotten',
  },
  {
    check: /^security definer functions/,
    damage: 'grant execute on function note_change() to public',
    fix: 'revoke execute on function note_change() from public',
  },
  {
    check: /^security definer functions/,
    damage: `create function whoever() returns void language sql security definer as ''`,
    fix: 'drop function whoever',
  },
  {
    check: /^the catalogue lists/,
    damage: `insert into face_copies (table_name, kind, schema_version) values ('nowhere', 'kept', 2)`,
    fix: `delete from face_copies where table_name = 'nowhere'`,
  },
];

test('verify finds every kind of damage, and nothing after the fix', async (t) => {
  await using installation = await createInstallation({ batchRows: 100 });
  await installation.up({ to: 1 });
  await seedSchema1(installation, 60, 8);
  await installation.up();
  assert.deepEqual(await installation.damage(), []);
  for (const { check, damage, fix } of DAMAGES) {
    await t.test(damage, async () => {
      await installation.administer(damage);
      const found = await installation
        .damage()
        .catch((error: Error) => [{ check: error.message, damaged: 1, examples: [] }]);
      assert.ok(
        found.some((finding) => check.test(finding.check)),
        JSON.stringify(found),
      );
      await installation.administer(fix);
      assert.deepEqual(await installation.damage(), []);
    });
  }
});

for (const { layout, up, damage, part } of [
  {
    layout: 'schema 2',
    up: { to: 2 },
    damage: 'drop index face_embeddings_v2_embedding_ivfflat_idx',
    part: 'face_embeddings: index ivfflat (embedding vector_cosine_ops)',
  },
  {
    layout: 'a contracted schema 3',
    up: { contract: true },
    damage: 'alter table sessions drop constraint sessions_pkey',
    part: 'sessions: constraint PRIMARY KEY (session_id)',
  },
])
  test(`verify names what ${layout} lacks`, async () => {
    await using installation = await createInstallation({ batchRows: 100 });
    await installation.up({ to: 1 });
    await installation.up(up);
    assert.deepEqual(await installation.damage(), []);
    await installation.query(damage);
    assert.deepEqual(
      (await installation.damage()).map(({ examples }) => examples),
      [[part]],
    );
  });
