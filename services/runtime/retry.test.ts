import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inParallel } from './parallel.ts';
import { growingPause, retry } from './retry.ts';

test('work is run again until it succeeds, and each failure is shown to the one who decides', async () => {
  const seen: [string, number][] = [];
  let runs = 0;
  const result = await retry(
    async () => {
      runs += 1;
      if (runs < 3) throw new Error(`failure ${runs}`);
      return 'done';
    },
    { pauseMs: (error, failures) => (seen.push([(error as Error).message, failures]), 0) },
  );
  assert.equal(result, 'done');
  assert.deepEqual(seen, [
    ['failure 1', 1],
    ['failure 2', 2],
  ]);
});

test('the last failure is thrown when there is no further pause', async () => {
  let runs = 0;
  const work = () => Promise.reject(new Error(`failure ${++runs}`));
  await assert.rejects(retry(work, { pauseMs: (_, failures) => (failures < 3 ? 0 : null) }), /failure 3/);
});

test('an abort ends the pause with its own reason', async () => {
  const leaving = new AbortController();
  const work = () => Promise.reject(new Error('always'));
  const running = retry(work, {
    signal: leaving.signal,
    pauseMs: () => {
      queueMicrotask(() => leaving.abort());
      return 3_600_000;
    },
  });
  await assert.rejects(running, { name: 'AbortError' });
});

test('a pause doubles up to its limit, and chance only shortens it', () => {
  const limits = { firstMs: 100, longestMs: 1000 };
  assert.deepEqual(
    [1, 2, 3, 4, 5, 50].map((failures) => growingPause(failures, limits)),
    [100, 200, 400, 800, 1000, 1000],
  );
  for (let i = 0; i < 1000; i++) {
    const pause = growingPause(2, { ...limits, jitter: 0.5 });
    assert.ok(pause > 100 && pause <= 200, `${pause}`);
  }
});

test('at most so many items are under way, and each result comes as it ends', async () => {
  const gates = new Map([1, 2, 3].map((item) => [item, Promise.withResolvers<void>()]));
  const begun: number[] = [];
  const results = inParallel([1, 2, 3], 2, async (item) => {
    begun.push(item);
    await gates.get(item)!.promise;
    return item * 10;
  });
  const first = results.next();
  assert.deepEqual(begun, [1, 2]);
  gates.get(2)!.resolve();
  assert.equal((await first).value, 20);
  assert.deepEqual(begun, [1, 2, 3]);
  const second = results.next();
  gates.get(3)!.resolve();
  assert.equal((await second).value, 30);
  gates.get(1)!.resolve();
  assert.equal((await results.next()).value, 10);
  assert.equal((await results.next()).done, true);
});

test('what an item throws is thrown by the iteration', async () => {
  const results = inParallel([1], 4, () => Promise.reject(new Error('no')));
  await assert.rejects(results.next(), /no/);
});
