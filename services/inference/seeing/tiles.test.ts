import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sharedArea } from './boxes.ts';
import { costOf, coverMarked, isCut, markDetail, pyramidScales, unmark, wholePixels } from './tiles.ts';

test('a pyramid starts with the whole photo in the input, ends at the largest scale and climbs in even steps', () => {
  fc.assert(
    fc.property(fc.integer({ min: 16, max: 12_000 }), fc.integer({ min: 128, max: 1024 }), (longerSide, input) => {
      const scales = pyramidScales(longerSide, input, 1.4);
      assert.ok(scales[0]! * longerSide <= input + 1e-6);
      assert.ok(Math.abs(scales.at(-1)! - 1.4) < 1e-9 || (scales.length === 1 && scales[0] === 1.4));
      for (let i = 1; i < scales.length; i++)
        assert.ok(scales[i]! > scales[i - 1]! && scales[i]! / scales[i - 1]! <= 2.5 + 1e-6);
    }),
    { verbose: true },
  );
});

test('every marked block lies in a tile with its margin, and no tile is larger than the input', () => {
  const maps = fc
    .record({ columns: fc.integer({ min: 1, max: 60 }), rows: fc.integer({ min: 1, max: 60 }) })
    .chain(({ columns, rows }) =>
      fc.record({
        columns: fc.constant(columns),
        rows: fc.constant(rows),
        marks: fc.array(fc.nat(columns * rows - 1), { maxLength: 60 }),
      }),
    );
  fc.assert(
    fc.property(maps, fc.double({ min: 1, max: 2.5, noNaN: true }), ({ columns, rows, marks }, zoom) => {
      const marked = new Uint8Array(columns * rows);
      for (const mark of marks) marked[mark] = 1;
      const [width, height] = [Math.round(columns * 16 * zoom), Math.round(rows * 16 * zoom)];
      const tiles = coverMarked({ columns, rows, marked }, { width, height, zoom, margin: 50, maxSide: 512 });
      assert.equal(tiles.length > 0, marks.length > 0);
      for (const tile of tiles) {
        assert.ok(
          tile.width <= 512 &&
            tile.height <= 512 &&
            tile.x >= 0 &&
            tile.y >= 0 &&
            tile.x + tile.width <= width &&
            tile.y + tile.height <= height,
        );
      }
      for (const mark of marks) {
        const block = {
          x: (mark % columns) * 16 * zoom,
          y: Math.floor(mark / columns) * 16 * zoom,
          width: 16 * zoom,
          height: 16 * zoom,
        };
        const room = clip(
          { x: block.x - 49, y: block.y - 49, width: block.width + 98, height: block.height + 98 },
          width,
          height,
        );
        assert.ok(
          tiles.some((tile) => sharedArea(tile, room) > room.width * room.height * 0.999),
          `block ${mark} of ${columns}×${rows}`,
        );
      }
    }),
    { verbose: true },
  );
});

test('two faces far apart cost two small tiles, not one large one', () => {
  const marked = new Uint8Array(30 * 30);
  marked[0] = marked[899] = 1;
  const tiles = coverMarked(
    { columns: 30, rows: 30, marked },
    { width: 480, height: 480, zoom: 1, margin: 40, maxSide: 512 },
  );
  assert.equal(tiles.length, 2);
  assert.ok(costOf(tiles) < costOf([{ x: 0, y: 0, width: 480, height: 480 }]) / 5);
});

test('detail is marked where stripes are, not on a plain or slowly changing ground, and not inside a box that is taken off', () => {
  const [width, height] = [160, 96];
  const pixels = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      pixels.fill(
        x >= 64 && x < 112 && y >= 32 && y < 64 ? ((x >> 1) % 2) * 120 : x,
        (y * width + x) * 3,
        (y * width + x) * 3 + 3,
      );
  const detail = markDetail({ pixels, width, height }, 16);
  const marks = () =>
    [...detail.marked.keys()].filter((i) => detail.marked[i]).map((i) => `${i % 10},${Math.floor(i / 10)}`);
  for (const block of ['4,2', '5,2', '6,2', '4,3', '5,3', '6,3']) assert.ok(marks().includes(block), block);
  assert.ok(
    !marks().some(
      (block) => block.endsWith(',0') || block.endsWith(',5') || block.startsWith('0,') || block.startsWith('9,'),
    ),
  );
  unmark(detail, { x: 40, y: 10, width: 100, height: 80 });
  assert.deepEqual(marks(), []);
});

test('a box at an inner edge is cut, at the edge of the photo it is not', () => {
  const photo = { width: 1000, height: 800 };
  const region = { x: 500, y: 0, width: 500, height: 400 };
  assert.equal(isCut({ x: 501, y: 100, width: 50, height: 50 }, region, photo, 2), true);
  assert.equal(isCut({ x: 700, y: 350, width: 50, height: 49 }, region, photo, 2), true);
  assert.equal(isCut({ x: 949, y: 0, width: 51, height: 50 }, region, photo, 2), false);
  assert.equal(isCut({ x: 700, y: 100, width: 50, height: 50 }, region, photo, 2), false);
});

test('whole pixels of the photo hold the tile and stay inside', () => {
  assert.deepEqual(
    wholePixels({ x: 10, y: 10, width: 90, height: 40 }, { width: 100, height: 50 }, { width: 251, height: 125 }),
    { x: 25, y: 25, width: 226, height: 100 },
  );
});

function clip(
  { x, y, width, height }: { x: number; y: number; width: number; height: number },
  maxWidth: number,
  maxHeight: number,
) {
  const [left, top] = [Math.max(0, x), Math.max(0, y)];
  return {
    x: left,
    y: top,
    width: Math.min(maxWidth, x + width) - left,
    height: Math.min(maxHeight, y + height) - top,
  };
}
