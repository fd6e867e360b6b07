import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cosineOfSimilarity, similarityOfCosine } from './model-pack.ts';

const cosine = fc.double({ min: -1, max: 1, noNaN: true });
const decision = fc.double({ min: -0.9, max: 0.99, noNaN: true });

test('similarity is 0.5 at the decision point, 1 for the same picture and 0 for the opposite', () => {
  fc.assert(
    fc.property(decision, (point) => {
      assert.equal(similarityOfCosine(point, point), 0.5);
      assert.equal(similarityOfCosine(1, point), 1);
      assert.equal(similarityOfCosine(-1, point), 0);
    }),
  );
});

test('similarity grows with the cosine, and rounding errors beyond 1 stay in range', () => {
  fc.assert(fc.property(decision, cosine, cosine, (point, a, b) => similarityOfCosine(Math.min(a, b), point) <= similarityOfCosine(Math.max(a, b), point)));
  assert.equal(similarityOfCosine(1.0000001, 0.9), 1);
  assert.equal(similarityOfCosine(-1.0000001, 0.9), 0);
});

test('a threshold in similarity has one cosine, and back', () => {
  fc.assert(
    fc.property(decision, fc.double({ min: 0, max: 1, noNaN: true }), (point, similarity) => {
      assert.ok(Math.abs(similarityOfCosine(cosineOfSimilarity(similarity, point), point) - similarity) < 1e-9);
    }),
  );
});
