import type { Box } from './boxes.ts';
import type { Raster } from './raster.ts';

/** From one level of the pyramid to the next a photo grows by this factor at most. */
const LARGEST_STEP = 2.5;

/**
 * Scales at which a photo is looked at, coarsest first: the first shows it whole in the detector's input, the last is
 * `largestScale`, the steps between are equal. A photo that fits the input at the largest scale has one level.
 */
export function pyramidScales(longerSide: number, inputSize: number, largestScale: number): number[] {
  const whole = Math.min(inputSize / longerSide, largestScale);
  const ratio = largestScale / whole;
  const steps = Math.ceil(Math.log(ratio) / Math.log(LARGEST_STEP) - 1e-9);
  return Array.from({ length: steps + 1 }, (_, level) => whole * ratio ** (level / Math.max(1, steps)));
}

/**
 * Width and height of a detector's input are multiples of this, where they may vary: few shapes keep onnxruntime's
 * memory small.
 */
export const INPUT_MULTIPLE = 64;

/** Side of the blocks in which detail is measured, in pixels. */
const BLOCK = 16;

/** Which blocks of `BLOCK` × `BLOCK` pixels of a raster are worth a look, row by row. */
export interface BlockMap {
  columns: number;
  rows: number;
  marked: Uint8Array;
}

/**
 * Marks the blocks of a raster with fine detail: those where the Laplacian of the green channel has a standard
 * deviation of `minDetail` grey values or more. What is out of focus, sky, wall or skin has none; the features of a
 * small face have.
 */
export function markDetail({ pixels, width, height }: Raster, minDetail: number): BlockMap {
  const [columns, rows] = [Math.ceil(width / BLOCK), Math.ceil(height / BLOCK)];
  const marked = new Uint8Array(columns * rows);
  const line = width * 3;
  for (let row = 0; row < rows; row++) {
    const [top, bottom] = [Math.max(1, row * BLOCK), Math.min(height - 1, (row + 1) * BLOCK)];
    for (let column = 0; column < columns; column++) {
      const [left, right] = [Math.max(1, column * BLOCK), Math.min(width - 1, (column + 1) * BLOCK)];
      let [sum, squares] = [0, 0];
      for (let y = top; y < bottom; y++) {
        for (let at = y * line + left * 3 + 1, end = y * line + right * 3; at < end; at += 3) {
          const laplacian =
            4 * pixels[at]! - pixels[at - 3]! - pixels[at + 3]! - pixels[at - line]! - pixels[at + line]!;
          sum += laplacian;
          squares += laplacian * laplacian;
        }
      }
      const count = Math.max(1, (bottom - top) * (right - left));
      if (squares / count - (sum / count) ** 2 >= minDetail * minDetail) marked[row * columns + column] = 1;
    }
  }
  return { columns, rows, marked };
}

/** Takes the marks off the blocks that lie wholly inside a box, in pixels of the raster. */
export function unmark({ columns, rows, marked }: BlockMap, box: Box): void {
  const [left, right] = [
    Math.max(0, Math.ceil(box.x / BLOCK)),
    Math.min(columns, Math.floor((box.x + box.width) / BLOCK)),
  ];
  const [top, bottom] = [
    Math.max(0, Math.ceil(box.y / BLOCK)),
    Math.min(rows, Math.floor((box.y + box.height) / BLOCK)),
  ];
  for (let row = top; row < bottom; row++)
    if (right > left) marked.fill(0, row * columns + left, row * columns + right);
}

export interface CoverOptions {
  /** Width and height of the raster to be covered, `zoom` times as large as the one the blocks were marked in. */
  width: number;
  height: number;
  zoom: number;
  /**
   * Room left around every marked block, in pixels of that raster, so that a face it belongs to lies whole in the tile.
   */
  margin: number;
  /** Tiles are no larger than this. */
  maxSide: number;
}

