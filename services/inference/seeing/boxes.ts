/** Upper left corner and size; origin at the upper left of the picture, y downwards. */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Point {
  x: number;
  y: number;
}

/** A place where a detector saw a face, with its score, 0 to 1; the five points where the detector gives them. */
export interface Detection {
  box: Box;
  score: number;
  /** Eye on the left of the picture, eye on the right, tip of the nose, corners of the mouth: left, right. */
  landmarks?: Point[];
}

export function areaOf(box: Box): number {
  return Math.max(0, box.width) * Math.max(0, box.height);
}

/** Area that two boxes share, in square pixels. */
export function sharedArea(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return width > 0 && height > 0 ? width * height : 0;
}

/** Intersection over union, 0 to 1. */
export function overlapOf(a: Box, b: Box): number {
  const shared = sharedArea(a, b);
  return shared === 0 ? 0 : shared / (areaOf(a) + areaOf(b) - shared);
}

/**
 * Greedy non-maximum suppression: the best detection stays, those it `covers` go, and so on. Best first in the answer.
 * Equal scores keep their order, so the answer is the same at every run.
 */
export function suppressOverlaps<D extends Detection>(
  detections: readonly D[],
  covers: (kept: D, other: D) => boolean,
): D[] {
  const kept: D[] = [];
  for (const candidate of detections.toSorted((a, b) => b.score - a.score)) {
    if (!kept.some((better) => covers(better, candidate))) kept.push(candidate);
  }
  return kept;
}

/** A box in other coordinates: `point * scale + offset` on each axis. */
export function moveBox(box: Box, scale: Point, offset: Point = { x: 0, y: 0 }): Box {
  return {
    x: box.x * scale.x + offset.x,
    y: box.y * scale.y + offset.y,
    width: box.width * scale.x,
    height: box.height * scale.y,
  };
}

/** A detection in other coordinates. */
export function moveDetection<D extends Detection>(detection: D, scale: Point, offset: Point): D {
  const { box, landmarks } = detection;
  return {
    ...detection,
    box: moveBox(box, scale, offset),
    ...(landmarks && {
      landmarks: landmarks.map(({ x, y }) => ({ x: x * scale.x + offset.x, y: y * scale.y + offset.y })),
    }),
  };
}

/** A detection in a picture `width` pixels wide, as it lies in the mirrored picture. */
export function mirrorDetection(detection: Detection, width: number): Detection {
  const { box, landmarks } = detection;
  const mirrored = landmarks?.map(({ x, y }) => ({ x: width - x, y }));
  return {
    ...detection,
    box: { ...box, x: width - box.x - box.width },
    ...(mirrored && { landmarks: MIRRORED_ORDER.map((i) => mirrored[i]!) }),
  };
}

const MIRRORED_ORDER = [1, 0, 2, 4, 3];

/** The square around the box's centre whose side is the longer side of the box times `factor`. */
export function squareAround(box: Box, factor: number): Box {
  const side = Math.max(box.width, box.height) * factor;
  return { x: box.x + (box.width - side) / 2, y: box.y + (box.height - side) / 2, width: side, height: side };
}

/** Distance of the centres. */
export function distanceOf(a: Box, b: Box): number {
  return Math.hypot(a.x + a.width / 2 - b.x - b.width / 2, a.y + a.height / 2 - b.y - b.height / 2);
}

/** In pixels. */
export function longerSideOf(box: Box): number {
  return Math.max(box.width, box.height);
}

export function centreOf({ x, y, width, height }: Box): Point {
  return { x: x + width / 2, y: y + height / 2 };
}
