import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/**
 * The photos that every contestant gets: the six that come with @vladmandic/face-api, and the group photos of
 * FACEPASS_TEST_PHOTOS.
 */
export function benchPhotos(): string[] {
  const folders = [join(dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json')), 'demo')];
  const shared = process.env['FACEPASS_TEST_PHOTOS'];
  if (shared) folders.push(join(shared, 'groups'));
  return folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.jpg'))
      .sort()
      .map((name) => join(folder, name)),
  );
}

/** Photos of one kind, since one face and twenty cost differently. */
export interface PhotoKind {
  name: string;
  photos: string[];
}

/**
 * Of FACEPASS_TEST_PHOTOS, none without it: photos of one person (every seventeenth of `lfw`), and every third of the
 * groups and crowds (`groups-2`).
 */
export function photoKinds(): PhotoKind[] {
  const shared = process.env['FACEPASS_TEST_PHOTOS'];
  if (!shared) return [];
  const [lfw, groups] = [join(shared, 'lfw'), join(shared, 'groups-2')];
  const people = readdirSync(lfw).filter((name) => !name.includes('.'));
  const everyNth = (names: string[], n: number) => names.sort().filter((_, i) => i % n === 0);
  return [
    { name: 'one face', photos: everyNth(people, 17).map((name) => join(lfw, name, '1.jpg')) },
    {
      name: 'groups',
      photos: everyNth(
        readdirSync(groups).filter((name) => /\.(jpg|webp)$/.test(name)),
        3,
      ).map((name) => join(groups, name)),
    },
  ];
}
