import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePort } from '../../../scripts/local/services.ts';

/** `nobody`, whom files may be closed to also where the tests run as root. */
export const OTHER_USER = process.getuid?.() === 0 ? 65_534 : undefined;

export interface TestRedis extends AsyncDisposable {
  port: number;
}

/** Why there is no redis-server here, or false. */
export const noRedis = spawnSync('redis-server', ['--version']).error ? 'needs redis-server' : false;

/** A redis-server of its own, which answers; `options` are its command-line options. */
export async function startRedis(...options: string[]): Promise<TestRedis> {
  const port = await freePort(0);
  const child = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', ...options], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let log = '';
  child.stdout.on('data', (text) => (log += text));
  while (!log.includes('Ready to accept connections')) await delay(5);
  return {
    port,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}

export interface PasswordServer extends AsyncDisposable {
  /** Its superuser's URL. */
  url: string;
}

/**
 * A PostgreSQL server of its own that asks for passwords, from the programs of the server that `anotherUrl` names; null
 * where those are not on this machine.
 */
export async function startPasswordServer(anotherUrl: string): Promise<PasswordServer | null> {
  const programs = await programsOf(anotherUrl);
  if (!programs) return null;
  await using stack = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), 'facepass-'));
  stack.defer(() => rmSync(directory, { recursive: true, force: true }));
  if (OTHER_USER) chownSync(directory, OTHER_USER, OTHER_USER);
  const passwordFile = join(directory, 'password');
  writeFileSync(passwordFile, 'the right one\n', { mode: 0o644 });
  const port = await freePort(0);
  const data = join(directory, 'data');
  const run = (program: string, ...args: string[]) =>
    promisify(execFile)(join(programs, program), args, { uid: OTHER_USER, gid: OTHER_USER, cwd: directory });
  await run('initdb', '-D', data, '-U', 'facepass', '--auth=scram-sha-256', `--pwfile=${passwordFile}`, '-N');
  await run(
    'pg_ctl',
    '-D',
    data,
    '-w',
    '-l',
    join(directory, 'log'),
    '-o',
    `-p ${port} -h 127.0.0.1 -k ${directory} -F`,
    'start',
  );
  stack.defer(async () => void (await run('pg_ctl', '-D', data, '-m', 'immediate', 'stop')));
  const owned = stack.move();
  return {
    url: `postgres://facepass:the%20right%20one@127.0.0.1:${port}/postgres`,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function programsOf(url: string): Promise<string | null> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query(`select setting from pg_config where name = 'BINDIR'`);
    return existsSync(join(rows[0].setting, 'initdb')) ? rows[0].setting : null;
  } finally {
    await client.end();
  }
}
