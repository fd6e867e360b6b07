import { randomBytes } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { messageOf } from '../../services/runtime/errors.ts';
import { lockFile, SOCKET_NAME } from './embedded-database/database.ts';

/** The data of a local start: the database, its keys, the logs. Only the owner can read it. */
export interface DataDirectory extends Disposable {
  path: string;
  database: string;
  logs: string;
  /** Holds the sockets while Facepass runs. */
  sockets: string;
  development: Development;
  /**
   * Stores the address of the API, for the command line and for a second start, and the model pack that the data began
   * with.
   */
  announce(url: string, modelPack: string): void;
}

const development = z.object({
  api_key: z.string().min(16),
  search_token_secret: z.string().min(32),
  url: z.string().optional(),
  process_id: z.int().optional(),
  model_pack: z.string().optional(),
});

export type Development = z.infer<typeof development>;

/**
 * Opens `path`, and creates it if it does not exist.
 * @throws Error with the address if Facepass already runs on it; with the reason and a fix if it is not writable
 */
export async function openDataDirectory(path: string): Promise<DataDirectory> {
  using stack = new DisposableStack();
  const { logs, sockets } = stack.use(await occupy(path));
  const settings = readDevelopment(path) ?? {
    api_key: `fp_dev_${randomBytes(18).toString('base64url')}`,
    search_token_secret: randomBytes(32).toString('base64url'),
  };
  const owned = stack.move();
  return {
    path,
    database: join(path, 'database'),
    logs,
    sockets,
    development: settings,
    announce(url, modelPack) {
      Object.assign(settings, { url, process_id: process.pid, model_pack: settings.model_pack ?? modelPack });
      writeDevelopment(path, settings);
    },
    [Symbol.dispose]: () => owned.dispose(),
  };
}

/** Creates what is missing of the directory and locks it against other starts. */
async function occupy(path: string): Promise<Disposable & Pick<DataDirectory, 'logs' | 'sockets'>> {
  using stack = new DisposableStack();
  const logs = join(path, 'log');
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
    mkdirSync(logs, { recursive: true });
    stack.use(await lockFile(join(path, LOCK), 0));
    const sockets = makeSocketDirectory(path);
    stack.defer(() => rmSync(sockets, { recursive: true, force: true }));
    const owned = stack.move();
    return { logs, sockets, [Symbol.dispose]: () => owned.dispose() };
  } catch (error) {
    throw messageOf(error).endsWith('is locked by another process')
      ? secondStart(path)
      : unusable(path, error as Error);
  }
}

const LOCK = 'start.lock';

function settingsPath(path: string): string {
  return join(path, 'development.json');
}

function readDevelopment(path: string): Development | null {
  if (!existsSync(settingsPath(path))) return null;
  try {
    const parsed = development.safeParse(JSON.parse(readFileSync(settingsPath(path), 'utf8')));
    if (parsed.success) return parsed.data;
    throw new Error(z.prettifyError(parsed.error));
  } catch (cause) {
    throw new Error(
      `${settingsPath(path)}: ${messageOf(cause)}. Fix it, or delete it and start again: the index stays, and a new API key is created.`,
      { cause },
    );
  }
}

/** Writes a new file and renames it, so that a full disk or a kill leaves the old file intact. */
function writeDevelopment(path: string, settings: Development): void {
  const part = `${settingsPath(path)}.part`;
  try {
    writeFileSync(part, `${JSON.stringify(settings, null, 2)}\n`, { mode: 0o600 });
    renameSync(part, settingsPath(path));
  } catch (error) {
    throw unusable(path, error as Error);
  }
}

/** On a file system without locks, such as some network drives, SQLite reports the same error as for a held lock. */
function secondStart(path: string): Error {
  const running = readDevelopment(path);
  if (running?.url)
    return new Error(`Facepass is already running on ${path}: ${running.url} (process ${running.process_id}).`);
  return new Error(
    `${join(path, LOCK)} is locked: Facepass is already starting on ${path}. If it is not, the file system does not support locks; choose another directory with --data DIR.`,
  );
}

function unusable(path: string, cause: Error): Error {
  return new Error(
    `${path} is not usable as the data directory: ${cause.message}. Make it writable, free space on its disk, or choose another directory with --data DIR.`,
    { cause },
  );
}

/**
 * The path of a UNIX socket is limited to 103 bytes on macOS and 107 on Linux. If the path of the clone is long, the
 * sockets go to the temporary directory.
 */
function makeSocketDirectory(path: string): string {
  const inside = join(path, 'run');
  if (Buffer.byteLength(join(inside, SOCKET_NAME)) > 100) return mkdtempSync(join(tmpdir(), 'facepass-'));
  rmSync(inside, { recursive: true, force: true });
  mkdirSync(inside, { mode: 0o700 });
  return inside;
}
