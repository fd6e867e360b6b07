import { execFileSync } from 'node:child_process';
import { globSync, statSync } from 'node:fs';
import { join } from 'node:path';

const CONSOLE = join(import.meta.dirname, '..');

/** Builds the pages when a source is newer than they are. */
export function ensureBuilt(): void {
  const newest = (patterns: string[]) =>
    Math.max(0, ...globSync(patterns, { cwd: CONSOLE }).map((path) => statSync(join(CONSOLE, path)).mtimeMs));
  const sources = newest([
    'src/**/*.*',
    '*.html',
    'vite.config.ts',
    'public/*',
    '../client/*.ts',
    '../client/gen/*.ts',
  ]);
  if (newest(['dist/guest.html']) < sources)
    execFileSync('npm', ['run', '--silent', 'build:console'], { cwd: join(CONSOLE, '../..'), stdio: 'inherit' });
}
