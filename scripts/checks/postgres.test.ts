import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { runSql } from './test-database.ts';
import { startPostgres, type TestServer } from './postgres.ts';

async function begin(): Promise<TestServer | string> {
  return startPostgres(() => undefined).catch((error: Error) => error.message);
}

async function answers(url: string): Promise<boolean> {
  return runSql(url, 'select 1').then(
    () => true,
    () => false,
  );
}

test('the tests get a PostgreSQL that knows vectors, and that is gone afterwards', async (t) => {
  const server = await begin();
  if (typeof server === 'string') return t.skip(server);
  {
    await using _server = server;
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    await client.query('create extension vector');
    const { rows } = await client.query(`select current_setting('server_version_num')::int as version`);
    await client.end();
    assert.ok(rows[0].version >= 160_000);
  }
  assert.equal(await answers(server.url), false);
});

test('a PostgreSQL for the tests ends with the process that started it, also when that is killed', async (t) => {
  const program = `
    const { startPostgres } = await import(${JSON.stringify(join(import.meta.dirname, 'postgres.ts'))});
    console.log((await startPostgres(() => undefined).catch((error) => ({ url: error.message }))).url);
    setInterval(() => undefined, 1000);`;
  const starter = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [url] = (await once(createInterface(starter.stdout), 'line')) as [string];
  const isUrl = url.startsWith('postgres:');
  if (isUrl) assert.equal(await answers(url), true);
  starter.kill('SIGKILL');
  await once(starter, 'exit');
  if (!isUrl) return t.skip(url);
  while (await answers(url)) await delay(50);
});
