import { formatProblemOf, imageFormatOf } from '@facepass/contracts/image-format';
import type { ImageProblem } from '@facepass/contracts/image-problem';
import sharp, { type Metadata } from 'sharp';
import type { Box } from './boxes.ts';
import { reasonOfDamage } from './damage.ts';
import { decodeHeic, HeicError, type HeicPixels } from './heic.ts';
import { decodeCutJpeg } from './jpeg.ts';
import type { Raster } from './raster.ts';

/** What an uploaded picture may weigh. Width and height are those of the upright picture. */
export interface ImageLimits {
  maxBytes: number;
  maxWidth: number;
  maxHeight: number;
  maxPixels: number;
}

/** The bytes are no picture that Facepass takes: `problem` names the rule, the message says how it is broken. */
export class ImageError extends Error {
  override name = 'ImageError';
  readonly problem: ImageProblem;
  constructor(problem: ImageProblem, message: string) {
    super(message);
    this.problem = problem;
  }
}

/** EXIF orientation: how the stored rows must be turned to stand upright. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** A decoded picture. Its pixels lie as stored; `width` and `height` are those of the upright picture. */
export interface Photo {
  stored: Raster;
  orientation: Orientation;
  width: number;
  height: number;
  /** Set where the file ends early: the share of the stored rows that are there, 0.95 to 1. */
  rowsDecoded?: number;
}

sharp.cache(false);
sharp.concurrency(1);
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: [
    'VipsForeignLoadJpegBuffer',
    'VipsForeignLoadPngBuffer',
    'VipsForeignLoadWebpBuffer',
    'VipsForeignLoadHeifBuffer',
  ],
});

/**
 * Decodes a JPEG, PNG, WebP, HEIC or AVIF file (of an animation the first picture), at full size, as 8-bit RGB; what is
 * transparent becomes grey. The pixels are not turned upright here, but for those of HEIC and AVIF, which their decoder
 * turns: to turn a small raster later is several times cheaper.
 * @throws ImageError when the bytes are something else, damaged or beyond `limits`; sizes are refused from the header
 * alone.
 */
export async function decodePhoto(bytes: Uint8Array, limits: ImageLimits): Promise<Photo> {
  if (bytes.length > limits.maxBytes)
    throw new ImageError('image_too_large', `The image has ${bytes.length} bytes, more than ${limits.maxBytes}.`);
  requireKnownFormat(bytes);
  if (HEVC_FORMATS.has(imageFormatOf(bytes) ?? '')) return decodeHevc(bytes, limits);
  const header = await readHeader(bytes);
  const orientation = orientationOf(header);
  const [width, height] = orientation >= 5 ? [header.height, header.width] : [header.width, header.height];
  requireSize(width, height, limits);
  return { ...(await decodePixels(bytes, header, limits)), orientation, width, height };
}

/** Formats whose pictures are HEVC, which sharp's libheif does not decode: it decodes only AVIF. */
const HEVC_FORMATS: ReadonlySet<string> = new Set(['HEIC', 'HEIF']);

async function decodeHevc(bytes: Uint8Array, limits: ImageLimits): Promise<Photo> {
  const stored = await opaque(heicPixelsOf(bytes, limits));
  return { stored, orientation: 1, width: stored.width, height: stored.height };
}

function heicPixelsOf(bytes: Uint8Array, limits: ImageLimits): HeicPixels {
  try {
    return decodeHeic(bytes, (width, height) => requireSize(width, height, limits));
  } catch (error) {
    if (!(error instanceof HeicError)) throw error;
    if (!error.isUnsupported) throw damaged(error.message);
    throw new ImageError('unsupported_format', `The HEIF file cannot be decoded: ${error.message}.`);
  }
}

async function opaque({ data, width, height, channels }: HeicPixels): Promise<Raster> {
  if (channels === 3) return { pixels: data, width, height };
  const pixels = await sharp(data, { raw: { width, height, channels } })
    .flatten({ background: TRANSPARENT })
    .raw()
    .toBuffer();
  return { pixels, width, height };
}

/** What is seen through a transparent picture. */
const TRANSPARENT = '#808080';

/** The whole photo, upright, at `width` × `height` pixels; smaller sizes are anti-aliased. */
export function uprightRaster(photo: Photo, width: number, height: number): Promise<Raster> {
  return uprightRegion(photo, { x: 0, y: 0, width: photo.width, height: photo.height }, width, height);
}

/** A region of the upright photo, in whole pixels inside it, at `width` × `height` pixels. */
export async function uprightRegion(photo: Photo, region: Box, width: number, height: number): Promise<Raster> {
  const { stored, orientation } = photo;
  const source = storedRegion(photo, region);
  const [storedWidth, storedHeight] = orientation >= 5 ? [height, width] : [width, height];
  const { flop, angle } = TURNS[orientation];
  const pixels = await sharp(stored.pixels, { raw: { width: stored.width, height: stored.height, channels: 3 } })
    .extract({ left: source.x, top: source.y, width: source.width, height: source.height })
    .resize(storedWidth, storedHeight, { fit: 'fill', kernel: 'linear' })
    .flop(flop)
    .rotate(angle)
    .raw()
    .toBuffer();
  return { pixels, width, height };
}

function storedRegion(photo: Photo, { x, y, width, height }: Box): Box {
  const {
    matrix: [a, b, c, d],
    offset: [x0, y0],
  } = storedFromUpright(photo);
  const [x1, x2] = [a * x + b * y + x0, a * (x + width) + b * (y + height) + x0];
  const [y1, y2] = [c * x + d * y + y0, c * (x + width) + d * (y + height) + y0];
  return { x: Math.min(x1, x2), y: Math.min(y1, y2), width: Math.abs(x2 - x1), height: Math.abs(y2 - y1) };
}

