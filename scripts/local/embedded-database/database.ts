import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { PGlite } from '@electric-sql/pglite';
import { vector } from '@electric-sql/pglite-pgvector';
import { messageOf } from '../../../services/runtime/errors.ts';
import { serveDatabase } from './server.ts';

/** PostgreSQL clients find a UNIX socket by its directory and port. */
export const SOCKET_NAME = '.s.PGSQL.5432';

/** The address by which PostgreSQL clients reach the database that listens in `socketDirectory`. */
export function databaseUrl(socketDirectory: string): string {
  return `postgresql://postgres@localhost:5432/postgres?host=${encodeURIComponent(socketDirectory)}`;
}

/**
 * Opens the PostgreSQL data directory `directory`, making it first when it is not there, and serves it in
 * `socketDirectory`.
 * @throws Error when another process has the directory open and does not let go within ten seconds.
 */
export async function startEmbeddedDatabase(options: {
  directory: string;
  socketDirectory: string;
}): Promise<AsyncDisposable> {
  const { directory, socketDirectory } = options;
  await using stack = new AsyncDisposableStack();
  await mkdir(dirname(directory), { recursive: true });
  await mkdir(socketDirectory, { recursive: true, mode: 0o700 });
  stack.use(await lockFile(`${directory}.lock`));
  await createDatabaseDirectory(directory);
  const backend = await PGlite.create({ dataDir: directory, extensions: { vector } });
  stack.defer(() => backend.close());
  const socketPath = join(socketDirectory, SOCKET_NAME);
  await rm(socketPath, { force: true });
  stack.use(await serveDatabase(backend, socketPath));
  return stack.move();
}

/** Makes an empty database in `directory` unless there is one. Killed half-way, it leaves nothing under that name. */
export async function createDatabaseDirectory(directory: string): Promise<void> {
  if (existsSync(directory)) return;
  const unfinished = `${directory}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  const backend = await PGlite.create({ dataDir: unfinished, extensions: { vector } });
  await backend.close();
  await rename(unfinished, directory);
}

/** An exclusive lock that the kernel gives back however the process ends: SQLite holds it, since Node has no flock. */
export async function lockFile(path: string, waitMs = 10_000): Promise<Disposable> {
  const giveUpAt = Date.now() + waitMs;
  for (;;) {
    const file = new DatabaseSync(path);
    try {
      file.exec('begin exclusive');
      return { [Symbol.dispose]: () => file.close() };
    } catch (error) {
      file.close();
      if (!/database is locked/.test(messageOf(error))) throw error;
      if (Date.now() > giveUpAt) throw new Error(`${path} is locked by another process`);
    }
    await delay(100);
  }
}