/** Covers the marked blocks with tiles, in whole pixels: halved as long as that leaves less to look at. */
export function coverMarked(map: BlockMap, options: CoverOptions): Box[] {
  const cover = (span: Span): Box[] => {
    const marked = shrinkToMarks(map, span);
    if (!marked) return [];
    const tile = tileOver(marked, options);
    const fits = tile.width <= options.maxSide && tile.height <= options.maxSide;
    const halves = halvesOf(marked);
    if (!halves) return [tile];
    const parts = halves.flatMap(cover);
    return fits && costOf([tile]) <= costOf(parts) ? [tile] : parts;
  };
  return cover({ left: 0, top: 0, right: map.columns, bottom: map.rows });
}

/** What a detector's run costs, in pixels of its input: those, and the start of the run. */
export function costOf(tiles: readonly Box[]): number {
  return tiles.reduce((sum, { width, height }) => sum + roundUp(width) * roundUp(height) + 4096, 0);
}

/** The blocks with their margin; what the detector would pad its input with shows more of the surroundings instead. */
function tileOver({ left, top, right, bottom }: Span, { zoom, margin, width, height }: CoverOptions): Box {
  const [across, down] = [
    spanOver(left, right, BLOCK * zoom, margin, width),
    spanOver(top, bottom, BLOCK * zoom, margin, height),
  ];
  return { x: across.start, y: down.start, width: across.length, height: down.length };
}

function spanOver(
  first: number,
  last: number,
  edge: number,
  margin: number,
  limit: number,
): { start: number; length: number } {
  const least = Math.ceil((last - first) * edge + 2 * margin);
  const length = Math.min(limit, roundUp(least));
  const start = Math.floor(first * edge - margin - (length - least) / 2);
  return { start: Math.max(0, Math.min(limit - length, start)), length };
}

function roundUp(length: number): number {
  return Math.ceil(length / INPUT_MULTIPLE) * INPUT_MULTIPLE;
}

/** A rectangle of blocks; right and bottom are the first outside. */
interface Span {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

function shrinkToMarks({ columns, marked }: BlockMap, span: Span): Span | null {
  let [left, top, right, bottom] = [span.right, span.bottom, span.left, span.top];
  for (let row = span.top; row < span.bottom; row++) {
    for (let column = span.left; column < span.right; column++) {
      if (!marked[row * columns + column]) continue;
      left = Math.min(left, column);
      right = Math.max(right, column + 1);
      top = Math.min(top, row);
      bottom = Math.max(bottom, row + 1);
    }
  }
  return right > left ? { left, top, right, bottom } : null;
}

function halvesOf(span: Span): [Span, Span] | null {
  const [width, height] = [span.right - span.left, span.bottom - span.top];
  if (width <= 1 && height <= 1) return null;
  if (width >= height) {
    const middle = span.left + (width >> 1);
    return [
      { ...span, right: middle },
      { ...span, left: middle },
    ];
  }
  const middle = span.top + (height >> 1);
  return [
    { ...span, bottom: middle },
    { ...span, top: middle },
  ];
}

/**
 * Whether a box ends, give or take `near`, at an edge of its region that lies inside the photo: the region shows only a
 * part of what is there.
 */
export function isCut(box: Box, region: Box, photo: { width: number; height: number }, near: number): boolean {
  return (
    (region.x > 0 && box.x <= region.x + near) ||
    (region.y > 0 && box.y <= region.y + near) ||
    (region.x + region.width < photo.width && box.x + box.width >= region.x + region.width - near) ||
    (region.y + region.height < photo.height && box.y + box.height >= region.y + region.height - near)
  );
}

/** The smallest region of whole pixels of the photo that shows what a tile of the level does. */
export function wholePixels(
  tile: Box,
  level: { width: number; height: number },
  photo: { width: number; height: number },
): Box {
  const [across, down] = [photo.width / level.width, photo.height / level.height];
  const [x, y] = [Math.floor(tile.x * across), Math.floor(tile.y * down)];
  const right = Math.min(photo.width, Math.ceil((tile.x + tile.width) * across));
  const bottom = Math.min(photo.height, Math.ceil((tile.y + tile.height) * down));
  return { x, y, width: right - x, height: bottom - y };
}
