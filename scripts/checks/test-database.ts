import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { createDatabaseDirectory, databaseUrl, lockFile } from '../local/embedded-database/database.ts';

export interface TestDatabase extends AsyncDisposable {
  /**
   * Of the database's owner, which is no superuser: such is the migrator's role where PostgreSQL is managed by others.
   */
  url: string;
  /** Of a role that may create roles. */
  administratorUrl: string;
  /**
   * `embedded` is one backend: two transactions cannot be open at a time, and session advisory locks exclude nobody.
   */
  engine: 'postgresql' | 'embedded';
}

/**
 * An empty database for one test file, gone when disposed of: on the server of FACEPASS_TEST_DATABASE_URL where that is
 * set (its role must be a superuser), else an embedded one in a process of its own, whose encoding is always UTF8.
 */
export async function createTestDatabase({ encoding }: { encoding?: string } = {}): Promise<TestDatabase> {
  const server = process.env['FACEPASS_TEST_DATABASE_URL'];
  return server ? createOnServer(server, encoding) : createEmbedded();
}

async function createOnServer(server: string, encoding: string | undefined): Promise<TestDatabase> {
  const name = `facepass_test_${randomBytes(6).toString('hex')}`;
  const password = randomBytes(12).toString('hex');
  await runSql(server, `create role ${name} login nosuperuser password '${password}'`);
  const made = encoding ? ` encoding '${encoding}' locale 'C' template template0` : '';
  await runSql(server, `create database ${name}${made}`);
  const administratorUrl = Object.assign(new URL(server), { pathname: `/${name}` }).href;
  await runSql(administratorUrl, `create extension vector; grant ${name} to current_user`);
  await runSql(administratorUrl, `alter database ${name} owner to ${name}`);
  return {
    url: Object.assign(new URL(administratorUrl), { username: name, password }).href,
    administratorUrl,
    engine: 'postgresql',
    async [Symbol.asyncDispose]() {
      await runSql(server, `drop database ${name} with (force)`);
      await runSql(server, `drop role ${name}`);
    },
  };
}

/** Runs statements on a connection of their own. */
export async function runSql(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

async function createEmbedded(): Promise<TestDatabase> {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'facepass-'));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  await cp(await emptyDatabase(), join(directory, 'data'), { recursive: true, mode: constants.COPYFILE_FICLONE });
  const child = spawn(
    process.execPath,
    [
      '--import',
      END_WITH_PARENT,
      DATABASE_MAIN,
      '--directory',
      join(directory, 'data'),
      '--socket-directory',
      directory,
    ],
    { stdio: ['ignore', 'pipe', 'inherit', 'pipe'] },
  );
  stack.defer(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill();
    await once(child, 'exit');
  });
  const firstLine = await Promise.race([once(createInterface(child.stdout as Readable), 'line'), once(child, 'exit')]);
  if (typeof firstLine[0] !== 'string' || !firstLine[0].includes('serving'))
    throw new Error('the embedded database did not start');
  const owned = stack.move();
  return {
    url: databaseUrl(directory),
    administratorUrl: databaseUrl(directory),
    engine: 'embedded',
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const DATABASE_MAIN = join(import.meta.dirname, '../local/embedded-database/main.ts');
const END_WITH_PARENT = pathToFileURL(join(import.meta.dirname, '../local/end-with-parent.ts')).href;

/** Making an empty database takes 3 s of CPU, copying one 0.1 s: it is made once for each installation. */
async function emptyDatabase(): Promise<string> {
  const cache = join(import.meta.dirname, '../../node_modules/.cache/facepass');
  await mkdir(cache, { recursive: true });
  using _lock = await lockFile(join(cache, 'empty-database.lock'), 60_000);
  const directory = join(cache, 'empty-database');
  await createDatabaseDirectory(directory);
  return directory;
}
