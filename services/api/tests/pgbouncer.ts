import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { OTHER_USER } from '../../cli/tests/servers.ts';
import { freePort } from '../../../scripts/local/services.ts';

/** Debian keeps it where only root looks. */
const PATH = `${process.env['PATH']}:/usr/sbin`;

/** Why there is no PgBouncer in front of a PostgreSQL here, or false. */
export const noPgbouncer = !process.env['FACEPASS_TEST_DATABASE_URL']
  ? 'needs FACEPASS_TEST_DATABASE_URL: the embedded database listens on no port'
  : spawnSync('pgbouncer', ['--version'], { env: { PATH } }).error
    ? 'needs pgbouncer'
    : false;

export interface PgBouncer extends AsyncDisposable {
  /** The database's, by way of the pooler. */
  url: string;
}

/** A PgBouncer with the settings of its package in front of the database at `url`; `settings` are lines of its file. */
export async function startPgBouncer(url: string, settings: Record<string, string>): Promise<PgBouncer> {
  const { hostname, port: serverPort, username, password, pathname } = new URL(url);
  await using stack = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), 'facepass-'));
  stack.defer(() => rmSync(directory, { recursive: true, force: true }));
  chmodSync(directory, 0o755);
  const port = await freePort(0);
  const users = join(directory, 'users');
  writeFileSync(users, `"${username}" "${decodeURIComponent(password)}"\n`);
  const lines = { listen_addr: '127.0.0.1', listen_port: port, unix_socket_dir: '', auth_type: 'plain', ...settings };
  const file = join(directory, 'pgbouncer.ini');
  writeFileSync(
    file,
    [
      `[databases]\n* = host=${hostname} port=${serverPort}\n[pgbouncer]\nauth_file = ${users}`,
      ...Object.entries(lines).map(([name, value]) => `${name} = ${value}`),
    ].join('\n'),
  );
  const child = spawn('pgbouncer', [file], {
    env: { PATH },
    uid: OTHER_USER,
    gid: OTHER_USER,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  stack.defer(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  await new Promise<void>((resolve, reject) => {
    createInterface(child.stderr).on('line', (line) => line.includes('process up') && resolve());
    child.once('exit', (code) => reject(new Error(`pgbouncer ended with ${code}`)));
  });
  const owned = stack.move();
  return {
    url: `postgres://${username}:${password}@127.0.0.1:${port}${pathname}`,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
