import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { findPhotos } from './photos.ts';

const folder = mkdtempSync(join(tmpdir(), 'facepass-'));
after(() => rmSync(folder, { recursive: true }));

test('finds photos at any depth, skips hidden files and counts other kinds', async () => {
  for (const directory of ['deep/er', '.trash']) mkdirSync(join(folder, directory), { recursive: true });
  for (const path of [
    'b.JPG',
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
  const { photos, others } = await findPhotos(folder);
  assert.deepEqual(
    photos.map(({ photoId, size }) => [photoId, size]),
    [
      ['a.jpeg', 6],
      ['b.JPG', 5],
      ['deep/er/c d.webp', 16],
      ['link.png', 5],
    ],
  );
  assert.deepEqual([...others].sort(), [
    ['.mov', 2],
    ['no extension', 1],
  ]);
});

test('rejects a path that is not a folder and names it', async () => {
  await assert.rejects(findPhotos(join(folder, 'missing')), /ENOENT.*missing/);
  await assert.rejects(findPhotos(join(folder, 'notes')), /notes is not a folder/);
});
