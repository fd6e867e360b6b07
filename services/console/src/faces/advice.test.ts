import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adviceForNoMatch, adviceForProblem, rejectReason } from './advice.ts';

test('a selfie without a face gets advice on light, pose and glasses', () => {
  const hints = adviceForProblem('no_face')?.hints.join(' ') ?? '';
  for (const word of [/light/i, /face the camera/i, /sunglasses/i]) assert.match(hints, word);
});

test('nobody is offered to repeat what would end the same', () => {
  const final = [
    'no_face',
    'search_token_required',
    'search_token_invalid',
    'session_not_indexed',
    'rate_limited',
    'overloaded',
    'network',
  ].filter((code) => adviceForProblem(code)?.final);
  assert.deepEqual(final, ['no_face', 'search_token_required', 'search_token_invalid']);
});

test('only those who can move the threshold are told to', () => {
  assert.match(adviceForNoMatch(true).hints.join(' '), /strictness/);
  assert.doesNotMatch(adviceForNoMatch(false).hints.join(' '), /strictness/);
});

test('a problem without advice keeps the words of the service', () => {
  assert.equal(adviceForProblem('internal_error'), null);
});

test('a reason that the page does not know is shown, not hidden', () => {
  assert.equal(rejectReason('too_small'), 'too small');
  assert.match(rejectReason('over_limit'), /number of faces/);
  assert.equal(rejectReason('covered_by_hand'), 'covered by hand');
});