/**
 * Where a point of the upright photo lies in the stored pixels, as a linear map: `stored = matrix · upright + offset`.
 */
export function storedFromUpright(photo: Photo): {
  matrix: [number, number, number, number];
  offset: [number, number];
} {
  const { width, height } = photo.stored;
  switch (photo.orientation) {
    case 1:
      return { matrix: [1, 0, 0, 1], offset: [0, 0] };
    case 2:
      return { matrix: [-1, 0, 0, 1], offset: [width, 0] };
    case 3:
      return { matrix: [-1, 0, 0, -1], offset: [width, height] };
    case 4:
      return { matrix: [1, 0, 0, -1], offset: [0, height] };
    case 5:
      return { matrix: [0, 1, 1, 0], offset: [0, 0] };
    case 6:
      return { matrix: [0, 1, -1, 0], offset: [0, height] };
    case 7:
      return { matrix: [0, -1, -1, 0], offset: [width, height] };
    case 8:
      return { matrix: [0, -1, 1, 0], offset: [width, 0] };
  }
}

/** Mirror left-right first, then turn clockwise. */
const TURNS: Record<Orientation, { flop: boolean; angle: number }> = {
  1: { flop: false, angle: 0 },
  2: { flop: true, angle: 0 },
  3: { flop: false, angle: 180 },
  4: { flop: true, angle: 180 },
  5: { flop: true, angle: 270 },
  6: { flop: false, angle: 90 },
  7: { flop: true, angle: 90 },
  8: { flop: false, angle: 270 },
};

function requireKnownFormat(bytes: Uint8Array): void {
  const refused = formatProblemOf(bytes);
  if (refused) throw new ImageError(refused.problem, refused.detail);
}

async function readHeader(bytes: Uint8Array): Promise<Metadata> {
  try {
    return await sharp(bytes, { limitInputPixels: false }).metadata();
  } catch (error) {
    throw damaged(reasonOfDamage(bytes, error));
  }
}

function orientationOf(header: Metadata): Orientation {
  const { orientation } = header;
  return orientation !== undefined && orientation in TURNS ? (orientation as Orientation) : 1;
}

function requireSize(width: number, height: number, limits: ImageLimits): void {
  const refuse = (rule: string) => {
    throw new ImageError('image_too_many_pixels', `The image is ${width}×${height} pixels, ${rule}.`);
  };
  if (width > limits.maxWidth) refuse(`wider than ${limits.maxWidth}`);
  if (height > limits.maxHeight) refuse(`higher than ${limits.maxHeight}`);
  if (width * height > limits.maxPixels) refuse(`more than ${limits.maxPixels} in all`);
}

/**
 * The pixels of a file, and the share of its rows that are there. A JPEG whose last bytes are missing is kept from
 * `MIN_ROWS_DECODED` on: browsers show it, and the faces are in it.
 */
async function decodePixels(
  bytes: Uint8Array,
  header: Metadata,
  limits: ImageLimits,
): Promise<{ stored: Raster; rowsDecoded?: number }> {
  const decode = (file: Uint8Array, failOn: FailOn) => decodeFile(file, failOn, header, limits);
  try {
    return { stored: await decode(bytes, header.format === 'jpeg' ? 'warning' : 'error') };
  } catch (error) {
    if (header.format !== 'jpeg') throw damaged(reasonOfDamage(bytes, error));
    return decodeDamagedJpeg(bytes, error as Error, decode);
  }
}

type FailOn = 'error' | 'warning';

/** A file with flaws that libjpeg only warns of is taken as it is, unless the warning is that data are missing. */
async function decodeDamagedJpeg(
  bytes: Uint8Array,
  error: Error,
  decode: (file: Uint8Array, failOn: FailOn) => Promise<Raster>,
): Promise<{ stored: Raster; rowsDecoded?: number }> {
  try {
    if (!/premature end/i.test(error.message)) return { stored: await decode(bytes, 'error') };
    const { raster, missingRows } = await decodeCutJpeg(bytes, decode);
    const rowsDecoded = 1 - missingRows / raster.height;
    if (rowsDecoded >= MIN_ROWS_DECODED) return { stored: raster, rowsDecoded };
    const share = Math.floor(100 * rowsDecoded);
    throw new Error(`the file is truncated: it has ${share} % of its rows, ${100 * MIN_ROWS_DECODED} % are required`);
  } catch (reason) {
    throw damaged(reasonOfDamage(bytes, reason));
  }
}

const MIN_ROWS_DECODED = 0.95;

/**
 * Colour profiles of RGB pictures are ignored: to apply one tripled the time of decoding (33 ms against 11 ms for
 * 2.5 megapixels) and moves the colours of a photo less than the light in the room does. CMYK needs its profile.
 */
async function decodeFile(bytes: Uint8Array, failOn: FailOn, header: Metadata, limits: ImageLimits): Promise<Raster> {
  const { data, info } = await sharp(bytes, {
    limitInputPixels: limits.maxPixels,
    failOn,
    ignoreIcc: header.space !== 'cmyk',
  })
    .flatten({ background: TRANSPARENT })
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  return { pixels: data, width: info.width, height: info.height };
}

function damaged(reason: string): ImageError {
  return new ImageError('image_damaged', `The image cannot be decoded: ${reason}.`);
}
