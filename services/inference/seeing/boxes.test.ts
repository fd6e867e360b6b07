import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { areaOf, mirrorDetection, moveBox, overlapOf, sharedArea, suppressOverlaps, type Detection } from './boxes.ts';

const coordinate = fc.double({ min: -1000, max: 1000, noNaN: true });
const length = fc.double({ min: 0.5, max: 500, noNaN: true });
const boxes = fc.record({ x: coordinate, y: coordinate, width: length, height: length });
const detections = fc.array(fc.record({ box: boxes, score: fc.double({ min: 0, max: 1, noNaN: true }) }), {
  maxLength: 40,
});
const overlapping = (a: Detection, b: Detection) => overlapOf(a.box, b.box) > 0.4;

test('overlap is symmetric, 1 for the same box and unchanged when both boxes move', () => {
  fc.assert(
    fc.property(boxes, boxes, coordinate, (a, b, shift) => {
      const overlap = overlapOf(a, b);
      assert.ok(overlap >= 0 && overlap <= 1 + 1e-9);
      assert.ok(Math.abs(overlap - overlapOf(b, a)) < 1e-9);
      assert.ok(Math.abs(overlapOf(a, a) - 1) < 1e-6);
      const moved = (box: typeof a) => moveBox(box, { x: 2, y: 2 }, { x: shift, y: -shift });
      assert.ok(Math.abs(overlap - overlapOf(moved(a), moved(b))) < 1e-6);
    }),
    { verbose: true },
  );
});

test('a detection mirrored twice is the same, and its left eye is on the left again', () => {
  const points = fc.array(fc.record({ x: coordinate, y: coordinate }), { minLength: 5, maxLength: 5 });
  fc.assert(
    fc.property(boxes, points, fc.integer({ min: 1, max: 500 }), (box, landmarks, width) => {
      const mirrored = mirrorDetection({ box, landmarks, score: 1 }, width);
      assert.equal(mirrored.landmarks![0]!.x, width - landmarks[1]!.x);
      const [once, twice] = [{ box, landmarks }, mirrorDetection(mirrored, width)];
      once.landmarks.forEach(({ x, y }, i) => {
        assert.ok(Math.abs(x - twice.landmarks![i]!.x) < 1e-6);
        assert.equal(y, twice.landmarks![i]!.y);
      });
      assert.ok(Math.abs(box.x - twice.box.x) < 1e-6);
    }),
    { verbose: true },
  );
});

test('boxes share no more than the smaller one', () => {
  fc.assert(
    fc.property(boxes, boxes, (a, b) => assert.ok(sharedArea(a, b) <= Math.min(areaOf(a), areaOf(b)) * (1 + 1e-9))),
    { verbose: true },
  );
});

test('of overlapping detections the best stays, nothing that stays overlaps, and what goes overlaps something better', () => {
  fc.assert(
    fc.property(detections, (all) => {
      const kept = suppressOverlaps(all, overlapping);
      kept.forEach((a, i) => kept.slice(i + 1).forEach((b) => assert.ok(!overlapping(a, b) && a.score >= b.score)));
      for (const gone of all.filter((detection) => !kept.includes(detection)))
        assert.ok(kept.some((better) => better.score >= gone.score && overlapping(better, gone)));
      assert.deepEqual(suppressOverlaps(kept, overlapping), kept);
    }),
    { verbose: true },
  );
});

test('two faces side by side both stay', () => {
  const left = { box: { x: 0, y: 0, width: 40, height: 50 }, score: 0.9 };
  const right = { box: { x: 30, y: 0, width: 40, height: 50 }, score: 0.8 };
  assert.deepEqual(suppressOverlaps([right, left], overlapping), [left, right]);
});
