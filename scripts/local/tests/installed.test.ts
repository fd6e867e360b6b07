import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const scratch = mkdtempSync(join(tmpdir(), 'facepass-'));
after(() => rmSync(scratch, { recursive: true }));

interface Entry {
  version: string;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
}

const HERE = { version: '1.0.0', optional: true, os: [process.platform], cpu: [process.arch] };
const MAIN = { 'node_modules/main': { version: '1.0.0' } };

/**
 * Whether installed.mjs is content with a clone whose lock file asks for `wanted`, and where npm installed `installed`.
 */
function isInstalled(wanted: Record<string, Entry>, installed: Record<string, Entry>): boolean {
  mkdirSync(join(scratch, 'node_modules'), { recursive: true });
  writeFileSync(join(scratch, 'package-lock.json'), JSON.stringify({ packages: wanted }));
  writeFileSync(join(scratch, 'node_modules/.package-lock.json'), JSON.stringify({ packages: installed }));
  const { status, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, '../../installed.mjs'), scratch], {
    encoding: 'utf8',
  });
  assert.equal(stderr, '');
  return status === 0;
}

test('what is installed must be what the lock file asks for, no more and no less', () => {
  assert.equal(isInstalled(MAIN, MAIN), true);
  assert.equal(isInstalled(MAIN, {}), false);
  assert.equal(isInstalled(MAIN, { 'node_modules/main': { version: '1.0.1' } }), false);
  assert.equal(isInstalled(MAIN, { ...MAIN, 'node_modules/more': { version: '1.0.0' } }), false);
});

test('an optional package for another machine may be missing, one for this machine may not', () => {
  const isContentWithout = (entry: Entry) => isInstalled({ ...MAIN, 'node_modules/library': entry }, MAIN);
  assert.equal(isContentWithout(HERE), false);
  assert.equal(isContentWithout({ ...HERE, os: ['!aix'] }), false);
  assert.equal(isContentWithout({ ...HERE, os: ['aix'] }), true);
  assert.equal(isContentWithout({ ...HERE, cpu: ['s390x'] }), true);
  assert.equal(isContentWithout({ ...HERE, os: [`!${process.platform}`] }), true);
  assert.equal(
    isContentWithout({ version: '1.0.0', optional: true }),
    true,
    'it may belong to a package for another machine',
  );
  const contentWithoutLibc = ['glibc', 'musl'].map((libc) => isContentWithout({ ...HERE, libc: [libc] }));
  assert.deepEqual(contentWithoutLibc.toSorted(), [false, true]);
});
