import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import {
  decodePhoto,
  ImageError,
  storedFromUpright,
  uprightRaster,
  uprightRegion,
  type ImageLimits,
  type Raster,
} from './image.ts';
import { readSample } from './tests/pictures.ts';

const limits: ImageLimits = { maxBytes: 1_000_000, maxWidth: 1000, maxHeight: 800, maxPixels: 700_000 };
/** A small photo that is not symmetric in any way. */
let small: Buffer;

before(async () => {
  small = await sharp(await readSample('sample1.jpg'))
    .resize(300, 200)
    .png()
    .toBuffer();
});

test('JPEG, PNG and WebP are decoded, whatever the file was called or said to be', async () => {
  for (const format of ['jpeg', 'png', 'webp'] as const) {
    const photo = await decodePhoto(await sharp(small)[format]().toBuffer(), limits);
    assert.deepEqual(
      [photo.width, photo.height, photo.orientation, photo.stored.pixels.length],
      [300, 200, 1, 300 * 200 * 3],
    );
  }
});

test('grey, 16-bit, palette, transparent and CMYK pictures become 8-bit RGB of the same look', async () => {
  const expected = meanOf((await decodePhoto(small, limits)).stored);
  const variants: Record<string, Promise<Buffer>> = {
    '16-bit PNG': sharp(small).toColourspace('rgb16').png().toBuffer(),
    'palette PNG': sharp(small).png({ palette: true }).toBuffer(),
    'opaque PNG': sharp(small).ensureAlpha(1).png().toBuffer(),
    'CMYK JPEG': sharp(small).toColourspace('cmyk').jpeg().toBuffer(),
    'grey JPEG': sharp(small).greyscale().jpeg().toBuffer(),
    'grey PNG with alpha': sharp(small).greyscale().ensureAlpha(1).png().toBuffer(),
    'grey 16-bit PNG': sharp(small).toColourspace('grey16').png().toBuffer(),
  };
  for (const [name, picture] of Object.entries(variants)) {
    const { stored } = await decodePhoto(await picture, limits);
    assert.equal(stored.pixels.length, 300 * 200 * 3, name);
    assert.ok(Math.abs(meanOf(stored) - expected) < 12, `${name}: mean ${meanOf(stored)}, expected ${expected}`);
  }
});

test('what is transparent becomes grey, not black', async () => {
  const { stored } = await decodePhoto(await sharp(small).ensureAlpha(0).png().toBuffer(), limits);
  assert.ok(stored.pixels.every((value) => value === 128));
});

test('of an animation the first picture counts', async () => {
  const frames = { create: { width: 40, height: 60, channels: 3, background: 'red', pageHeight: 20 } } as const;
  const photo = await decodePhoto(await sharp(frames).webp({ loop: 0 }).toBuffer(), limits);
  assert.deepEqual([photo.width, photo.height], [40, 20]);
});

test('other formats are refused by name and what is no picture is refused', async () => {
  const svg = '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>';
  await assertRefused(await sharp(small).gif().toBuffer(), 'unsupported_format', /GIF/);
  await assertRefused(await sharp(small).tiff().toBuffer(), 'unsupported_format', /TIFF/);
  await assertRefused(await sharp(small).resize(64, 64).avif().toBuffer(), 'unsupported_format', /AVIF/);
  await assertRefused(Buffer.from(svg), 'unsupported_format', /SVG/);
  await assertRefused(Buffer.from('a letter, not a photo'), 'not_an_image', /not an image/);
  await assertRefused(Buffer.alloc(0), 'not_an_image', /not an image/);
});

test('a loader other than the three never runs, even behind a signature that lies', async () => {
  const lie = Buffer.concat([Buffer.from([0xff, 0xd8, 0xff]), (await sharp(small).gif().toBuffer()).subarray(3)]);
  await assertRefused(lie, 'image_damaged', /cannot be decoded/);
  await assert.rejects(sharp(await sharp(small).tiff().toBuffer()).metadata(), /unsupported image format/);
});

test('a file cut short is refused at any length, not half decoded', async () => {
  for (const format of ['jpeg', 'png', 'webp'] as const) {
    const whole = await sharp(small)[format]().toBuffer();
    for (const share of [0.1, 0.5, 0.9, 0.98])
      await assertRefused(whole.subarray(0, Math.floor(share * whole.length)), 'image_damaged', /cannot be decoded/);
  }
});

