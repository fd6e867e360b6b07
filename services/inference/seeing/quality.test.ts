import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Point } from './boxes.ts';
import { DEFAULT_QUALITY_LIMITS, frontalityOf, rejectReasonOf, sharpnessOf } from './quality.ts';

const frontal: Point[] = [
  { x: 30, y: 40 },
  { x: 70, y: 40 },
  { x: 50, y: 62 },
  { x: 35, y: 80 },
  { x: 65, y: 80 },
];
const photo = { width: 1000, height: 800 };
const box = { x: 100, y: 100, width: 80, height: 100 };
const good = { score: 0.8, sizePixels: 80, sharpness: 0.5, frontality: 0.9 };

test('a face that looks at the camera is frontal, however it is tilted, large or placed', () => {
  assert.equal(frontalityOf(frontal), 1);
  for (const angle of [0.3, 1.2, 3]) {
    const turned = frontal.map(({ x, y }) => ({
      x: 3 * (x * Math.cos(angle) - y * Math.sin(angle)) + 500,
      y: 3 * (x * Math.sin(angle) + y * Math.cos(angle)),
    }));
    assert.ok(Math.abs(frontalityOf(turned) - 1) < 1e-9);
  }
});

test('the further the nose is from the middle, the less frontal; in profile it is 0', () => {
  const withNose = (x: number, y = 62) => frontalityOf(frontal.with(2, { x, y }));
  assert.ok(withNose(55) > withNose(60) && withNose(60) > withNose(70));
  assert.equal(withNose(85), 0);
  assert.equal(withNose(20), 0);
  assert.ok(withNose(50, 78) < withNose(50, 66));
  assert.equal(frontalityOf(frontal.map(() => ({ x: 1, y: 1 }))), 0);
});

test('stripes are sharp, a gradient is not, and blurring makes anything less sharp', () => {
  const chip = (valueAt: (x: number) => number) =>
    Uint8Array.from({ length: 100 * 100 * 3 }, (_, i) => valueAt(Math.floor(i / 3) % 100));
  assert.equal(
    sharpnessOf(
      chip((x) => x),
      100,
    ),
    0,
  );
  const [hard, soft] = [chip((x) => (x % 8 < 4 ? 60 : 180)), chip((x) => 120 + 60 * Math.sin((x * Math.PI) / 4))];
  assert.ok(sharpnessOf(hard, 100) > 0.9);
  assert.ok(sharpnessOf(soft, 100) < sharpnessOf(hard, 100));
});

test('each limit has its reason, and a good face has none', () => {
  const reason = (quality: Partial<typeof good>, at = box) =>
    rejectReasonOf(at, { ...good, ...quality }, photo, DEFAULT_QUALITY_LIMITS);
  assert.equal(reason({}), null);
  assert.equal(reason({ sizePixels: 11.9 }), 'too_small');
  assert.equal(reason({ sizePixels: 12 }), null);
  assert.equal(reason({ sharpness: 0.001 }), 'blurred');
  assert.equal(reason({ frontality: 0 }), 'extreme_pose');
  assert.equal(reason({}, { ...box, x: -60 }), 'truncated');
  assert.equal(reason({}, { ...box, x: -20 }), null);
});

test('a stricter limit refuses what the default keeps', () => {
  assert.equal(rejectReasonOf(box, good, photo, { ...DEFAULT_QUALITY_LIMITS, minSizePixels: 100 }), 'too_small');
});
