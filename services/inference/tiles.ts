import type { Box } from './boxes.ts';
import type { Raster } from './image.ts';

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
 * Covers a raster with tiles of at most `tileSize` pixels a side, neighbours sharing at least `overlap` pixels, so that what is
 * no larger than the overlap lies whole in one tile. As few tiles as that takes, as small as that allows; whole pixels.
 */
export function planTiles(width: number, height: number, tileSize: number, overlap: number): Box[] {
  const columns = planSpans(width, tileSize, overlap);
  return planSpans(height, tileSize, overlap).flatMap((row) =>
    columns.map((column) => ({ x: column.start, y: row.start, width: column.length, height: row.length })),
  );
}

function planSpans(length: number, tileSize: number, overlap: number): { start: number; length: number }[] {
  const count = Math.max(1, Math.ceil((length - overlap) / (tileSize - overlap)));
  const span = Math.min(length, Math.ceil((length + (count - 1) * overlap) / count));
  return Array.from({ length: count }, (_, i) => ({ start: count === 1 ? 0 : Math.round((i * (length - span)) / (count - 1)), length: span }));
}

/** Whether a box ends at an edge that its tile has inside the raster: the tile shows only a part of what is there. */
export function isCutByTile(box: Box, tile: Box, raster: { width: number; height: number }): boolean {
  const near = 2;
  return (
    (tile.x > 0 && box.x <= tile.x + near) ||
    (tile.y > 0 && box.y <= tile.y + near) ||
    (tile.x + tile.width < raster.width && box.x + box.width >= tile.x + tile.width - near) ||
    (tile.y + tile.height < raster.height && box.y + box.height >= tile.y + tile.height - near)
  );
}

/** Side of the blocks in which contrast is measured, in pixels: about the smallest face. */
const BLOCK = 32;

/**
 * Whether any block of a tile holds a contrast of `minContrast` grey values, sampled at every second pixel of the green channel.
 * Sky, walls and studio backgrounds do not, and hold no face.
 */
export function hasContrast({ pixels, width }: Raster, tile: Box, minContrast: number): boolean {
  for (let top = tile.y; top < tile.y + tile.height; top += BLOCK) {
    for (let left = tile.x; left < tile.x + tile.width; left += BLOCK) {
      const [bottom, right] = [Math.min(top + BLOCK, tile.y + tile.height), Math.min(left + BLOCK, tile.x + tile.width)];
      let [darkest, brightest] = [255, 0];
      for (let y = top; y < bottom; y += 2) {
        for (let at = (y * width + left) * 3 + 1, end = (y * width + right) * 3; at < end; at += 6) {
          const green = pixels[at]!;
          if (green < darkest) darkest = green;
          if (green > brightest) brightest = green;
        }
      }
      if (brightest - darkest >= minContrast) return true;
    }
  }
  return false;
}
