import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { around, closeUp, cropAround, fitWithin, type Box, type Size } from './geometry.ts';

const side = fc.integer({ min: 1, max: 8000 });
const picture = fc.record({ width: side, height: side });
const face = fc.record({
  x: fc.integer({ min: -500, max: 8000 }),
  y: fc.integer({ min: -500, max: 8000 }),
  width: side,
  height: side,
});
const EDGE = 1e-6;

test('a crop lies inside its picture, has the aspect asked for and touches two opposite edges', () => {
  fc.assert(
    fc.property(
      picture,
      fc.double({ min: 0.2, max: 5, noNaN: true }),
      fc.option(face, { nil: undefined }),
      (size, aspect, focus) => {
        const crop = cropAround(size, aspect, focus);
        assertInside(crop, size);
        assert.ok(Math.abs(crop.width / crop.height - aspect) < 1e-6);
        assert.ok(Math.abs(crop.width - size.width) < EDGE || Math.abs(crop.height - size.height) < EDGE);
      },
    ),
  );
});

test('a crop is the middle, moved as little as brings its focus into it', () => {
  const cropOf = (x: number, width: number) =>
    cropAround({ width: 300, height: 100 }, 1, { x, y: 40, width, height: 20 }).x;
  assert.equal(cropOf(120, 20), 100);
  assert.equal(cropOf(190, 30), 120);
  assert.equal(cropOf(80, 30), 80);
  assert.equal(cropOf(290, 40), 200);
  assert.equal(cropOf(60, 200), 110);
});

test('a close-up is a square inside its picture', () => {
  fc.assert(
    fc.property(picture, face, (size, box) => {
      const square = closeUp(size, box);
      assertInside(square, size);
      assert.equal(square.width, square.height);
    }),
  );
});

test('the box around boxes holds each of them and no box makes none', () => {
  assert.equal(around([]), undefined);
  assert.deepEqual(
    around([
      { x: 10, y: 50, width: 10, height: 10 },
      { x: -5, y: 55, width: 10, height: 20 },
    ]),
    { x: -5, y: 50, width: 25, height: 25 },
  );
});

test('a picture is shrunk to the longest side allowed and never enlarged', () => {
  assert.deepEqual(fitWithin({ width: 6000, height: 4000 }, 4096), { width: 4096, height: 2731 });
  assert.deepEqual(fitWithin({ width: 640, height: 480 }, 4096), { width: 640, height: 480 });
  assert.deepEqual(fitWithin({ width: 9000, height: 1 }, 4096), { width: 4096, height: 1 });
});

function assertInside(box: Box, size: Size): void {
  assert.ok(
    box.x >= 0 && box.y >= 0 && box.x + box.width <= size.width + EDGE && box.y + box.height <= size.height + EDGE,
    JSON.stringify({ box, size }),
  );
}
