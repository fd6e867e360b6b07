import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';

const SAMPLES = join(dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json')), 'demo');

/** One of the six sample photos, 1920 pixels wide, three to five faces each. */
export const samplePath = (number: number) => join(SAMPLES, `sample${number}.jpg`);

/** The woman whose face is the largest of sample 2, and who is in sample 4, too: pixels of sample 2. */
const WOMAN = { left: 230, top: 40, width: 450, height: 450 };

export interface TestPhotos extends AsyncDisposable {
  /** One face, of a woman in samples 2 and 4. */
  selfie: string;
  /** No face. */
  meadow: string;
  /** Sample 2 at 5,000 pixels: more than the service takes. */
  large: string;
  /** Sample 2 stored lying on its side, with the EXIF mark that it is to be turned. */
  turned: string;
  /** A text file that calls itself a JPEG. */
  broken: string;
  /** A folder with samples 2 and 4, the meadow, and a file that is no picture. */
  folder: string;
  /** The selfie as a motion JPEG, for a fake camera. */
  camera: string;
}

/** Makes the pictures that the browser tests need, in a folder of their own. */
export async function makePhotos(): Promise<TestPhotos> {
  const directory = await mkdtemp(join(tmpdir(), 'facepass-photos-'));
  const at = (name: string) => join(directory, name);
  const folder = await mkdtemp(at('wedding-'));
  const selfie = sharp(samplePath(2)).extract(WOMAN).jpeg({ quality: 92 });
  const meadow = sharp({ create: { width: 640, height: 480, channels: 3, background: '#5a8f4e' } }).jpeg();
  await selfie.toFile(at('selfie.jpg'));
  await meadow.toFile(at('meadow.jpg'));
  await sharp(samplePath(2)).resize({ width: 5000 }).jpeg({ quality: 60 }).toFile(at('large.jpg'));
  await sharp(samplePath(2)).rotate(270).withMetadata({ orientation: 6 }).jpeg().toFile(at('turned.jpg'));
  await writeFile(at('broken.jpg'), 'not a picture');
  for (const number of [2, 4]) await sharp(samplePath(number)).toFile(join(folder, `party-${number}.jpg`));
  await meadow.toFile(join(folder, 'meadow.jpg'));
  await writeFile(join(folder, 'notes.txt'), 'no picture');
  const frame = await sharp(await selfie.toBuffer())
    .resize(640, 480, { fit: 'contain' })
    .jpeg()
    .toBuffer();
  await writeFile(at('camera.mjpeg'), Buffer.concat(Array.from({ length: 30 }, () => frame)));
  return {
    selfie: at('selfie.jpg'),
    meadow: at('meadow.jpg'),
    large: at('large.jpg'),
    turned: at('turned.jpg'),
    broken: at('broken.jpg'),
    folder,
    camera: at('camera.mjpeg'),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
}
