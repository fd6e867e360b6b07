import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../../..');

interface LockEntry {
  version?: string;
  dependencies?: Record<string, string>;
  bin?: object;
}

/**
 * A clone whose lock file asks for `names` and what they depend on, of our own lock file, and whose scripts/start
 * installs that as ours does, and then prints `works`.
 */
export function makeSmallClone(folder: string, names: string[]): void {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const locked: Record<string, LockEntry> = lock.packages;
  const dependencies = Object.fromEntries(names.map((name) => [name, locked[`node_modules/${name}`]!.version!]));
  const packages: Record<string, LockEntry> = {};
  const waiting = names.map((name) => `node_modules/${name}`);
  for (let place = waiting.pop(); place; place = waiting.pop()) {
    if (packages[place]) continue;
    packages[place] = locked[place]!;
    for (const name of Object.keys(locked[place]!.dependencies ?? {})) waiting.push(placeOf(name, place, locked));
  }
  const manifest = { name: 'small', version: '1.0.0', dependencies };
  mkdirSync(join(folder, 'scripts/local'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  writeFileSync(
    join(folder, 'package-lock.json'),
    JSON.stringify({ ...manifest, lockfileVersion: 3, requires: true, packages: { '': manifest, ...packages } }),
  );
  for (const name of ['install.sh', 'installed.mjs', 'addresses.mjs'])
    cpSync(join(root, 'scripts/local', name), join(folder, 'scripts/local', name));
  const start = `#!/bin/sh
set -eu
root="$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)"
scope=running
. "$root/scripts/local/install.sh"
"$node" -e 'for (const name of process.argv.slice(1)) require(name); console.log("works")' ${names.filter((name) => name !== 'node').join(' ')}
`;
  writeFileSync(join(folder, 'scripts/start'), start, { mode: 0o755 });
}

/** Where Node finds `name` from the package at `place`: the nearest node_modules upwards. */
function placeOf(name: string, place: string, locked: Record<string, LockEntry>): string {
  for (let folder = `${place}/`; ; folder = folder.slice(0, folder.lastIndexOf('node_modules/'))) {
    const path = `${folder}node_modules/${name}`;
    if (locked[path]) return path;
    if (!folder) throw new Error(`${name}, which ${place} needs, is not in the lock file`);
  }
}

/** Files that an install leaves, with their sizes; our stamp and npm's own notes apart. */
export function filesOf(folder: string): Record<string, number> {
  const paths = globSync('node_modules/**/*', { cwd: folder }).filter((path) => statSync(join(folder, path)).isFile());
  return Object.fromEntries(paths.sort().map((path) => [path, statSync(join(folder, path)).size]));
}

export function forget(folder: string): void {
  rmSync(join(folder, 'node_modules'), { recursive: true, force: true });
}

/** Makes what is installed look as after an install by hand that was interrupted: the next start installs anew. */
export function outdate(folder: string): void {
  const later = new Date(Date.now() + 3_600_000);
  utimesSync(join(folder, 'node_modules/zod'), later, later);
}

export interface Start {
  process: ChildProcess & { pid: number };
  ended: Promise<{ code: number | null; output: string }>;
}

/** Runs scripts/start of a clone in a process group of its own, as a terminal does. */
export function start(folder: string, args: string[] = [], environment: NodeJS.ProcessEnv = process.env): Start {
  const child = spawn(join(folder, 'scripts/start'), args, {
    cwd: folder,
    env: environment,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, output }));
  return { process: child as Start['process'], ended };
}

/** The ways in which a start ends before its time. */
export const ENDS: Record<string, (processId: number) => void> = {
  'kill -9 of all its processes': (processId) => process.kill(-processId, 'SIGKILL'),
  'kill -9 of the start, which leaves its npm alive': (processId) => process.kill(processId, 'SIGKILL'),
  'Ctrl-C': (processId) => process.kill(-processId, 'SIGINT'),
};

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