test('limits on bytes, width, height and pixels name the size and the limit', async () => {
  const blank = (width: number, height: number) =>
    sharp({ create: { width, height, channels: 3, background: 'white' } })
      .png()
      .toBuffer();
  await assertRefused(Buffer.alloc(1_000_001), 'image_too_large', /1000001 bytes, more than 1000000/);
  await assertRefused(await blank(1001, 10), 'image_too_many_pixels', /1001×10 pixels, wider than 1000/);
  await assertRefused(await blank(10, 801), 'image_too_many_pixels', /10×801 pixels, higher than 800/);
  await assertRefused(await blank(900, 790), 'image_too_many_pixels', /900×790 pixels, more than 700000 in all/);
});

test('limits hold for the upright picture: one lying on its side may be higher than wide', async () => {
  const lying = await sharp({ create: { width: 700, height: 900, channels: 3, background: 'white' } })
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toBuffer();
  const photo = await decodePhoto(lying, limits);
  assert.deepEqual([photo.width, photo.height], [900, 700]);
});

test('a small file that promises a huge picture is refused from its header', async () => {
  const memory = process.memoryUsage().rss;
  await assertRefused(pngOfClaimedSize(60_000, 60_000), 'image_too_many_pixels', /60000×60000/);
  assert.ok(process.memoryUsage().rss - memory < 200e6);
});

test('all eight orientations stand upright as sharp turns them, at any size', async () => {
  for (let orientation = 1; orientation <= 8; orientation++) {
    const file = await sharp(small).withMetadata({ orientation }).png().toBuffer();
    const photo = await decodePhoto(file, limits);
    const expected = await sharp(file).autoOrient().removeAlpha().raw().toBuffer({ resolveWithObject: true });
    assert.deepEqual([photo.width, photo.height], [expected.info.width, expected.info.height]);
    assert.deepEqual(
      Buffer.from((await uprightRaster(photo, photo.width, photo.height)).pixels),
      expected.data,
      `orientation ${orientation}`,
    );
    const half = await uprightRaster(photo, photo.width / 2, photo.height / 2);
    assert.ok(Math.abs(meanOf(half) - meanOf({ ...half, pixels: expected.data })) < 1);
  }
});

test('a region of a turned photo is the same region of the upright picture', async () => {
  const upright = await decodePhoto(small, limits);
  const region = { x: 30, y: 50, width: 70, height: 40 };
  for (let orientation = 1; orientation <= 8; orientation++) {
    const photo = await decodePhoto(await storedAs(upright.stored, orientation), limits);
    assert.deepEqual(
      (await uprightRegion(photo, region, 70, 40)).pixels,
      (await uprightRegion(upright, region, 70, 40)).pixels,
      `orientation ${orientation}`,
    );
    const {
      matrix: [a, b, c, d],
      offset: [x0, y0],
    } = storedFromUpright(photo);
    const [x, y] = [a * 30.5 + b * 50.5 + x0, c * 30.5 + d * 50.5 + y0];
    assert.deepEqual(
      pixelAt(photo.stored, Math.floor(x), Math.floor(y)),
      pixelAt(upright.stored, 30, 50),
      `orientation ${orientation}`,
    );
  }
});

async function assertRefused(bytes: Uint8Array, problem: string, message: RegExp): Promise<void> {
  await assert.rejects(decodePhoto(bytes, limits), (error: Error) => {
    assert.ok(error instanceof ImageError, String(error));
    assert.equal(error.problem, problem, error.message);
    assert.match(error.message, message);
    return true;
  });
}

/** A PNG whose pixels are stored so that `orientation` turns them into the upright picture given. */
async function storedAs(upright: Raster, orientation: number): Promise<Buffer> {
  const inverse = [0, 1, 2, 3, 4, 5, 8, 7, 6][orientation]!;
  const source = sharp(upright.pixels, { raw: { width: upright.width, height: upright.height, channels: 3 } });
  const turned = await sharp(await source.withMetadata({ orientation: inverse }).png().toBuffer())
    .autoOrient()
    .png()
    .toBuffer();
  return sharp(turned).withMetadata({ orientation }).png().toBuffer();
}

function pixelAt({ pixels, width }: Raster, x: number, y: number): number[] {
  return [...pixels.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)];
}

function meanOf({ pixels }: Raster): number {
  return pixels.reduce((sum, value) => sum + value, 0) / pixels.length;
}

function pngOfClaimedSize(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    checksum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, checksum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(1000))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
