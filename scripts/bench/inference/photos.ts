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
