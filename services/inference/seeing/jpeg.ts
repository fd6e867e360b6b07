import { jpegFrameOf } from '@facepass/contracts/image-format';
import type { Raster } from './raster.ts';

/** Decodes a file as sharp does; `warning` throws where libjpeg would only warn. */
export type DecodeJpeg = (bytes: Uint8Array, failOn: 'error' | 'warning') => Promise<Raster>;

/**
 * The picture of a JPEG file that ends early, and how many of its rows are missing at the bottom. A row is there when
 * its luminance is, but for the last bit that a progressive file may add, and when its colour is at the coarsest.
 * Where a scan was cut libjpeg leaves its coefficients as they were: the rows missing are those at the bottom that look
 * as if the scan had brought nothing. libvips does not tell of warnings in the last 8 rows: they may count as there.
 * @throws Error when a scan that must follow is not there at all, and what `decode` throws.
 */
export async function decodeCutJpeg(
  bytes: Uint8Array,
  decode: DecodeJpeg,
): Promise<{ raster: Raster; missingRows: number }> {
  const { scans, end } = scansOf(bytes);
  const needed = neededScans(bytes, scans);
  const last = scans[needed - 1];
  if (!last) throw new Error('the file is truncated before its last rows');
  const closed = closedAt(bytes, end);
  const whole = await decode(closed, 'warning').catch(() => null);
  if (whole) return { raster: whole, missingRows: 0 };
  const raster = await decode(closed, 'error');
  if (needed < scans.length) return { raster, missingRows: 0 };
  const before = await decode(closedAt(bytes, last.data), 'error');
  return {
    raster,
    missingRows: scans.length === 1 ? countUnbegunRows(raster, before) : countEqualRows(raster, before),
  };
}

/** One scan of a JPEG file: how far its data bring which coefficients of which components. */
interface Scan {
  /** Where its entropy-coded data begin. */
  data: number;
  components: Uint8Array;
  firstCoefficient: number;
  lastCoefficient: number;
  /** Low bits of the coefficients that still are to come. */
  bitsMissing: number;
}

/** The file up to `end`, and an end marker. */
function closedAt(bytes: Uint8Array, end: number): Uint8Array {
  const length = bytes[end - 1] === 0xff ? end - 1 : end;
  const closed = new Uint8Array(length + 2);
  closed.set(bytes.subarray(0, length));
  closed.set([0xff, 0xd9], length);
  return closed;
}

/** The scans whose headers are there, and where what is there of the file ends: at its end marker or at a cut header. */
function scansOf(bytes: Uint8Array): { scans: Scan[]; end: number } {
  const scans: Scan[] = [];
  let at = 2;
  while (at + 1 < bytes.length) {
    const marker = bytes[at + 1]!;
    if (bytes[at] !== 0xff || marker === 0 || marker === 0xff || (marker >= 0xd0 && marker <= 0xd7)) {
      at += 1;
      continue;
    }
    const next = at + 2 + (((bytes[at + 2] ?? 0xff) << 8) | (bytes[at + 3] ?? 0xff));
    if (marker === 0xd9 || next > bytes.length) return { scans, end: at };
    if (marker === 0xda) scans.push(scanAt(bytes, at, next));
    at = next;
  }
  return { scans, end: bytes.length };
}

/** SOS: length (2 bytes), number of components, two bytes for each, first and last coefficient, bits before and now. */
function scanAt(bytes: Uint8Array, start: number, data: number): Scan {
  const count = bytes[start + 4]!;
  const [firstCoefficient = 0, lastCoefficient = 0, bits = 0] = bytes.subarray(start + 5 + 2 * count, data);
  return {
    data,
    components: Uint8Array.from({ length: count }, (_, i) => bytes[start + 5 + 2 * i]!),
    firstCoefficient,
    lastCoefficient,
    bitsMissing: bits & 15,
  };
}

/** How many scans it takes until a row shows what it must; 0 where those of the file do not suffice. */
function neededScans(bytes: Uint8Array, scans: readonly Scan[]): number {
  const frame = jpegFrameOf(bytes);
  if (!frame) return 0;
  const components = Array.from({ length: bytes[frame.offset + 9] ?? 0 }, (_, i) => bytes[frame.offset + 10 + 3 * i]!);
  const missing = new Set(components.map((component) => `${component}.0`));
  for (let k = 1; k < 64; k++) missing.add(`${components[0]}.${k}`);
  for (const [i, scan] of scans.entries()) {
    if (scan.bitsMissing > 1) continue;
    for (const component of scan.components)
      for (let k = scan.firstCoefficient; k <= scan.lastCoefficient; k++) missing.delete(`${component}.${k}`);
    if (missing.size === 0) return i + 1;
  }
  return 0;
}

/** In a file of one scan also the row in which it was cut is missing: its right end is empty. */
function countUnbegunRows(raster: Raster, empty: Raster): number {
  const bytes = 3 * Math.min(4, raster.width);
  return countRows(raster, (end) => equalBytes(raster.pixels, empty.pixels, end - bytes, end));
}

function countEqualRows(raster: Raster, other: Raster): number {
  return countRows(raster, (end) => equalBytes(raster.pixels, other.pixels, end - raster.width * 3, end));
}

function equalBytes(a: Uint8Array, b: Uint8Array, start: number, end: number): boolean {
  return Buffer.compare(a.subarray(start, end), b.subarray(start, end)) === 0;
}

/** Rows from the bottom up, as long as `isMissing` says so of the row that ends at an index of `pixels`. */
function countRows({ pixels, width, height }: Raster, isMissing: (end: number) => boolean): number {
  let rows = 0;
  while (rows < height && isMissing(pixels.length - rows * width * 3)) rows += 1;
  return rows;
}
