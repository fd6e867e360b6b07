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

/** A photo of 4096×4096 pixels with many faces: a worker is busy with it for as long as a test needs to look around. */
export async function largePhoto(): Promise<Buffer> {
  const tiles = await Promise.all(([1, 2, 3, 4] as const).map(async (number) => sharp(await samplePhoto(number)).resize(2048, 2048, { fit: 'cover' }).toBuffer()));
  const composed = tiles.map((input, index) => ({ input, left: (index % 2) * 2048, top: Math.floor(index / 2) * 2048 }));
  return sharp({ create: { width: 4096, height: 4096, channels: 3, background: 'grey' } }).composite(composed).jpeg({ quality: 80 }).toBuffer();
}
