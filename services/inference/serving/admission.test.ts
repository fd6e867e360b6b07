import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge } from './admission.ts';

const busy = { workers: 2, queueLimit: 4, serviceMs: 300 };

test('a call is let in while there is a worker or a place in the queue', () => {
  for (let open = 0; open < 6; open += 1) assert.equal(judge({ ...busy, open }, Infinity), null);
});

test('the call after the last place is refused, with the time the work ahead will take', () => {
  const refusal = judge({ ...busy, open: 6 }, Infinity);
  assert.equal(refusal?.reason, 'queue_full');
  assert.equal(refusal?.retryAfterMs, 900);
});

test('a queue limit of 0 leaves the workers themselves', () => {
  assert.equal(judge({ ...busy, queueLimit: 0, open: 1 }, Infinity), null);
  assert.equal(judge({ ...busy, queueLimit: 0, open: 2 }, Infinity)?.reason, 'queue_full');
});

test('a call that would still wait at its deadline is refused', () => {
  assert.equal(judge({ ...busy, open: 4 }, 449)?.reason, 'deadline_too_short');
  assert.equal(judge({ ...busy, open: 4 }, 451), null);
});

test('an idle server takes a call however little time it has left, and one without experience predicts nothing', () => {
  assert.equal(judge({ ...busy, open: 0 }, 1), null);
  assert.equal(judge({ ...busy, serviceMs: 0, open: 5 }, 1), null);
});

test('a call that lets others go first is let in only where a worker is idle', () => {
  assert.equal(judge({ ...busy, open: 1 }, Infinity, true), null);
  assert.equal(judge({ ...busy, open: 2 }, Infinity, true)?.reason, 'yielded');
  assert.equal(judge({ ...busy, open: 6 }, Infinity, true)?.reason, 'queue_full');
});
