import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { freePort } from '../../local/services.ts';
import { descendantsOf, type Server } from './servers.ts';

export interface PostgresServer extends Server, AsyncDisposable {
  /** Of a superuser. */
  url: string;
}

const CONNECTIONS = 40;
/** PostgreSQL refuses to run as root; this is `nobody`. */
const OWNER = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

/**
 * A PostgreSQL of its own in a directory of its own, gone when disposed of.
 * @param bin the folder of initdb and postgres, with pgvector beside them
 */
export async function startPostgres(bin: string): Promise<PostgresServer> {
  await using stack = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), 'facepass-soak-'));
  stack.defer(() => rmSync(directory, { recursive: true, force: true }));
  if (OWNER.uid !== undefined) chownSync(directory, OWNER.uid, OWNER.gid);
  const data = join(directory, 'data');
  const port = await freePort(0);
  const url = `postgres://facepass@127.0.0.1:${port}/postgres`;
  const initdb = spawn(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'facepass', '--auth=trust', '-E', 'UTF8', '--locale=C.UTF-8'],
    { ...OWNER, cwd: directory, stdio: 'ignore' },
  );
  const [code] = await once(initdb, 'exit');
  if (code !== 0) throw new Error(`initdb ended with ${code}`);
  const settings = [`port=${port}`, 'listen_addresses=127.0.0.1', `max_connections=${CONNECTIONS}`];
  settings.push(`unix_socket_directories=${directory}`);
  const args = ['-D', data, ...settings.flatMap((setting) => ['-c', setting])];
  let child: ChildProcess;
  const start = async () => {
    // The shared memory of one that was killed is in use until its last backend has noticed.
    for (;;) {
      child = spawn(join(bin, 'postgres'), args, { ...OWNER, cwd: directory, stdio: 'ignore' });
      const ended = once(child, 'exit');
      if (await Promise.race([ended.then(() => false), answers(url)])) return;
      await delay(50);
    }
  };
  const pids = () => descendantsOf(child.pid!);
  const kill = async () => {
    const ended = once(child, 'exit');
    for (const pid of pids()) signal(pid, 'SIGKILL');
    await ended;
  };
  await start();
  const killAll = () => pids().forEach((pid) => signal(pid, 'SIGKILL'));
  process.once('exit', killAll);
  stack.defer(async () => {
    process.off('exit', killAll);
    await kill();
  });
  const owned = stack.move();
  return {
    name: 'postgres',
    url,
    pids,
    kill,
    start,
    fill: () => takeConnections(url),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Sends a signal; a process that has ended meanwhile takes none. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function answers(url: string): Promise<true> {
  for (;;) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.end();
      return true;
    } catch {
      await delay(50);
    }
  }
}

/** Takes every connection that is free now or within a while. */
async function takeConnections(url: string): Promise<() => Promise<void>> {
  const taken: pg.Client[] = [];
  let over = false;
  const take = async () => {
    while (!over) {
      const client = new pg.Client({ connectionString: url, application_name: 'facepass-soak-filler' });
      client.on('error', () => undefined);
      await client.connect().then(
        () => taken.push(client),
        () => delay(50),
      );
    }
  };
  const taking = Promise.all([take(), take()]);
  return async () => {
    over = true;
    await taking;
    await Promise.all(taken.map((client) => client.end()));
  };
}
