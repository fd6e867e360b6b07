export interface Size {
  width: number;
  height: number;
}

/** Pixels of the upright picture, origin at the upper left. */
export interface Box extends Size {
  x: number;
  y: number;
}

/**
 * The largest part of a picture with the given aspect (width ÷ height): its middle, moved as little as brings `focus`
 * into it, or centred on a focus that is larger.
 */
export function cropAround(picture: Size, aspect: number, focus?: Box): Box {
  const width = Math.min(picture.width, picture.height * aspect);
  const height = Math.min(picture.height, picture.width / aspect);
  return {
    x: slide(picture.width, width, focus && [focus.x, focus.x + focus.width]),
    y: slide(picture.height, height, focus && [focus.y, focus.y + focus.height]),
    width,
    height,
  };
}

/** Where a window of `length` begins on a line of `whole`, so that it shows the span `focus`. */
function slide(whole: number, length: number, focus: [from: number, to: number] | undefined): number {
  const middle = (whole - length) / 2;
  if (!focus) return middle;
  const [from, to] = focus;
  const start = to - length <= from ? between(to - length, middle, from) : (from + to - length) / 2;
  return between(0, start, whole - length);
}

/**
 * A square around a face, `margin` times its longer side wide, moved (never shrunk, unless it must be) into the
 * picture.
 */
export function closeUp(picture: Size, face: Box, margin = 1.5): Box {
  const side = Math.min(Math.max(face.width, face.height) * margin, picture.width, picture.height);
  const centre = centreOf(face);
  return {
    x: between(0, centre.x - side / 2, picture.width - side),
    y: between(0, centre.y - side / 2, picture.height - side),
    width: side,
    height: side,
  };
}

/** The smallest box that holds all of them; `undefined` for none. */
export function around(boxes: readonly Box[]): Box | undefined {
  if (boxes.length === 0) return undefined;
  const x = Math.min(...boxes.map((box) => box.x));
  const y = Math.min(...boxes.map((box) => box.y));
  return {
    x,
    y,
    width: Math.max(...boxes.map((box) => box.x + box.width)) - x,
    height: Math.max(...boxes.map((box) => box.y + box.height)) - y,
  };
}

/** The size in whole pixels that fits into a square of `longestSide`, same shape; a smaller picture keeps its own. */
export function fitWithin(picture: Size, longestSide: number): Size {
  const scale = Math.min(1, longestSide / Math.max(picture.width, picture.height));
  if (scale === 1) return picture;
  return {
    width: Math.max(1, Math.round(picture.width * scale)),
    height: Math.max(1, Math.round(picture.height * scale)),
  };
}

function centreOf(box: Box): { x: number; y: number } {
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

function between(least: number, value: number, most: number): number {
  return Math.max(least, Math.min(value, most));
}
