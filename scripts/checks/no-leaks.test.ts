import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../..');

test('no tracked file names this machine, its registry or its checkout', (t) => {
  const files = trackedFiles();
  if (!files) return t.skip('needs git and a checkout');
  const words = wordsOfThisMachine();
  const leaks = files.flatMap((path) => {
    const text = readFileSync(join(root, path), 'latin1');
    return words.filter((word) => text.includes(word)).map((word) => `${path}: ${word}`);
  });
  assert.deepEqual(leaks, []);
});

test('the lock file names no registry: packages come from the one npm is set to', () => {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const entries = Object.entries(
    packages as Record<string, { resolved?: string; integrity?: string; link?: boolean; inBundle?: boolean }>,
  );
  const outside = entries.filter(([place]) => place.includes('node_modules/'));
  assert.ok(outside.length > 100);
  const addressed = outside.filter(([, { resolved }]) => resolved?.includes(':'));
  assert.deepEqual(
    addressed.map(([place, { resolved }]) => `${place}: ${resolved}`),
    [],
  );
  const unsealed = outside.filter(([, { integrity, link, inBundle }]) => !link && !inBundle && !integrity);
  assert.deepEqual(
    unsealed.map(([place]) => place),
    [],
  );
});

function trackedFiles(): string[] | null {
  try {
    const listed = execFileSync('git', ['ls-files', '-z'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return listed.split('\0').filter((path) => path && statSync(join(root, path), { throwIfNoEntry: false })?.isFile());
  } catch {
    return null;
  }
}

/** Common words (`root`, `/`) would be found everywhere: only paths of two parts and hosts with a dot say something. */
function wordsOfThisMachine(): string[] {
  const registry = execFileSync('npm', ['config', 'get', 'registry'], { cwd: root, encoding: 'utf8' }).trim();
  const host = URL.canParse(registry) ? new URL(registry).host : '';
  const home = homedir();
  return [
    `${root}/`,
    home.split('/').length > 2 ? `${home}/` : '',
    host === 'registry.npmjs.org' ? '' : host,
    userInfo().username.length > 5 ? `@${userInfo().username}` : '',
  ].filter(Boolean);
}
