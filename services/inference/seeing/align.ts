import type { ModelPack } from '@facepass/contracts/model-pack';
import type { Point } from './boxes.ts';
import type { Raster } from './raster.ts';

export type Alignment = ModelPack['alignment'];

/** Side of the square chip a recogniser takes, in pixels. */
export const CHIP_SIZE: Record<Alignment, number> = { 'arcface-112': 112 };

/** `x' = a·x − b·y + x0, y' = b·x + a·y + y0`: turn, scale and shift. */
export interface Similarity {
  a: number;
  b: number;
  x0: number;
  y0: number;
}

/** `x' = m[0]·x + m[1]·y + offset[0], y' = m[2]·x + m[3]·y + offset[1]`. */
export interface Affine {
  matrix: readonly [number, number, number, number];
  offset: readonly [number, number];
}

/**
 * The similarity transform that brings `from` closest to `to`, in the least-squares sense and without a reflection
 * (Umeyama 1991, eq. 40 to 43, closed form for the plane).
 * @throws RangeError when all points of `from` coincide or the lists differ in length.
 */
export function fitSimilarity(from: readonly Point[], to: readonly Point[]): Similarity {
  if (from.length !== to.length || from.length < 2)
    throw new RangeError(`${from.length} and ${to.length} points: two or more pairs are needed`);
  const centreFrom = meanOf(from);
  const centreTo = meanOf(to);
  let variance = 0;
  let dot = 0;
  let cross = 0;
  for (let i = 0; i < from.length; i++) {
    const [x, y] = [from[i]!.x - centreFrom.x, from[i]!.y - centreFrom.y];
    const [u, v] = [to[i]!.x - centreTo.x, to[i]!.y - centreTo.y];
    variance += x * x + y * y;
    dot += x * u + y * v;
    cross += x * v - y * u;
  }
  if (variance === 0) throw new RangeError('all points coincide');
  const [a, b] = [dot / variance, cross / variance];
  return {
    a,
    b,
    x0: centreTo.x - a * centreFrom.x + b * centreFrom.y,
    y0: centreTo.y - b * centreFrom.x - a * centreFrom.y,
  };
}

/**
 * Where each pixel of the aligned chip lies in the photo: the map from chip to photo that fits `landmarks`, 68 points
 * (iBUG 300-W order) or five (eyes, nose, corners of the mouth), to the recogniser's template. Of 68 points five are
 * made.
 */
export function chipToPhoto(alignment: Alignment, landmarks: readonly Point[]): Similarity {
  return fitSimilarity(TEMPLATES[alignment], fivePoints(landmarks));
}

/** Centres of the eyes, tip of the nose and corners of the mouth, of 68 points in iBUG order or of five. */
export function fivePoints(landmarks: readonly Point[]): Point[] {
  if (landmarks.length === 5) return [...landmarks];
  return [
    meanOf(landmarks.slice(36, 42)),
    meanOf(landmarks.slice(42, 48)),
    landmarks[30]!,
    landmarks[48]!,
    landmarks[54]!,
  ];
}

/** `outer` after `inner`. */
export function composeAffine(outer: Affine, inner: Affine): Affine {
  const [a, b, c, d] = outer.matrix;
  const [e, f, g, h] = inner.matrix;
  const [x, y] = inner.offset;
  return {
    matrix: [a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h],
    offset: [a * x + b * y + outer.offset[0], c * x + d * y + outer.offset[1]],
  };
}

export function affineOf({ a, b, x0, y0 }: Similarity): Affine {
  return { matrix: [a, -b, b, a], offset: [x0, y0] };
}

/**
 * Cuts a square chip of `size` pixels out of `source`, bilinear; `toSource` maps chip to source (pixel centres at .5).
 * Where the chip is smaller than its piece of the source, whole blocks of pixels are averaged first, so that a large
 * face is not aliased. Outside the source lies black. No array is taken apart inside
 * the loops: that made 13 to 21 MB of garbage a photo, and 130 collections a second in each worker.
 */
