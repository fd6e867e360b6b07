import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { lockFile, SOCKET_NAME } from '../embedded-database/database.ts';

/** What a local start keeps: the database, its keys, the logs. Nobody but the owner may look inside. */
export interface DataDirectory extends Disposable {
  path: string;
  database: string;
  logs: string;
  /** Holds the sockets while Facepass runs. */
  sockets: string;
  development: Development;
  /** Writes down where the API answers, for the command line and for a second start. */
  announce(url: string): void;
}

const development = z.object({
  api_key: z.string().min(16),
  search_token_secret: z.string().min(32),
  url: z.string().optional(),
  process_id: z.int().optional(),
});

export type Development = z.infer<typeof development>;

/**
 * Opens `path`, making it where it is not there.
 * @throws Error when Facepass runs on it already; the message says where.
 */
export async function openDataDirectory(path: string): Promise<DataDirectory> {
  using stack = new DisposableStack();
  mkdirSync(path, { recursive: true, mode: 0o700 });
  stack.use(await lockFile(join(path, 'start.lock'), 0).catch(() => refuseSecondStart(path)));
  const settings = readDevelopment(path) ?? { api_key: `fp_dev_${randomBytes(18).toString('base64url')}`, search_token_secret: randomBytes(32).toString('base64url') };
  const write = () => writeFileSync(settingsPath(path), `${JSON.stringify(settings, null, 2)}\n`, { mode: 0o600 });
  const logs = join(path, 'log');
  mkdirSync(logs, { recursive: true });
  const sockets = makeSocketDirectory(path);
  stack.defer(() => rmSync(sockets, { recursive: true, force: true }));
  const owned = stack.move();
  return {
    path,
    database: join(path, 'database'),
    logs,
    sockets,
    development: settings,
    announce(url) {
      Object.assign(settings, { url, process_id: process.pid });
      write();
    },
    [Symbol.dispose]: () => owned.dispose(),
  };
}

function settingsPath(path: string): string {
  return join(path, 'development.json');
}

function readDevelopment(path: string): Development | null {
  if (!existsSync(settingsPath(path))) return null;
  const parsed = development.safeParse(JSON.parse(readFileSync(settingsPath(path), 'utf8')));
  if (!parsed.success) throw new Error(`${settingsPath(path)}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

function refuseSecondStart(path: string): never {
  const running = readDevelopment(path);
  throw new Error(`Facepass runs already on ${path}${running?.url ? `: ${running.url} (process ${running.process_id})` : ''}.`);
}

/** The path of a UNIX socket may have 103 bytes on macOS, 107 on Linux: a long clone path sends the sockets to the temporary directory. */
function makeSocketDirectory(path: string): string {
  const inside = join(path, 'run');
  if (Buffer.byteLength(join(inside, SOCKET_NAME)) > 100) return mkdtempSync(join(tmpdir(), 'facepass-'));
  rmSync(inside, { recursive: true, force: true });
  mkdirSync(inside, { mode: 0o700 });
  return inside;
}
