import { readFileSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(import.meta.dirname, '../../..');

/** What a module runs on. */
export interface Sources {
  /** The module and every file of this repository that it leads to, by whatever path. */
  files: string[];
  /** Packages from outside, `name@version` as package-lock.json has it. */
  packages: string[];
}

/** Everything that `path` imports, directly or not. Imports of types alone change nothing and are left out. */
export function sourcesOf(path: string): Sources {
  const [files, packages] = [new Set<string>(), new Set<string>()];
  const follow = (file: string) => {
    if (files.has(file)) return;
    files.add(file);
    for (const specifier of importsOf(file)) {
      if (specifier.startsWith('node:')) continue;
      const found = specifier.startsWith('.') ? join(dirname(file), specifier) : ownModule(specifier);
      if (found) follow(found);
      else packages.add(specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/'));
    }
  };
  follow(path);
  return { files: [...files].sort(), packages: [...packages].sort().map(versioned) };
}

function importsOf(file: string): string[] {
  const statements = readFileSync(file, 'utf8').matchAll(
    /^(?:import|export)\s(?!type\s)(?:[^'";]*?\sfrom\s)?'([^']+)'/gm,
  );
  return [...statements].map(([, specifier]) => specifier!);
}

/** The file of a package of this repository; null of one from outside. */
function ownModule(specifier: string): string | null {
  if (!specifier.startsWith('@facepass/')) return null;
  const path = fileURLToPath(import.meta.resolve(specifier));
  return path.startsWith(root + sep) ? path : null;
}

function versioned(name: string): string {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lock;
  return `${name}@${lock.packages[`node_modules/${name}`]?.version ?? 'unknown'}`;
}

interface Lock {
  packages: Record<string, { version?: string }>;
}
