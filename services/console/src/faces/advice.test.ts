import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adviceForNoMatch, adviceForProblem, rejectReason } from './advice.ts';

test('a selfie without a face gets advice on light, pose and glasses', () => {
  const hints = adviceForProblem('no_face')?.hints.join(' ') ?? '';
  for (const word of [/light/i, /face the camera/i, /sunglasses/i]) assert.match(hints, word);
});

test('does not offer to repeat a search that would end the same', () => {
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

test('advises a lower threshold only to those who can change it', () => {
  assert.match(adviceForNoMatch(true).hints.join(' '), /strictness/);
  assert.doesNotMatch(adviceForNoMatch(false).hints.join(' '), /strictness/);
});

test('a problem without advice keeps the text of the service', () => {
  assert.equal(adviceForProblem('internal_error'), null);
});

test('shows an unknown reason instead of hiding it', () => {
  assert.equal(rejectReason('too_small'), 'too small');
  assert.match(rejectReason('over_limit'), /limit per photo/);
  assert.equal(rejectReason('covered_by_hand'), 'covered by hand');
});
