import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import sharp from 'sharp';
import { decodePhoto, ImageError, type ImageLimits } from './image.ts';
import type { Raster } from './raster.ts';

const limits: ImageLimits = { maxBytes: 1_000_000, maxWidth: 1000, maxHeight: 800, maxPixels: 700_000 };
const read = (name: string) => readFile(join(import.meta.dirname, '../tests/heic', name));

/** Red and green above, blue and white below, as the file holds them; tests/heic/make.py makes it. */
let quadrants: Buffer;
before(async () => {
  quadrants = await read('quadrants.heic');
});

test('HEIC is decoded, whatever its first brand is and whether it has 10 bits', async () => {
  const heif = Buffer.from(quadrants);
  heif.write('mif1', 8, 'latin1');
  for (const file of [quadrants, heif, await read('ten-bit.heic')]) {
    const photo = await decodePhoto(file, limits);
    assert.deepEqual([photo.width, photo.height, photo.orientation], [96, 64, 1]);
    assert.equal(cornersOf(photo.stored), 'red green blue white');
  }
});

test('a HEIC of tiles, as phones write it, is one picture, cut to its size', async () => {
  const { stored } = await decodePhoto(await read('grid.heic'), limits);
  assert.deepEqual([stored.width, stored.height, stored.pixels.length], [120, 100, 120 * 100 * 3]);
  assert.equal(cornersOf(stored), 'red green blue white');
});

const UPRIGHT: Record<number, string> = {
  2: 'green red white blue',
  3: 'white blue green red',
  4: 'blue white red green',
  5: 'red blue green white',
  6: 'blue red white green',
  7: 'white green blue red',
  8: 'green white red blue',
};

test('HEIC and AVIF stand upright as their properties turn and mirror them', async () => {
  for (const [orientation, corners] of Object.entries(UPRIGHT)) {
    const { stored, width, height } = await decodePhoto(await read(`orientation-${orientation}.heic`), limits);
    assert.deepEqual([width, height], Number(orientation) >= 5 ? [64, 96] : [96, 64], orientation);
    assert.equal(cornersOf(stored), corners, orientation);
  }
  const lying = { raw: { width: 96, height: 64, channels: 3 } } as const;
  const { stored } = await decodePhoto(quadrants, limits);
  const avif = await sharp(stored.pixels, lying).withMetadata({ orientation: 6 }).avif().toBuffer();
  const photo = await decodePhoto(avif, limits);
  assert.deepEqual([photo.width, photo.height, photo.orientation], [64, 96, 1]);
  assert.equal(cornersOf(photo.stored), UPRIGHT[6]);
});

test('what is transparent in a HEIC or AVIF becomes grey', async () => {
  assert.equal(cornersOf((await decodePhoto(await read('transparent.heic'), limits)).stored), 'green grey white grey');
  const clear = { create: { width: 40, height: 40, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } } } as const;
  const { stored } = await decodePhoto(await sharp(clear).avif().toBuffer(), limits);
  assert.equal(cornersOf(stored), 'grey grey grey grey');
});

test('AVIF of 8 and 10 bits is decoded', async () => {
  const picture = { create: { width: 60, height: 40, channels: 3, background: { r: 220, g: 30, b: 30 } } } as const;
  for (const bitdepth of [8, 10] as const) {
    const { stored } = await decodePhoto(await sharp(picture).avif({ bitdepth }).toBuffer(), limits);
    assert.equal(stored.pixels.length, 60 * 40 * 3);
    assert.equal(cornersOf(stored), 'red red red red');
  }
});

test('limits on the size of a HEIC or AVIF hold before it is decoded', async () => {
  const huge = withSize(quadrants, 60_000, 60_000);
  const wide = await sharp({ create: { width: 1001, height: 16, channels: 3, background: 'red' } })
    .avif()
    .toBuffer();
  await assertRefused(huge, 'image_too_many_pixels', /60000×60000 pixels, wider than 1000/);
  await assertRefused(withSize(wide, 60_000, 60_000), 'image_too_many_pixels', /60000×60000/);
  await assertRefused(wide, 'image_too_many_pixels', /1001×16 pixels/);
  await assertRefused(Buffer.alloc(1_000_001), 'image_too_large', /more than 1000000/);
});

