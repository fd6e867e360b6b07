import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../../../scripts/checks/test-database.ts';
import { createMigratedDatabase, migrate } from '../../api/tests/service.ts';

const run = promisify(execFile);
const directory = mkdtempSync(join(tmpdir(), 'facepass-erasures-'));
after(() => rmSync(directory, { recursive: true }));

test('replay repeats the erasures made after a backup and keeps what was indexed again', async () => {
  await using database = await createMigratedDatabase();
  const list = join(directory, 'erasures.jsonl');
  const day = await withClient(database, async (query) => {
    for (const session of ['erased', 'photo-erased', 'kept', 'again', 'erased-before', 'swept'])
      await fill(query, session);
    await query(`select * from erase_session('erased-before', 'studio')`);
    const restore = await backUp(database);
    await query(`select * from erase_session('erased', 'studio')`);
    await query(`select * from erase_photo('photo-erased', 'b.jpg', 'studio')`);
    await query(`select * from erase_session('again', 'studio')`);
    await query(`select * from erase_session_part('swept', 'retention', 'expired', 100)`);
    assert.deepEqual(await facepass(database, 'export', list), { added: 5, listed: 5 });
    assert.deepEqual(await facepass(database, 'export', list), { added: 0, listed: 5 });
    return { restore, held: await photosOf(query) };
  });
  await using restored = await day.restore();
  await withClient(restored, async (query) => {
    assert.ok((await photosOf(query)).includes('erased/a.jpg'), 'the backup brought it back');
    await fill(query, 'again', ['new.jpg']);
    await fill(query, 'photo-erased', ['b.jpg', 'c.jpg']);
    assert.deepEqual(await facepass(restored, 'replay', list), { replayed: 4, known: 1, embeddings_removed: 6 });
    assert.deepEqual(await photosOf(query), [
      'again/new.jpg',
      'kept/a.jpg',
      'kept/b.jpg',
      'photo-erased/a.jpg',
      'photo-erased/b.jpg',
      'photo-erased/c.jpg',
    ]);
    assert.deepEqual(await facepass(restored, 'replay', list), { replayed: 0, known: 5, embeddings_removed: 0 });
    assert.match(await migrate(restored.url, 'verify'), /"msg":"ok"/);
  });
});

test('a session that was partly indexed again loses only the older photos', async () => {
  await using database = await createMigratedDatabase();
  const list = join(directory, 'part.jsonl');
  await withClient(database, async (query) => {
    await fill(query, 'wedding', ['old.jpg']);
    const [{ now }] = await query(
      `select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as now`,
    );
    writeFileSync(list, `${JSON.stringify({ session_id: 'wedding', photo_id: null, erased_at: now })}\n`);
    await fill(query, 'wedding', ['new.jpg']);
    assert.deepEqual(await facepass(database, 'replay', list), { replayed: 1, known: 0, embeddings_removed: 1 });
    assert.deepEqual(await photosOf(query), ['wedding/new.jpg']);
  });
});

test('export rewrites a line that a crash cut off; a damaged line in the middle ends the command with its number', async () => {
  await using database = await createMigratedDatabase();
  const list = join(directory, 'cut.jsonl');
  await withClient(database, async (query) => {
    await query(`select * from erase_session('a', 'studio')`);
    await facepass(database, 'export', list);
    await query(`select * from erase_photo('b', 'p', 'studio')`);
    appendFileSync(list, '{"session_id":"b","pho');
    assert.deepEqual(await facepass(database, 'export', list), { added: 1, listed: 2 });
    assert.equal(readFileSync(list, 'utf8').split('\n').length, 3);
    writeFileSync(list, `{"session_id":\n${readFileSync(list, 'utf8')}`);
    await assert.rejects(facepass(database, 'replay', list), /line 1: not an erasure/);
  });
});

