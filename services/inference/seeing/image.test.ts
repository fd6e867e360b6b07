import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { decodePhoto, ImageError, storedFromUpright, uprightRaster, uprightRegion, type ImageLimits } from './image.ts';
import type { Raster } from './raster.ts';
import { readSample } from '../tests/pictures.ts';

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
  await assertRefused(Buffer.from(svg), 'unsupported_format', /SVG/);
  await assertRefused(Buffer.from('a letter, not a photo'), 'not_an_image', /not an image/);
  await assertRefused(Buffer.alloc(0), 'not_an_image', /empty/);
});

test('whole files of a kind that is not decoded are refused by the name of the kind, not as damaged', async () => {
  const jpeg = await sharp(small).jpeg().toBuffer();
  const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0]));
  await assertRefused(Buffer.from(jpeg).fill(12, frame + 4, frame + 5), 'unsupported_format', /12-bit JPEG/);
  await assertRefused(Buffer.from(jpeg).fill(0xc3, frame + 1, frame + 2), 'unsupported_format', /lossless JPEG/);
  const cgbi = Buffer.concat([small.subarray(0, 8), pngChunk('CgBI', Buffer.alloc(4)), small.subarray(8)]);
  await assertRefused(cgbi, 'unsupported_format', /CgBI PNG/);
});

test('a damaged PNG is refused with what is wrong with it', async () => {
  const data = small.indexOf('IDAT');
  const flipped = Buffer.from(small);
  flipped[data + 4 + small.readUInt32BE(data - 4)]! ^= 1;
  await assertRefused(flipped, 'image_damaged', /the checksum of its IDAT chunk is wrong/);
  await assertRefused(small.subarray(0, small.length >> 1), 'image_damaged', /the file is truncated in its IDAT chunk/);
  const noData = Buffer.concat([small.subarray(0, 33), pngChunk('IEND', Buffer.alloc(0))]);
  await assertRefused(noData, 'image_damaged', /no IDAT chunk/);
});

test('a loader of another format never runs, even behind a signature that lies', async () => {
  const lie = Buffer.concat([Buffer.from([0xff, 0xd8, 0xff]), (await sharp(small).gif().toBuffer()).subarray(3)]);
  await assertRefused(lie, 'image_damaged', /cannot be decoded/);
  await assert.rejects(sharp(await sharp(small).tiff().toBuffer()).metadata(), /unsupported image format/);
});

test('a PNG or WebP file cut short is refused at any length, a JPEG from where a twentieth of its rows is missing', async () => {
  for (const format of ['jpeg', 'png', 'webp'] as const) {
    const whole = await sharp(small)[format]().toBuffer();
    for (const share of format === 'jpeg' ? [0.1, 0.5, 0.9] : [0.1, 0.5, 0.9, 0.98])
      await assertRefused(
        whole.subarray(0, Math.floor(share * whole.length)),
        'image_damaged',
        /cannot be decoded: \w/,
      );
  }
});

/** Ways in which the last bytes of a JPEG file may be lost: it ends there, or a program has put an end marker after. */
const ENDS = { 'nothing after': Buffer.alloc(0), 'an end marker after': Buffer.from([0xff, 0xd9]) };

for (const [kind, options] of Object.entries({
  baseline: {},
  'full colour': { chromaSubsampling: '4:4:4' },
  progressive: { progressive: true },
  'progressive by mozjpeg': { mozjpeg: true },
})) {
  test(`a ${kind} JPEG without its end marker is taken whole, and says that it ends early`, async () => {
    const whole = await sharp(small).jpeg(options).toBuffer();
    const cut = await decodePhoto(whole.subarray(0, -2), limits);
    assert.ok([1, undefined].includes(cut.rowsDecoded));
    assert.deepEqual(cut.stored, (await decodePhoto(whole, limits)).stored);
  });
}

for (const [end, after] of Object.entries(ENDS)) {
  test(`a JPEG that lost its last bytes, ${end}, is taken with the rows that are there, or refused with their share`, async () => {
    for (const picture of [sharp(small), sharp(small).greyscale(), sharp(small).toColourspace('cmyk')]) {
      const file = await picture.jpeg({ chromaSubsampling: '4:4:4' }).toBuffer();
      const whole = (await decodePhoto(file, limits)).stored;
      for (const lost of [0.02, 0.03, 0.1, 0.3, 0.6]) {
        const cut = Buffer.concat([file.subarray(0, Math.floor((1 - lost) * file.length)), after]);
        const outcome = await decodePhoto(cut, limits).catch((error: ImageError) => error);
        if (outcome instanceof ImageError) {
          assert.equal(outcome.problem, 'image_damaged');
          const share = Number(
            /is truncated: it has (\d+) % of its rows, 95 % are required/.exec(outcome.message)?.[1],
          );
          assert.ok(lost > 0.03 && share < 95 && share > 100 * (0.85 - lost), `${lost} lost: ${outcome.message}`);
          continue;
        }
        const { rowsDecoded = 1, stored } = outcome;
        const line = 300 * 3;
        const equalAt = (row: number) =>
          !Buffer.compare(
            stored.pixels.subarray(row * line, (row + 1) * line),
            whole.pixels.subarray(row * line, (row + 1) * line),
          );
        const first = Array.from({ length: 200 }, (_, row) => row).find((row) => !equalAt(row)) ?? 200;
        assert.ok(lost < 0.1 && rowsDecoded >= 0.95, `${lost} lost: ${rowsDecoded}`);
        assert.ok(Math.abs(200 * rowsDecoded - first) <= 8, `${lost} lost: ${rowsDecoded}, ${first} rows are there`);
      }
    }
  });
}

test('a progressive JPEG may lack the last bit of its coefficients, but not more', async () => {
  const file = await sharp(small).jpeg({ progressive: true }).toBuffer();
  const scans = [...file.toString('latin1').matchAll(/\xff\xda\0/g)].map(({ index }) => index);
  const before = (scan: number) => decodePhoto(file.subarray(0, scans.at(scan)! + 20), limits);
  assert.equal((await before(-1)).rowsDecoded, 1);
  await assert.rejects(before(2), (error: ImageError) => /is truncated before its last rows/.test(error.message));
});

test('a JPEG with garbage after its end marker is taken as it is', async () => {
  const file = Buffer.concat([await sharp(small).jpeg().toBuffer(), Buffer.from('trailer of a phone')]);
  assert.equal((await decodePhoto(file, limits)).rowsDecoded, undefined);
});

const field = process.env['FACEPASS_TEST_FIELD'];

test(
  'files that failed in the field get the right answer',
  { skip: field ? false : 'needs FACEPASS_TEST_FIELD' },
  async () => {
    const read = (name: string) => readFile(join(field!, name));
    assert.equal((await decodePhoto(await read('noeoi.jpg'), limits)).rowsDecoded, 1);
    await assertRefused(await read('cgbi.png'), 'unsupported_format', /CgBI PNG/);
    await assertRefused(await read('jpeg-12bit.jpg'), 'unsupported_format', /12-bit JPEG/);
    await assertRefused(await read('x.jp2'), 'unsupported_format', /JPEG 2000/);
    await assertRefused(await read('x.svg'), 'unsupported_format', /SVG/);
    await assertRefused(
      await read('x_interlaced_chck.png'),
      'image_damaged',
      /the checksum of its IDAT chunk is wrong/,
    );
  },
);

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
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    pngChunk('IHDR', header),
    pngChunk('IDAT', deflateSync(Buffer.alloc(1000))),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, checksum]);
}
