import { createHash } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, truncateSync, writeSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import * as z from 'zod';
import type { PhotoFile } from './photos.ts';

/**
 * The photos of one folder that the service has acknowledged for one session, so that an interrupted run can resume.
 */
export interface Journal extends Disposable {
  path: string;
  /** Faces of the acknowledged photo; null if it was not acknowledged or has changed since. */
  facesOf(photo: PhotoFile): number | null;
  /** Number of acknowledged photos with faces. */
  photosWithFaces: number;
  /** Call it after the service's answer, never before. */
  add(photo: PhotoFile, faces: number): void;
  /** Forgets everything. */
  clear(): void;
}

const line = z.object({ photo_id: z.string(), size: z.int(), modified_ms: z.int(), faces: z.int() });
type Line = z.infer<typeof line>;

/**
 * Opens the journal of `directory` for `session` at the service `url`. It has one line per acknowledged photo and
 * ignores a line that a kill cut off.
 */
export function openJournal(url: string, session: string, directory: string, environment = process.env): Journal {
  const path = join(sessionState(url, session, environment), `${digestOf(resolve(directory))}.jsonl`);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const acknowledged = readLines(path);
  const file = openSync(path, 'a', 0o600);
  // A cut line must not swallow the one that follows it.
  writeSync(file, '\n');
  return {
    path,
    facesOf({ photoId, size, modifiedMs }) {
      const known = acknowledged.get(photoId);
      return known && known.size === size && known.modified_ms === modifiedMs ? known.faces : null;
    },
    photosWithFaces: [...acknowledged.values()].filter(({ faces }) => faces > 0).length,
    add({ photoId, size, modifiedMs }, faces) {
      const added: Line = { photo_id: photoId, size, modified_ms: modifiedMs, faces };
      writeSync(file, `${JSON.stringify(added)}\n`);
      acknowledged.set(photoId, added);
    },
    clear() {
      acknowledged.clear();
      truncateSync(path);
    },
    [Symbol.dispose]: () => closeSync(file),
  };
}

/** Deletes the journals of an erased session. */
export function forgetSession(url: string, session: string, environment = process.env): void {
  rmSync(sessionState(url, session, environment), { recursive: true, force: true });
}

/** The folder of the journals (XDG base directory specification). */
export function stateDirectory(environment = process.env): string {
  return join(environment['XDG_STATE_HOME'] || join(homedir(), '.local/state'), 'facepass');
}

function sessionState(url: string, session: string, environment: NodeJS.ProcessEnv): string {
  return join(stateDirectory(environment), digestOf(`${url}\0${session}`));
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 24);
}

function readLines(path: string): Map<string, Line> {
  const lines = new Map<string, Line>();
  if (!existsSync(path)) return lines;
  for (const text of readFileSync(path, 'utf8').split('\n')) {
    const parsed = parseLine(text);
    if (parsed) lines.set(parsed.photo_id, parsed);
  }
  return lines;
}

function parseLine(text: string): Line | null {
  try {
    return line.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