test('a HEIC or AVIF that holds a larger picture than its header says is refused without the memory for it', async () => {
  const side = 3000;
  const avif = await sharp({ create: { width: side, height: side, channels: 3, background: 'red' } })
    .avif({ effort: 0 })
    .toBuffer();
  const memory = process.memoryUsage().rss;
  await assertRefused(withSize(avif, 100, 100), 'image_damaged', /cannot be decoded: .*3000x3000/);
  await assertRefused(withSize(await read('people.heic'), 8, 8), 'image_damaged', /cannot be decoded: \w/);
  assert.ok(process.memoryUsage().rss - memory < 100e6);
});

test('a HEIC or AVIF file cut short or altered is damaged, never a crash, and the next one is decoded', async () => {
  const avif = await sharp((await decodePhoto(quadrants, limits)).stored.pixels, {
    raw: { width: 96, height: 64, channels: 3 },
  })
    .avif()
    .toBuffer();
  for (const whole of [quadrants, await read('grid.heic'), avif])
    for (const share of [0.1, 0.5, 0.9])
      await assertRefused(
        whole.subarray(0, Math.floor(share * whole.length)),
        'image_damaged',
        /cannot be decoded: \w/,
      );
  let seed = 1;
  for (let n = 0; n < 30; n++) {
    const altered = Buffer.from(n % 2 ? quadrants : await read('grid.heic'));
    for (let k = 0; k < 3; k++) {
      seed = (seed * 48_271) % 2_147_483_647;
      altered[12 + (seed % (altered.length - 12))]! ^= 1 << (seed & 7);
    }
    const outcome = await decodePhoto(altered, limits).catch((error: unknown) => error);
    if (outcome instanceof Error) assert.ok(outcome instanceof ImageError && outcome.message.length > 20, `${n}`);
  }
  assert.equal(cornersOf((await decodePhoto(quadrants, limits)).stored), 'red green blue white');
});

test('a HEIF file of another codec is an unsupported format', async () => {
  const avif = await sharp({ create: { width: 60, height: 40, channels: 3, background: 'red' } })
    .avif()
    .toBuffer();
  const other = Buffer.from(avif.toString('latin1').replaceAll(/avif|mif1/g, 'heic'), 'latin1');
  await assertRefused(other, 'unsupported_format', /The HEIF file cannot be decoded: \w/);
});

async function assertRefused(bytes: Uint8Array, problem: string, message: RegExp): Promise<void> {
  await assert.rejects(decodePhoto(bytes, limits), (error: Error) => {
    assert.ok(error instanceof ImageError, String(error.stack));
    assert.equal(error.problem, problem, error.message);
    assert.match(error.message, message);
    return true;
  });
}

/** The file with another size in every `ispe` property. */
function withSize(file: Buffer, width: number, height: number): Buffer {
  const altered = Buffer.from(file);
  for (let at = altered.indexOf('ispe'); at >= 0; at = altered.indexOf('ispe', at + 4)) {
    altered.writeUInt32BE(width, at + 8);
    altered.writeUInt32BE(height, at + 12);
  }
  return altered;
}

const COLOURS: Record<string, number[]> = {
  red: [220, 30, 30],
  green: [30, 160, 60],
  blue: [40, 60, 200],
  white: [255, 255, 255],
  grey: [128, 128, 128],
};

/** The colours near the corners: above left, above right, below left, below right. */
function cornersOf({ pixels, width, height }: Raster): string {
  const corners = [
    [0.2, 0.2],
    [0.8, 0.2],
    [0.2, 0.8],
    [0.8, 0.8],
  ];
  return corners
    .map(([x, y]) => (Math.floor(y! * height) * width + Math.floor(x! * width)) * 3)
    .map((at) => pixels.subarray(at, at + 3))
    .map(
      (pixel) =>
        Object.entries(COLOURS).find(([, rgb]) => rgb.every((v, i) => Math.abs(v - pixel[i]!) < 12))?.[0] ?? `${pixel}`,
    )
    .join(' ');
}
