import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { describeOthers, findPhotos } from './photos.ts';

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
  symlinkSync(join(folder, 'nowhere'), join(folder, 'dangling.png'));
  const found = await findPhotos(folder);
  const { photos, others } = found;
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
  assert.deepEqual([...others].sort(), [
    ['.mov', 2],
    ['.nef', 1],
    ['no extension', 1],
  ]);
  assert.match(
    describeOthers(found)!,
    /^Skipped 4 files that are not JPEG, .* or AVIF \(.*1 \.nef.*\)\. Raw files hold/,
  );
  assert.equal(describeOthers({ photos, others: new Map() }), null);
});

test('rejects a path that is not a folder and names it', async () => {
  await assert.rejects(findPhotos(join(folder, 'missing')), /ENOENT.*missing/);
  await assert.rejects(findPhotos(join(folder, 'notes')), /notes is not a folder/);
});
