import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rocAuc, scorePairs, shareAccepted, thresholdAt, trueAcceptRate } from './measures.ts';

test('the area under the curve is 1 for separated scores, one half for mixed ones, 0 for swapped ones', () => {
  assert.equal(rocAuc({ same: [3, 4], different: [1, 2] }), 1);
  assert.equal(rocAuc({ same: [1, 4], different: [2, 2] }), 0.5);
  assert.equal(rocAuc({ same: [1, 2], different: [1, 2] }), 0.5);
  assert.equal(rocAuc({ same: [1], different: [2, 3] }), 0);
});

test('the threshold lets in the share of strangers allowed and no more', () => {
  const scores = { same: [5, 6, 95, 98.5], different: Array.from({ length: 100 }, (_, i) => i) };
  for (const far of [0, 0.01, 0.1, 0.5]) assert.equal(shareAccepted(scores.different, thresholdAt(scores, far)), far);
  assert.equal(trueAcceptRate(scores, 0.05), 0.5);
  assert.equal(trueAcceptRate(scores, 0.01), 0.25);
});

test('a face is not compared with another cut from the same source', () => {
  const face = (person: string, source: string, embedding: number) => ({ person, source, embedding });
  const faces = [face('a', '1', 1), face('a', '1', 2), face('a', '2', 3), face('b', '3', 10)];
  assert.deepEqual(
    scorePairs(faces, (x, y) => -Math.abs(x - y)),
    { same: [-2, -1], different: [-9, -8, -7] },
  );
});
