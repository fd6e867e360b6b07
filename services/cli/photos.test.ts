import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { describeSkipped, findPhotos } from './photos.ts';

const asRoot = process.getuid?.() === 0;
const folder = mkdtempSync(join(tmpdir(), 'facepass-'));
after(() => rmSync(folder, { recursive: true }));

test('finds photos at any depth, skips hidden files and counts other kinds', async () => {
  for (const directory of ['deep/er', '.trash']) mkdirSync(join(folder, directory), { recursive: true });
  for (const path of [
    'b.JPG',
    'IMG_1.HEIC',
    'DSC_1.NEF',
    'a.jpeg',
    'deep/er/c d.webp',
    'deep/._c.jpg',
    '.trash/x.jpg',
    'film.mov',
    'deep/film.MOV',
    'notes',
  ])
    writeFileSync(join(folder, path), path);
  symlinkSync(join(folder, 'b.JPG'), join(folder, 'link.png'));
  const found = await findPhotos(folder);
  const { photos, skipped, unreadable } = found;
  assert.deepEqual(
    photos.map(({ photoId, size }) => [photoId, size]),
    [
      ['IMG_1.HEIC', 10],
      ['a.jpeg', 6],
      ['b.JPG', 5],
      ['deep/er/c d.webp', 16],
      ['link.png', 5],
    ],
  );
  assert.deepEqual(skipped, [
    { photoId: 'DSC_1.NEF', kind: '.nef' },
    { photoId: 'deep/film.MOV', kind: '.mov' },
    { photoId: 'film.mov', kind: '.mov' },
    { photoId: 'notes', kind: 'no extension' },
  ]);
  assert.deepEqual(unreadable, []);
  assert.match(
    describeSkipped(found)!,
    /^Skipped 4 files that are not JPEG, .* or AVIF \(.*1 \.nef.*\)\. Raw files hold.* --verbose names them\.$/,
  );
  assert.match(describeSkipped(found, true)!, /\n {2}deep\/film\.MOV\n {2}film\.mov\n/);
  assert.equal(describeSkipped({ photos, skipped: [], unreadable }), null);
});

test('names links that lead nowhere, to themselves or to a folder, and entries that are not files', async () => {
  const links = join(folder, 'links');
  mkdirSync(links);
  symlinkSync(join(links, 'nowhere'), join(links, 'a dangling.png'));
  symlinkSync('b loop.png', join(links, 'b loop.png'));
  symlinkSync(join(folder, 'deep'), join(links, 'c other folder'));
  mkdirSync(join(links, 'd.jpg'));
  const { photos, unreadable } = await findPhotos(links);
  assert.deepEqual(photos, []);
  assert.deepEqual(unreadable, [
    { photoId: 'a dangling.png', reason: 'the link leads to no file' },
    { photoId: 'b loop.png', reason: 'the file is a link that leads back to itself' },
    { photoId: 'c other folder', reason: 'a link to a folder is not followed; index that folder itself' },
  ]);
});

test('a folder that cannot be read is named, and the rest is found', { skip: !asRoot && 'needs root' }, async () => {
  const party = join(folder, 'party');
  mkdirSync(join(party, 'locked'), { recursive: true });
  writeFileSync(join(party, 'a.jpg'), 'a');
  for (const path of [folder, party]) chmodSync(path, 0o755);
  chmodSync(join(party, 'locked'), 0o000);
  const { photos, unreadable } = await asNobody(() => findPhotos(party));
  assert.deepEqual(photos.length, 1);
  assert.deepEqual(unreadable, [{ photoId: 'locked/', reason: 'the folder cannot be read: permission denied' }]);
  await asNobody(() =>
    assert.rejects(findPhotos(join(party, 'locked')), /locked cannot be read: permission denied\.$/),
  );
});

test('rejects a path that is not a folder and names it', async () => {
  await assert.rejects(findPhotos(join(folder, 'missing')), /missing does not exist\.$/);
  await assert.rejects(findPhotos(join(folder, 'notes')), /notes is not a folder\.$/);
});

async function asNobody<Result>(work: () => Promise<Result>): Promise<Result> {
  process.seteuid!(65_534);
  try {
    return await work();
  } finally {
    process.seteuid!(0);
  }
}
