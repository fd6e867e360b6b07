import assert from 'node:assert/strict';
import { test } from 'node:test';
import { now, SessionModel } from './model.ts';

const seen = (session: SessionModel, photo = 'a') => [...session.possible(photo, now(), now())];

test('a photo holds what was last written to it', () => {
  const session = new SessionModel('s');
  assert.deepEqual(seen(session), [null]);
  session.end(session.begin('a', 1), 'done');
  session.end(session.begin('b', 2), 'done');
  assert.deepEqual([seen(session), seen(session, 'b')], [[1], [2]]);
  session.end(session.begin('a', 3), 'done');
  assert.deepEqual(seen(session), [3]);
  session.end(session.begin(null, null), 'done');
  assert.deepEqual([seen(session), seen(session, 'b')], [[null], [null]]);
});

test('of two calls at a time either may be the last, and one without an answer may act at any later time', () => {
  const session = new SessionModel('s');
  const [first, second] = [session.begin('a', 1), session.begin('a', 2)];
  assert.deepEqual(seen(session), [1, 2, null]);
  session.end(second, 'done');
  session.end(first, 'done');
  assert.deepEqual(seen(session), [1, 2]);
  session.end(session.begin('a', 3), 'unknown');
  session.end(session.begin('a', 4), 'done');
  assert.deepEqual(seen(session), [3, 4]);
});

test('what was refused did nothing, but an erasure that found nothing may refuse an index call', () => {
  const session = new SessionModel('s');
  session.end(session.begin('a', 1), 'refused');
  const began = now();
  assert.equal(session.erases('a', began, now()), false);
  session.end(session.begin('a', null), 'nothing');
  assert.deepEqual(seen(session), [null]);
  assert.deepEqual([session.erases('a', began, now()), session.erases('b', began, now())], [true, false]);
});

test('a session whose time is over holds nothing, and what the database holds ends every doubt', () => {
  const over = new SessionModel('s', now() - 1000);
  over.end(over.begin('a', 1), 'done');
  assert.deepEqual(seen(over), [null]);
  const session = new SessionModel('s');
  session.begin('a', 1);
  session.begin('b', 2);
  session.settle(new Map([['a', 1]]));
  assert.deepEqual([seen(session), seen(session, 'b')], [[1], [null]]);
});