async function facepass(database: TestDatabase, verb: string, file: string): Promise<unknown> {
  const main = join(import.meta.dirname, '../main.ts');
  const environment = { ...process.env, DATABASE_URL: database.url };
  const { stdout } = await run(process.execPath, [main, 'erasures', verb, '--file', file, '--json'], {
    env: environment,
  });
  return JSON.parse(stdout);
}

type Query = (sql: string, values?: unknown[]) => Promise<any[]>;

async function withClient<Result>(database: TestDatabase, work: (query: Query) => Promise<Result>): Promise<Result> {
  const pool = new pg.Pool({ connectionString: database.url, max: 1 });
  try {
    return await work(async (sql, values) => (await pool.query(sql, values)).rows);
  } finally {
    await pool.end();
  }
}

/** Indexes photos with one face each into a session, or indexes them again. */
async function fill(query: Query, session: string, photos = ['a.jpg', 'b.jpg']): Promise<void> {
  await query('delete from faces where session_id = $1 and photo_id = any($2)', [session, photos]);
  await query(
    `insert into faces (session_id, photo_id, face_index, confidence, model_id, embedding)
     select $1::text, photo, 0, 0.9, 'test-1', array_fill(1 / sqrt(atttypmod::float8), array[atttypmod])::halfvec
     from unnest($2::text[]) photo, pg_attribute where attrelid = 'faces'::regclass and attname = 'embedding'`,
    [session, photos],
  );
  await query(
    `insert into sessions (session_id, photo_count, face_count, model_id) select $1::text, count(distinct photo_id), count(*), 'test-1' from faces where session_id = $1::text
     on conflict (session_id) do update set photo_count = excluded.photo_count, face_count = excluded.face_count`,
    [session],
  );
}

async function photosOf(query: Query): Promise<string[]> {
  const rows = await query(
    `select session_id || '/' || photo_id as photo from faces order by (session_id || photo_id) collate "C"`,
  );
  return rows.map((row) => row.photo);
}

/** Backs up a database and returns the function that restores it into another one. */
async function backUp(database: TestDatabase): Promise<() => Promise<TestDatabase>> {
  return database.engine === 'postgresql' ? dump(database) : copyRows(database);
}

async function dump(database: TestDatabase): Promise<() => Promise<TestDatabase>> {
  const file = join(directory, 'backup.dump');
  await run(await serversOwn(database, 'pg_dump'), ['--format=custom', `--file=${file}`, database.url]);
  return async () => {
    const restored = await createTestDatabase();
    const options = ['--no-owner', '--no-comments', '--exit-on-error', `--dbname=${restored.url}`];
    await run(await serversOwn(database, 'pg_restore'), [...options, file]);
    return restored;
  };
}

/** pg_dump rejects a server newer than itself, so this takes the server's own. */
async function serversOwn(database: TestDatabase, program: string): Promise<string> {
  const client = new pg.Client({ connectionString: database.administratorUrl });
  await client.connect();
  try {
    const { rows } = await client.query(`select setting from pg_config where name = 'BINDIR'`);
    return join(rows[0].setting, program);
  } finally {
    await client.end();
  }
}

/** The embedded database has no pg_dump. */
async function copyRows(database: TestDatabase): Promise<() => Promise<TestDatabase>> {
  const tables = ['faces', 'sessions', 'erasures', 'audit_log'];
  const rows = await withClient(database, async (query) =>
    Promise.all(
      tables.map(
        async (table) => (await query(`select coalesce(json_agg(t), '[]')::text as held from ${table} t`))[0].held,
      ),
    ),
  );
  return async () => {
    const restored = await createMigratedDatabase();
    await withClient(restored, async (query) => {
      for (const [index, table] of tables.entries())
        await query(
          `insert into ${table} overriding system value select * from json_populate_recordset(null::${table}, $1)`,
          [rows[index]],
        );
      for (const table of ['erasures', 'audit_log'])
        await query(`select setval(pg_get_serial_sequence($1, 'id'), (select max(id) from ${table}))`, [table]);
    });
    return restored;
  };
}
