import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timeLeft } from './time-left.ts';

test('the time left is as rough as the estimate', () => {
  assert.equal(timeLeft(100, 0), '');
  assert.equal(timeLeft(4, 2), '2.0 photos per second, almost done');
  assert.equal(timeLeft(100, 4), '4.0 photos per second, about 25 s left');
  assert.equal(timeLeft(6000, 20), '20 photos per second, about 5 min left');
  assert.equal(timeLeft(40_000, 2), '2.0 photos per second, about 6 h left');
});
