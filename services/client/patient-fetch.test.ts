import assert from 'node:assert/strict';
import { test } from 'node:test';
import { patientFetch } from './patient-fetch.ts';
import { retryAfterOf } from './problem.ts';

const request = (signal?: AbortSignal) =>
  new Request('http://localhost/api/v1/search', { method: 'POST', body: 'selfie', signal });

test('retries a busy service after its Retry-After, with the same body', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const { fetch, bodies } = answering([busy(429, '7'), busy(503, null), new Response('found')]);
  const waits: number[] = [];
  const answer = patientFetch(
    { attempts: 4, longestWaitMs: 10_000, onWait: (waitMs) => void waits.push(waitMs) },
    fetch,
  )(request());
  for (const waitMs of [7000, 1000]) {
    await turns();
    t.mock.timers.tick(waitMs);
  }
  assert.equal(await (await answer).text(), 'found');
  assert.deepEqual(waits, [7000, 1000]);
  assert.deepEqual(bodies, ['selfie', 'selfie', 'selfie']);
});

test('returns the last answer when the attempts are used up or the wait would be too long', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const tired = patientFetch(
    { attempts: 2, longestWaitMs: 10_000 },
    answering([busy(503, '1'), busy(503, '2')]).fetch,
  )(request());
  await turns();
  t.mock.timers.tick(1000);
  assert.equal((await tired).headers.get('Retry-After'), '2');
  const impatient = answering([busy(429, '60')]);
  assert.equal((await patientFetch({ attempts: 5, longestWaitMs: 10_000 }, impatient.fetch)(request())).status, 429);
  assert.equal(impatient.bodies.length, 1);
});

test('returns a permanent problem at once', async () => {
  const { fetch, bodies } = answering([new Response(null, { status: 400 })]);
  assert.equal((await patientFetch({ attempts: 5, longestWaitMs: 10_000 }, fetch)(request())).status, 400);
  assert.equal(bodies.length, 1);
});

test('an abort ends the wait', async () => {
  const leave = new AbortController();
  const answer = patientFetch(
    { attempts: 3, longestWaitMs: 60_000 },
    answering([busy(503, '50')]).fetch,
  )(request(leave.signal));
  await turns();
  leave.abort(new Error('left'));
  await assert.rejects(answer, /left/);
});

test('Retry-After is in seconds or a date; an invalid value counts as absent', () => {
  const now = Date.parse('2026-11-23T12:00:00Z');
  const after = (value: string) => retryAfterOf(new Headers({ 'Retry-After': value }), now);
  assert.equal(after('3'), 3000);
  assert.equal(after('Mon, 23 Nov 2026 12:00:30 GMT'), 30_000);
  assert.equal(after('Mon, 23 Nov 2026 11:00:00 GMT'), 0);
  assert.equal(after('soon'), null);
  assert.equal(retryAfterOf(new Headers(), now), null);
});

function busy(status: number, retryAfter: string | null): Response {
  return new Response('busy', { status, headers: retryAfter === null ? {} : { 'Retry-After': retryAfter } });
}

function answering(answers: Response[]) {
  const bodies: string[] = [];
  const fetch = async (sent: Request) => {
    bodies.push(await sent.text());
    return answers.shift() ?? assert.fail('called too often');
  };
  return { fetch, bodies };
}

/** Lets what is already due happen; timers stand still. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
