import type { ModelPack } from '@facepass/contracts/model-pack';
import type { Point } from './boxes.ts';
import type { Raster } from './image.ts';

export type Alignment = ModelPack['alignment'];

/** Side of the square chip a recogniser takes, in pixels. */
export const CHIP_SIZE: Record<Alignment, number> = { 'dlib-150': 150, 'arcface-112': 112 };

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
  if (from.length !== to.length || from.length < 2) throw new RangeError(`${from.length} and ${to.length} points: two or more pairs are needed`);
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
  return { a, b, x0: centreTo.x - a * centreFrom.x + b * centreFrom.y, y0: centreTo.y - b * centreFrom.x - a * centreFrom.y };
}

export function applySimilarity({ a, b, x0, y0 }: Similarity, { x, y }: Point): Point {
  return { x: a * x - b * y + x0, y: b * x + a * y + y0 };
}

/**
 * Where each pixel of the aligned chip lies in the photo: the map from chip to photo that fits `landmarks`, 68 points
 * (iBUG 300-W order) or 5 (eyes, nose, corners of the mouth), to the recogniser's template.
 */
export function chipToPhoto(alignment: Alignment, landmarks: readonly Point[]): Similarity {
  if (alignment === 'dlib-150' && landmarks.length === 68) return fitSimilarity(DLIB_TEMPLATE, DLIB_INDICES.map((i) => landmarks[i]!));
  const template = alignment === 'dlib-150' ? fivePoints(DLIB_TEMPLATE_68) : ARCFACE_TEMPLATE;
  return fitSimilarity(template, landmarks.length === 68 ? fivePoints(landmarks) : landmarks);
}

/** Centres of the eyes, tip of the nose and corners of the mouth, of 68 points in iBUG order or of five. */
export function fivePoints(landmarks: readonly Point[]): Point[] {
  if (landmarks.length === 5) return [...landmarks];
  return [meanOf(landmarks.slice(36, 42)), meanOf(landmarks.slice(42, 48)), landmarks[30]!, landmarks[48]!, landmarks[54]!];
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
 * Where the chip is smaller than its piece of the source, whole blocks of pixels are averaged first, so that a large face is not
 * aliased. Outside the source lies black, as in dlib's `extract_image_chip`.
 */
export function cutChip(source: Raster, toSource: Affine, size: number): Uint8Array {
  const { matrix: [a, b, c, d], offset: [x0, y0] } = toSource;
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
      const [right, bottom] = [u - column, v - row];
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

/** Means of `block` × `block` pixels; the raster's pixels outside `source` are black and an edge block counts what it holds. */
function averageBlocks(source: Raster, left: number, top: number, columns: number, rows: number, block: number): Uint8Array {
  const { pixels, width, height } = source;
  const means = new Uint8Array(columns * rows * 3);
  for (let row = 0; row < rows; row++) {
    const [y0, y1] = [Math.max(0, (top + row) * block), Math.min(height, (top + row + 1) * block)];
    for (let column = 0; column < columns; column++) {
      const [x0, x1] = [Math.max(0, (left + column) * block), Math.min(width, (left + column + 1) * block)];
      if (x1 <= x0 || y1 <= y0) continue;
      let [red, green, blue] = [0, 0, 0];
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

/** Mean positions of points 17 to 67 in dlib's training set, 0 to 1 of the face (dlib `image_transforms/interpolation.h`). */
const MEAN_FACE_X = [
  0.000213256, 0.0752622, 0.18113, 0.29077, 0.393397, 0.586856, 0.689483, 0.799124, 0.904991, 0.98004, 0.490127, 0.490127, 0.490127,
  0.490127, 0.36688, 0.426036, 0.490127, 0.554217, 0.613373, 0.121737, 0.187122, 0.265825, 0.334606, 0.260918, 0.182743, 0.645647,
  0.714428, 0.793132, 0.858516, 0.79751, 0.719335, 0.254149, 0.340985, 0.428858, 0.490127, 0.551395, 0.639268, 0.726104, 0.642159,
  0.556721, 0.490127, 0.423532, 0.338094, 0.290379, 0.428096, 0.490127, 0.552157, 0.689874, 0.553364, 0.490127, 0.42689,
];
const MEAN_FACE_Y = [
  0.106454, 0.038915, 0.0187482, 0.0344891, 0.0773906, 0.0773906, 0.0344891, 0.0187482, 0.038915, 0.106454, 0.203352, 0.307009, 0.409805,
  0.515625, 0.587326, 0.609345, 0.628106, 0.609345, 0.587326, 0.216423, 0.178758, 0.179852, 0.231733, 0.245099, 0.244077, 0.231733,
  0.179852, 0.178758, 0.216423, 0.244077, 0.245099, 0.780233, 0.745405, 0.727388, 0.742578, 0.727388, 0.745405, 0.780233, 0.864805,
  0.902192, 0.909281, 0.902192, 0.864805, 0.784792, 0.778746, 0.785343, 0.778746, 0.784792, 0.824182, 0.831803, 0.824182,
];

/** Room around the face, as a share of its width: the value dlib's recogniser was trained with. */
const DLIB_PADDING = 0.25;

const DLIB_TEMPLATE_68: Point[] = Array.from({ length: 68 }, (_, i) => {
  const place = (mean: number[]) => ((DLIB_PADDING + (mean[i - 17] ?? 0)) / (2 * DLIB_PADDING + 1)) * CHIP_SIZE['dlib-150'];
  return { x: place(MEAN_FACE_X), y: place(MEAN_FACE_Y) };
});

/** As in dlib, neither jaw (0 to 16), eyebrows (17 to 26) nor lower lip (55 to 59): they move most with the expression. */
const DLIB_INDICES = Array.from({ length: 68 }, (_, i) => i).filter((i) => i >= 27 && !(i >= 55 && i <= 59));
const DLIB_TEMPLATE = DLIB_INDICES.map((i) => DLIB_TEMPLATE_68[i]!);

/** The five points of InsightFace's 112-pixel chips (`arcface_dst`). */
const ARCFACE_TEMPLATE: Point[] = [
  { x: 38.2946, y: 51.6963 },
  { x: 73.5318, y: 51.5014 },
  { x: 56.0252, y: 71.7366 },
  { x: 41.5493, y: 92.3655 },
  { x: 70.7299, y: 92.2041 },
];
