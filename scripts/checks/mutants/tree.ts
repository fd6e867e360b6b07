import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

export const root = join(import.meta.dirname, '../../..');

export interface Tree extends Disposable {
  path: string;
}

/**
 * A copy of the working tree, in which files can be changed while others work on this one; gone when disposed of. Its
 * packages are those of this tree, but for the workspaces, which are its own.
 */
export function copyTree(): Tree {
  const path = mkdtempSync(join(tmpdir(), 'facepass-mutants-'));
  cpSync(root, path, { recursive: true, filter: (source) => !LEFT_OUT.has(basename(source)) });
  mkdirSync(join(path, 'node_modules'));
  for (const name of readdirSync(join(root, 'node_modules')))
    if (name === '@facepass') cpSync(join(root, 'node_modules', name), join(path, 'node_modules', name), AS_LINKS);
    else symlinkSync(join(root, 'node_modules', name), join(path, 'node_modules', name));
  for (const service of readdirSync(join(root, 'services')))
    if (readdirSync(join(root, 'services', service)).includes('node_modules'))
      symlinkSync(join(root, 'services', service, 'node_modules'), join(path, 'services', service, 'node_modules'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

const LEFT_OUT = new Set(['node_modules', '.git', 'coverage', '.facepass']);
/** The links lead to ../../services, in the copy as here. */
const AS_LINKS = { recursive: true, verbatimSymlinks: true };
