import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import sharp from 'sharp';

const require = createRequire(import.meta.url);
const samples = join(dirname(require.resolve('@vladmandic/face-api/package.json')), 'demo');

/** One of the six photos with people that come with @vladmandic/face-api. */
export function samplePhoto(number: 1 | 2 | 3 | 4 | 5 | 6): Promise<Buffer> {
  return readFile(join(samples, `sample${number}.jpg`));
}

/** A photo of 3072×3072 pixels with many faces: a worker is busy with it for as long as a test needs to look around. */
export async function largePhoto(): Promise<Buffer> {
  const tiles = await Promise.all(
    ([1, 2, 3, 4] as const).map(async (number) =>
      sharp(await samplePhoto(number))
        .resize(1536, 1536, { fit: 'cover' })
        .toBuffer(),
    ),
  );
  const composed = tiles.map((input, index) => ({
    input,
    left: (index % 2) * 1536,
    top: Math.floor(index / 2) * 1536,
  }));
  return sharp({ create: { width: 3072, height: 3072, channels: 3, background: 'grey' } })
    .composite(composed)
    .jpeg({ quality: 80 })
    .toBuffer();
}
