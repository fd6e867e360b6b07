import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { databaseUrl, lockFile, SOCKET_NAME, startEmbeddedDatabase } from './database.ts';

let scratch: string;
let directory: string;
let database: AsyncDisposable;

before(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'facepass-'));
  directory = join(scratch, 'data');
  database = await startEmbeddedDatabase({ directory, socketDirectory: scratch });
});
after(async () => {
  await database[Symbol.asyncDispose]();
  await rm(scratch, { recursive: true });
});

test('four clients with large parameters never get into each other’s statements', async () => {
  await Promise.all(
    Array.from({ length: 4 }, async (_, client) => {
      await using connection = await connect();
      for (let i = 0; i < 40; i++) {
        const text = `${client}-${i} `.repeat((i * 7919) % 60_000);
        const statement: [string, unknown[]] =
          client % 2 ? ['select $1::text as text', [text]] : ['select $1::int as i, $2::text as text', [i, text]];
        const { rows } = await connection.client.query(...statement);
        assert.equal(rows[0].text, text);
      }
    }),
  );
});

test('an open transaction has the database alone, and a client that breaks off is rolled back', async () => {
  await using first = await connect();
  await using second = await connect();
  await first.client.query('create table notes (note text)');
  await first.client.query('begin');
  await first.client.query("insert into notes values ('unfinished')");
  const counted = second.client.query('select count(*)::int as notes from notes');
  await first.client.query("insert into notes values ('unfinished too')");
  first.client.on('error', () => undefined);
  breakOff(first.client);
  assert.deepEqual((await counted).rows, [{ notes: 0 }]);
});

test('an error inside a transaction keeps the turn until the rollback, and the next client goes on', async () => {
  await using first = await connect();
  await using second = await connect();
  await first.client.query('begin');
  await assert.rejects(first.client.query('select 1 / 0'), /division by zero/);
  const waiting = second.client.query('select 1 as one');
  await assert.rejects(first.client.query('select 1'), /current transaction is aborted/);
  await first.client.query('rollback');
  assert.deepEqual((await waiting).rows, [{ one: 1 }]);
});

test('supports vectors of half precision', async () => {
  await using connection = await connect();
  await connection.client.query('create extension if not exists vector');
  const { rows } = await connection.client.query("select '[1,0]'::halfvec(2) <#> '[0.5,0]'::halfvec(2) as distance");
  assert.equal(rows[0].distance, -0.5);
});

test('settings of a session are reset when the last client disconnects', async () => {
  {
    await using connection = await connect();
    await connection.client.query("set statement_timeout = '7s'; select pg_advisory_lock(1)");
  }
  await using connection = await connect();
  const { rows } = await connection.client.query(
    "select current_setting('statement_timeout') as timeout, (select count(*)::int from pg_locks where locktype = 'advisory') as locks",
  );
  assert.deepEqual(rows, [{ timeout: '0', locks: 0 }]);
});

test('invalid protocol bytes end only their connection', async () => {
  const socket = createConnection(join(scratch, SOCKET_NAME));
  socket.end(Buffer.from('\x7f\x7f\x7f\x7fGET / HTTP/1.1\r\n\r\n'));
  await once(socket.resume(), 'close');
  await using connection = await connect();
  assert.equal((await connection.client.query('select 1')).rowCount, 1);
});

test('committed rows are there after the process was killed, and a second process is kept out while the first lives', async () => {
  const killed = { directory: join(scratch, 'killed'), socketDirectory: join(scratch, 'killed-socket') };
  const main = join(import.meta.dirname, 'main.ts');
  const process_ = spawn(process.execPath, [
    main,
    '--directory',
    killed.directory,
    '--socket-directory',
    killed.socketDirectory,
  ]);
  await once(process_.stdout, 'data');
  await assert.rejects(lockFile(`${killed.directory}.lock`, 0), /locked by another process/);
  const client = new pg.Client({ connectionString: databaseUrl(killed.socketDirectory) });
  client.on('error', () => undefined);
  await client.connect();
  await client.query('create table kept (n int)');
  for (let n = 0; n < 50; n++) await client.query('insert into kept values ($1)', [n]);
  process_.kill('SIGKILL');
  await once(process_, 'exit');
  await using _again = await startEmbeddedDatabase(killed);
  await using connection = await connect(killed.socketDirectory);
  assert.deepEqual((await connection.client.query('select count(*)::int as n from kept')).rows, [{ n: 50 }]);
});

async function connect(socketDirectory = scratch) {
  const client = new pg.Client({ connectionString: databaseUrl(socketDirectory) });
  await client.connect();
  return { client, [Symbol.asyncDispose]: () => client.end() };
}

function breakOff(client: pg.Client): void {
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
}
