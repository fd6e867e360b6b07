import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, beforeEach, test } from 'node:test';

const scratch = mkdtempSync(join(tmpdir(), 'facepass-'));
const modules = join(scratch, 'node_modules');
after(() => rmSync(scratch, { recursive: true }));
beforeEach(() => rmSync(modules, { recursive: true, force: true }));

interface Entry {
  version: string;
  dev?: boolean;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
}

const HERE = { version: '1.0.0', optional: true, os: [process.platform], cpu: [process.arch] };
const MAIN = { 'node_modules/main': { version: '1.0.0' } };
const TOOL = { 'node_modules/tool': { version: '1.0.0', dev: true } };

type Answer = 'complete' | 'packages are missing' | 'install anew';

/** What installed.mjs says of a clone whose lock file asks for `wanted`, and whose node_modules is as it is. */
function compare(wanted: Record<string, Entry>, scope = 'everything', ...options: string[]): Answer | undefined {
  write('package-lock.json', { packages: wanted });
  const { status, stderr } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, '../installed.mjs'), scratch, scope, ...options],
    { encoding: 'utf8' },
  );
  assert.equal(stderr, '');
  return ({ 0: 'complete', 3: 'packages are missing', 1: 'install anew' } as const)[status ?? -1];
}

/** Installs packages as npm does: their folders first, its list of them at the end. */
function install(packages: Record<string, Entry>): void {
  for (const [place, { version }] of Object.entries(packages)) write(`${place}/package.json`, { version });
  write('node_modules/.package-lock.json', { packages });
}

function write(path: string, content: unknown): void {
  mkdirSync(dirname(join(scratch, path)), { recursive: true });
  writeFileSync(join(scratch, path), JSON.stringify(content));
}

test('installed packages must match the lock file', () => {
  install(MAIN);
  assert.equal(compare(MAIN), 'complete');
  assert.equal(compare({ 'node_modules/main': { version: '1.0.1' } }), 'install anew');
  assert.equal(compare({}), 'install anew', 'a package that the lock file does not name');
  assert.equal(compare({ ...MAIN, 'node_modules/more': { version: '1.0.0' } }), 'packages are missing');
});

test('a start needs no development packages and accepts them if present', () => {
  install(MAIN);
  assert.equal(compare({ ...MAIN, ...TOOL }, 'running'), 'complete');
  assert.equal(compare({ ...MAIN, ...TOOL }, 'everything'), 'packages are missing');
  install({ ...MAIN, ...TOOL });
  assert.equal(compare({ ...MAIN, ...TOOL }, 'running'), 'complete');
});

test('an optional package for another machine may be missing, one for this machine may not', () => {
  install(MAIN);
  const without = (entry: Entry) => compare({ ...MAIN, 'node_modules/library': entry });
  assert.equal(without(HERE), 'packages are missing');
  assert.equal(without({ ...HERE, os: ['!aix'] }), 'packages are missing');
  assert.equal(without({ ...HERE, os: ['aix'] }), 'complete');
  assert.equal(without({ ...HERE, cpu: ['s390x'] }), 'complete');
  assert.equal(without({ ...HERE, os: [`!${process.platform}`] }), 'complete');
  assert.equal(
    without({ version: '1.0.0', optional: true }),
    'complete',
    'it may belong to a package for another machine',
  );
  const withoutLibc = ['glibc', 'musl'].map((libc) => without({ ...HERE, libc: [libc] }));
  assert.deepEqual(withoutLibc.toSorted(), ['complete', 'packages are missing']);
});

test("npm's list is not believed where a folder is missing, half empty, or newer than the list", () => {
  const folder = join(modules, 'main');
  install(MAIN);
  rmSync(folder, { recursive: true });
  assert.equal(compare(MAIN), 'install anew', 'a folder that is missing');
  mkdirSync(folder);
  assert.equal(compare(MAIN), 'install anew', 'a folder without package.json');
  install(MAIN);
  const later = new Date(Date.now() + 60_000);
  utimesSync(folder, later, later);
  assert.equal(compare(MAIN), 'install anew', 'a folder that was written after the list');
  utimesSync(folder, new Date(), new Date());
  assert.equal(compare(MAIN, 'everything', '--finish'), 'complete', 'the install came to its end');
  assert.equal(compare(MAIN), 'complete');
  utimesSync(folder, later, later);
  assert.equal(compare(MAIN), 'install anew', 'an install by hand that was interrupted later');
});

test('the end of an install deletes the libraries of ONNX Runtime for other machines', () => {
  install(MAIN);
  const libraries = join(modules, 'onnxruntime-node/bin/napi-v6');
  const folders = ['linux/x64', 'linux/arm64', 'darwin/arm64', 'win32/x64', `${process.platform}/${process.arch}`];
  for (const folder of folders) mkdirSync(join(libraries, folder), { recursive: true });
  compare(MAIN, 'running', '--finish');
  assert.deepEqual(
    [...new Set(folders)].filter((folder) => existsSync(join(libraries, folder))),
    [`${process.platform}/${process.arch}`],
  );
});
