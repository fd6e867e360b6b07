import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isBuiltin } from 'node:module';
import { importsOf } from '../../checks/import-rule.ts';

const root = join(import.meta.dirname, '../../..');

export interface Package {
  name: string;
  version: string;
  licence: string;
  /** Where it lies, from the root of the repository. */
  path: string;
}

/** The workspaces whose production dependencies each image installs, as the Dockerfile names them. */
export const IMAGES: Record<string, string[]> = {
  api: ['services/api', 'services/indexing', 'services/contracts', 'services/runtime'],
  indexer: ['services/indexer', 'services/indexing', 'services/contracts', 'services/runtime'],
  inference: ['services/inference', 'services/contracts', 'services/runtime'],
  migrator: ['services/migrator', 'services/contracts', 'services/runtime'],
  operator: ['services/operator', 'services/contracts', 'services/runtime'],
};

/** What `npm ci --omit=dev` installs of outside packages for `workspaces` on Linux with glibc, by the lock file. */
export function packagesOf(workspaces: string[]): Package[] {
  const found = new Map<string, Package>();
  for (const workspace of workspaces) collect(workspace, found);
  return [...found.values()].sort((left, right) => (left.name < right.name ? -1 : 1));
}

/**
 * What the pages' bundle is made of: the packages that the console and the client import, with what those depend on.
 */
export function packagesOfThePages(): Package[] {
  const sources = [
    'services/console/{src,index.html}/**/*.{ts,tsx,css}',
    'services/console/src/**/*.css',
    'services/client/*.ts',
    'services/contracts/http.ts',
  ];
  const files = [...new Set(sources.flatMap((pattern) => globSync(pattern, { cwd: root })))].filter(
    (path) => !/\.test\.ts$|breaking-changes|generate\.ts|contracts/.test(path),
  );
  const names = new Set<string>();
  for (const path of files) {
    const text = readFileSync(join(root, path), 'utf8');
    const inStyles = [...text.matchAll(/(?:@import|url\()\s*['"]([^'"]+)['"]/g)].map(([, specifier = '']) => ({
      specifier,
      typeOnly: false,
    }));
    for (const { specifier, typeOnly } of [...importsOf({ path, text }), ...inStyles]) {
      const name = specifier
        .split('/')
        .slice(0, specifier.startsWith('@') ? 2 : 1)
        .join('/');
      if (!typeOnly && name && !/^[./]|^@facepass$/.test(name) && !name.startsWith('@facepass/') && !isBuiltin(name))
        names.add(name);
    }
  }
  const found = new Map<string, Package>();
  for (const name of names) {
    const path = resolve('services/console', name) ?? resolve('services/client', name);
    if (!path) throw new Error(`${name}, which the pages import, is not in the lock file`);
    add(path, found);
  }
  return [...found.values()].sort((left, right) => (left.name < right.name ? -1 : 1));
}

interface LockEntry {
  version?: string;
  license?: string;
  link?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  peerDependenciesMeta?: Record<string, { optional?: boolean }>;
}

const lock: Record<string, LockEntry> = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;

function collect(place: string, found: Map<string, Package>): void {
  const {
    dependencies = {},
    optionalDependencies = {},
    peerDependencies = {},
    peerDependenciesMeta = {},
  } = lock[place] ?? {};
  const peers = Object.keys(peerDependencies).filter((name) => !peerDependenciesMeta[name]?.optional);
  for (const name of [...Object.keys({ ...dependencies, ...optionalDependencies }), ...peers]) {
    const path = resolve(place, name);
    if (path) add(path, found);
  }
}

function add(path: string, found: Map<string, Package>): void {
  const { version = '', license, link, os, cpu, libc } = lock[path]!;
  if (
    link ||
    found.has(path) ||
    (os && !os.includes('linux')) ||
    (cpu && !cpu.includes('x64')) ||
    (libc && !libc.includes('glibc'))
  )
    return;
  found.set(path, { name: path.split('node_modules/').at(-1)!, version, licence: license ?? 'not told', path });
  collect(path, found);
}

/** Where Node finds `name` from `place`: the nearest node_modules upwards. */
function resolve(place: string, name: string): string | null {
  for (let folder = place; ; folder = folder.split('/').slice(0, -1).join('/')) {
    const path = `${folder ? `${folder}/` : ''}node_modules/${name}`;
    if (path in lock) return path;
    if (!folder) return null;
  }
}
