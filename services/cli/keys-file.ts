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
import { fileProblem } from './file-problem.ts';

/** Reads the keys file; empty if there is no file yet. @throws Failure if it is unreadable */
export function readKeysFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw new Failure(EXIT.usage, `${path} ${fileProblem(error)}.`);
  }
}

/**
 * Replaces the text of the keys file by what `change` returns. The change is atomic, and only one process at a time can
 * make it, because it creates `PATH.new` exclusively. Only the owner can read a new file; an existing file keeps its
 * owner and mode.
 * @throws Failure if another process is changing the file, or the folder is not writable
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
    const { code } = error as NodeJS.ErrnoException;
    throw new Failure(
      EXIT.usage,
      code === 'EEXIST'
        ? `${path} exists: another \`facepass keys\` is running or was killed. Delete the file if none is running.`
        : code === 'ENOENT'
          ? `The folder of ${path} does not exist. Create it, or name another file.`
          : `${path} ${fileProblem(error)}. Choose a folder that this user can write to.`,
    );
  }
}

function keepOwner(path: string, { uid, gid, mode }: Stats): void {
  if (process.getuid?.() === 0) chownSync(path, uid, gid);
  chmodSync(path, mode & 0o777);
}
