import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openDataDirectory } from './data-directory.ts';

const scratch = mkdtempSync(join(tmpdir(), 'facepass-'));
after(() => rmSync(scratch, { recursive: true }));

/** Asserts that `path` is rejected with its name, the reason and a fix, not as a second start. */
async function assertUnusable(path: string, reason: RegExp): Promise<void> {
  await assert.rejects(openDataDirectory(path), ({ message }: Error) => {
    assert.match(message, reason);
    assert.ok(message.startsWith(`${path} is not usable as the data directory: `), message);
    assert.match(message, /choose another directory with --data DIR\.$/);
    return true;
  });
}

test('rejects a directory that cannot be created, with the reason and a fix', async () => {
  writeFileSync(join(scratch, 'file'), '');
  await assertUnusable(join(scratch, 'file/data'), /ENOTDIR/);
});

test(
  'an unwritable directory is not mistaken for a second start',
  { skip: process.getuid?.() === 0 ? 'root may write everywhere' : false },
  async () => {
    const path = join(scratch, 'read-only');
    mkdirSync(path, { mode: 0o500 });
    await assertUnusable(path, /EACCES/);
  },
);

test('a lock that cannot be taken although nobody holds it is not mistaken for a second start', async () => {
  const path = join(scratch, 'unlockable');
  mkdirSync(join(path, 'start.lock'), { recursive: true });
  await assertUnusable(path, /unable to open database file/);
});

test('a second start fails while the first one runs, and gives its address', async () => {
  const path = join(scratch, 'twice');
  {
    using first = await openDataDirectory(path);
    await assert.rejects(openDataDirectory(path), {
      message: new RegExp(`^${path}/start\\.lock is locked: Facepass is already starting on ${path}\\.`),
    });
    first.announce('http://127.0.0.1:8080', 'sface');
    await assert.rejects(openDataDirectory(path), {
      message: `Facepass is already running on ${path}: http://127.0.0.1:8080 (process ${process.pid}).`,
    });
  }
  using again = await openDataDirectory(path);
  assert.equal(again.path, path);
});

test('rejects a truncated or foreign development.json and suggests a fix', async () => {
  const path = join(scratch, 'cut');
  mkdirSync(path);
  for (const text of ['', '{\n  "api_key": "fp_dev_abc', '[]', '{"api_key": "short"}']) {
    writeFileSync(join(path, 'development.json'), text);
    await assert.rejects(
      openDataDirectory(path),
      {
        message: new RegExp(
          `^${path}/development\\.json: [^]+ delete it and start again: the index stays, and a new API key is created\\.$`,
        ),
      },
      text,
    );
  }
  rmSync(join(path, 'development.json'));
  using mended = await openDataDirectory(path);
  assert.match(mended.development.api_key, /^fp_dev_/);
});

test('a failed write leaves development.json unchanged', async () => {
  const path = join(scratch, 'written');
  const settings = join(path, 'development.json');
  using data = await openDataDirectory(path);
  data.announce('http://127.0.0.1:8080', 'sface');
  const before = readFileSync(settings, 'utf8');
  mkdirSync(`${settings}.part`);
  assert.throws(
    () => data.announce('http://127.0.0.1:8081', 'sface'),
    new RegExp(`^Error: ${path} is not usable as the data directory: EISDIR`),
  );
  assert.equal(readFileSync(settings, 'utf8'), before);
  rmSync(`${settings}.part`, { recursive: true });
  data.announce('http://127.0.0.1:8081', 'sface');
  assert.equal(JSON.parse(readFileSync(settings, 'utf8')).url, 'http://127.0.0.1:8081');
  assert.equal(statSync(settings).mode & 0o077, 0);
});
