import {
  chmodSync,
  chownSync,
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  type Stats,
} from 'node:fs';
import { EXIT, Failure } from './failures.ts';

/** The keys file's text, empty where there is no file yet. @throws Failure when it cannot be read. */
export function readKeysFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw new Failure(EXIT.usage, (error as Error).message);
  }
}

/**
 * Replaces the keys file by what `change` makes of its text: whole or not at all, and by one process at a time, since
 * its successor `PATH.new` may be made only once. A new file is for its owner alone; an old one keeps its owner and
 * mode.
 * @throws Failure when another process is at it, or the folder cannot be written.
 */
export function changeKeysFile(path: string, change: (text: string) => string): void {
  const target = resolveLink(path);
  const successor = `${target}.new`;
  const file = openSuccessor(successor);
  try {
    const before = statSync(target, { throwIfNoEntry: false });
    writeFileSync(file, change(readKeysFile(target)));
    fsyncSync(file);
    if (before) keepOwner(successor, before);
    renameSync(successor, target);
  } catch (error) {
    rmSync(successor, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
}

/** A link stays a link. */
function resolveLink(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function openSuccessor(path: string): number {
  try {
    return openSync(path, 'wx', 0o600);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Failure(
      EXIT.usage,
      code === 'EEXIST'
        ? `${path} exists: another \`facepass keys\` is at work, or was killed; remove the file if none is.`
        : message,
    );
  }
}

function keepOwner(path: string, { uid, gid, mode }: Stats): void {
  if (process.getuid?.() === 0) chownSync(path, uid, gid);
  chmodSync(path, mode & 0o777);
}