export function cutChip(source: Raster, toSource: Affine, size: number): Uint8Array {
  const {
    matrix: [a, b, c, d],
    offset: [x0, y0],
  } = toSource;
  const block = Math.max(1, Math.round(Math.sqrt(Math.abs(a * d - b * c))));
  const left = Math.floor((x0 + Math.min(0, a * size) + Math.min(0, b * size)) / block) - 1;
  const top = Math.floor((y0 + Math.min(0, c * size) + Math.min(0, d * size)) / block) - 1;
  const columns = Math.ceil((size * (Math.abs(a) + Math.abs(b))) / block) + 4;
  const rows = Math.ceil((size * (Math.abs(c) + Math.abs(d))) / block) + 4;
  const region = averageBlocks(source, left, top, columns, rows, block);
  const chip = new Uint8Array(size * size * 3);
  for (let y = 0, out = 0; y < size; y++) {
    for (let x = 0; x < size; x++, out += 3) {
      const u = (a * (x + 0.5) + b * (y + 0.5) + x0) / block - left - 0.5;
      const v = (c * (x + 0.5) + d * (y + 0.5) + y0) / block - top - 0.5;
      const column = Math.floor(u);
      const row = Math.floor(v);
      const right = u - column;
      const bottom = v - row;
      const upper = (row * columns + column) * 3;
      const lower = upper + columns * 3;
      for (let channel = 0; channel < 3; channel++) {
        const above = region[upper + channel]! * (1 - right) + region[upper + channel + 3]! * right;
        const below = region[lower + channel]! * (1 - right) + region[lower + channel + 3]! * right;
        chip[out + channel] = above * (1 - bottom) + below * bottom + 0.5;
      }
    }
  }
  return chip;
}

/**
 * Means of `block` × `block` pixels; the raster's pixels outside `source` are black and an edge block counts what it
 * holds.
 */
function averageBlocks(
  source: Raster,
  left: number,
  top: number,
  columns: number,
  rows: number,
  block: number,
): Uint8Array {
  const { pixels, width, height } = source;
  const means = new Uint8Array(columns * rows * 3);
  for (let row = 0; row < rows; row++) {
    const y0 = Math.max(0, (top + row) * block);
    const y1 = Math.min(height, (top + row + 1) * block);
    for (let column = 0; column < columns; column++) {
      const x0 = Math.max(0, (left + column) * block);
      const x1 = Math.min(width, (left + column + 1) * block);
      if (x1 <= x0 || y1 <= y0) continue;
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let y = y0; y < y1; y++) {
        for (let at = (y * width + x0) * 3, end = (y * width + x1) * 3; at < end; at += 3) {
          red += pixels[at]!;
          green += pixels[at + 1]!;
          blue += pixels[at + 2]!;
        }
      }
      const count = (x1 - x0) * (y1 - y0);
      const out = (row * columns + column) * 3;
      means[out] = red / count + 0.5;
      means[out + 1] = green / count + 0.5;
      means[out + 2] = blue / count + 0.5;
    }
  }
  return means;
}

function meanOf(points: readonly Point[]): Point {
  const sum = points.reduce((total, { x, y }) => ({ x: total.x + x, y: total.y + y }), { x: 0, y: 0 });
  return { x: sum.x / points.length, y: sum.y / points.length };
}

/** The five points of InsightFace's 112-pixel chips (`arcface_dst`). */
const ARCFACE_TEMPLATE: Point[] = [
  { x: 38.2946, y: 51.6963 },
  { x: 73.5318, y: 51.5014 },
  { x: 56.0252, y: 71.7366 },
  { x: 41.5493, y: 92.3655 },
  { x: 70.7299, y: 92.2041 },
];

const TEMPLATES: Record<Alignment, Point[]> = { 'arcface-112': ARCFACE_TEMPLATE };
