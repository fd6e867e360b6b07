import type { Box, Detection, Point } from './boxes.ts';
import type { Orientation, Photo } from './image.ts';

/** Quarters of a turn, clockwise. */
export type Quarters = 1 | 2 | 3;

/** The EXIF orientations in the order of a clockwise turn, as they are and mirrored. */
const CLOCKWISE: Orientation[][] = [
  [1, 6, 3, 8],
  [2, 7, 4, 5],
];

/** A photo turned clockwise: the stored pixels stay, only their orientation is another. */
export function turnPhoto(photo: Photo, quarters: Quarters): Photo {
  const order = CLOCKWISE.find((orientations) => orientations.includes(photo.orientation))!;
  const orientation = order[(order.indexOf(photo.orientation) + quarters) % 4]!;
  const { width, height } = photo;
  return quarters === 2 ? { ...photo, orientation } : { ...photo, orientation, width: height, height: width };
}

/** A box and its landmarks found in a photo turned by `quarters`, in pixels of the photo as it was. */
export function turnBack<Face extends Pick<Detection, 'box' | 'landmarks'>>(
  face: Face,
  quarters: Quarters,
  photo: { width: number; height: number },
): Face {
  const { box, landmarks } = face;
  const [a, b] = [box, { x: box.x + box.width, y: box.y + box.height }].map((point) =>
    pointBack(point, quarters, photo),
  );
  const upright: Box = {
    x: Math.min(a!.x, b!.x),
    y: Math.min(a!.y, b!.y),
    width: Math.abs(a!.x - b!.x),
    height: Math.abs(a!.y - b!.y),
  };
  return {
    ...face,
    box: upright,
    ...(landmarks && { landmarks: landmarks.map((point) => pointBack(point, quarters, photo)) }),
  };
}

function pointBack({ x, y }: Point, quarters: Quarters, { width, height }: { width: number; height: number }): Point {
  if (quarters === 1) return { x: y, y: height - x };
  if (quarters === 2) return { x: width - x, y: height - y };
  return { x: width - y, y: x };
}
