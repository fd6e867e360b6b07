import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { affineOf, CHIP_SIZE, chipToPhoto, cutChip, fitSimilarity, fivePoints, type Similarity } from './align.ts';
import type { Point } from './boxes.ts';

const number = (min: number, max: number) => fc.double({ min, max, noNaN: true });
const points = fc
  .array(fc.record({ x: number(-100, 100), y: number(-100, 100) }), { minLength: 2, maxLength: 20 })
  .filter(spread);
const similarities: fc.Arbitrary<Similarity> = fc.record({
  a: number(-5, 5),
  b: number(-5, 5),
  x0: number(-500, 500),
  y0: number(-500, 500),
});

test('points moved by a similarity give that similarity back', () => {
  fc.assert(
    fc.property(points, similarities, (from, similarity) => {
      const fitted = fitSimilarity(
        from,
        from.map((point) => applySimilarity(similarity, point)),
      );
      for (const key of ['a', 'b', 'x0', 'y0'] as const) assert.ok(Math.abs(fitted[key] - similarity[key]) < 1e-6, key);
    }),
    { verbose: true },
  );
});

test('no similarity nearby fits noisy points better', () => {
  fc.assert(
    fc.property(
      points,
      similarities,
      fc.array(number(-3, 3), { minLength: 40, maxLength: 40 }),
      number(-0.1, 0.1),
      (from, similarity, noise, change) => {
        const to = from.map((point, i) => {
          const moved = applySimilarity(similarity, point);
          return { x: moved.x + noise[2 * i]!, y: moved.y + noise[2 * i + 1]! };
        });
        const best = fitSimilarity(from, to);
        const least = residual(best, from, to);
        for (const key of ['a', 'b', 'x0', 'y0'] as const)
          assert.ok(residual({ ...best, [key]: best[key] + change }, from, to) >= least - 1e-6 * (1 + least));
      },
    ),
    { verbose: true },
  );
});

test('points that coincide or do not pair up are refused', () => {
  const one = { x: 1, y: 1 };
  assert.throws(() => fitSimilarity([one, one], [one, { x: 2, y: 2 }]), /coincide/);
  assert.throws(() => fitSimilarity([one], [one]), /two or more/);
  assert.throws(() => fitSimilarity([one, { x: 2, y: 2 }], [one]), /two or more/);
});

test('the eyes of a tilted face lie level in the chip, at the height of the template', () => {
  const face = [
    { x: -30, y: 0 },
    { x: 30, y: 0 },
    { x: 0, y: 35 },
    { x: -25, y: 65 },
    { x: 25, y: 65 },
  ];
  const tilted = face.map((point) =>
    applySimilarity({ a: 2 * Math.cos(0.5), b: 2 * Math.sin(0.5), x0: 400, y0: 300 }, point),
  );
  const alignment = 'arcface-112';
  const inChip = invert(chipToPhoto(alignment, tilted));
  const [left, right] = tilted.slice(0, 2).map((eye) => applySimilarity(inChip, eye)) as [Point, Point];
  assert.ok(Math.abs(left.y - right.y) < 0.5);
  assert.ok(left.x < right.x && left.x > 0 && right.x < CHIP_SIZE[alignment]);
  assert.ok(left.y > 0.2 * CHIP_SIZE[alignment] && left.y < 0.5 * CHIP_SIZE[alignment]);
});

test('five points are made of sixty-eight: centres of the eyes, nose, corners of the mouth', () => {
  const landmarks = Array.from({ length: 68 }, (_, i) => ({ x: i, y: 100 - i }));
  assert.deepEqual(fivePoints(landmarks), [
    { x: 38.5, y: 61.5 },
    { x: 44.5, y: 55.5 },
    { x: 30, y: 70 },
    { x: 48, y: 52 },
    { x: 54, y: 46 },
  ]);
});

test('a chip cut without a change of scale or place is the picture itself', () => {
  const source = gradient(20, 20);
  assert.deepEqual(cutChip(source, affineOf({ a: 1, b: 0, x0: 0, y0: 0 }), 20), source.pixels);
});

test('a chip a quarter as large holds means, not samples: fine stripes become grey', () => {
  const stripes = {
    pixels: Uint8Array.from({ length: 80 * 80 * 3 }, (_, i) => (Math.floor(i / 3) % 2 === 0 ? 0 : 200)),
    width: 80,
    height: 80,
  };
  const chip = cutChip(stripes, affineOf({ a: 4, b: 0, x0: 0, y0: 0 }), 20);
  const inner = (y: number, x: number) => chip[(y * 20 + x) * 3]!;
  for (let y = 1; y < 19; y++) for (let x = 1; x < 19; x++) assert.ok(Math.abs(inner(y, x) - 100) <= 1);
});

test('what a chip shows of the outside is black', () => {
  const white = { pixels: new Uint8Array(30 * 30 * 3).fill(255), width: 30, height: 30 };
  const chip = cutChip(white, affineOf({ a: 1, b: 0, x0: -20, y0: -20 }), 40);
  assert.equal(chip[0], 0);
  assert.equal(chip[(30 * 40 + 30) * 3], 255);
});

function spread(list: Point[]): boolean {
  return list.some(({ x, y }) => Math.hypot(x - list[0]!.x, y - list[0]!.y) > 1);
}

function residual(similarity: Similarity, from: Point[], to: Point[]): number {
  return from.reduce((sum, point, i) => {
    const moved = applySimilarity(similarity, point);
    return sum + (moved.x - to[i]!.x) ** 2 + (moved.y - to[i]!.y) ** 2;
  }, 0);
}

function applySimilarity({ a, b, x0, y0 }: Similarity, { x, y }: Point): Point {
  return { x: a * x - b * y + x0, y: b * x + a * y + y0 };
}

function invert({ a, b, x0, y0 }: Similarity): Similarity {
  const squares = a * a + b * b;
  return { a: a / squares, b: -b / squares, x0: (-a * x0 - b * y0) / squares, y0: (b * x0 - a * y0) / squares };
}

function gradient(width: number, height: number) {
  return { pixels: Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 7) % 251), width, height };
}
