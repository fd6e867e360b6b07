import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createQueue } from './queue.ts';

test('runs a key once at a time, and again if it was added meanwhile', async () => {
  const runs: string[] = [];
  let atOnce = 0;
  let most = 0;
  const gates: (() => void)[] = [];
  await using queue = createQueue(async (key) => {
    most = Math.max(most, (atOnce += 1));
    runs.push(key);
    await new Promise<void>((resolve) => gates.push(resolve));
    atOnce -= 1;
    return null;
  });
  for (let times = 0; times < 5; times += 1) queue.add('a');
  await until(() => runs.length === 1);
  for (let times = 0; times < 5; times += 1) queue.add('a');
  gates.shift()?.();
  await until(() => runs.length === 2);
  gates.shift()?.();
  await delay(20);
  assert.deepEqual(runs, ['a', 'a']);
  assert.equal(most, 1);
});

test('runs different keys concurrently, up to a limit', async () => {
  let atOnce = 0;
  let most = 0;
  const gates: (() => void)[] = [];
  const done: string[] = [];
  await using queue = createQueue(
    async (key) => {
      most = Math.max(most, (atOnce += 1));
      await new Promise<void>((resolve) => gates.push(resolve));
      atOnce -= 1;
      done.push(key);
      return null;
    },
    { concurrency: 2 },
  );
  for (const key of ['a', 'b', 'c', 'd']) queue.add(key);
  while (done.length < 4) {
    await until(() => gates.length > 0);
    gates.shift()?.();
    await delay(1);
  }
  assert.equal(most, 2);
});

test('retries a failure after a growing pause, reset by a success', async () => {
  const at: number[] = [];
  await using queue = createQueue(
    async () => {
      at.push(Date.now());
      if (at.length <= 3) throw new Error('not yet');
      return null;
    },
    { firstPauseMs: 20, longestPauseMs: 1000 },
  );
  queue.add('a');
  await until(() => at.length === 4);
  const pauses = at.slice(1).map((time, place) => time - at[place]!);
  assert.ok(pauses[0]! >= 19 && pauses[1]! >= 39 && pauses[2]! >= 79, `${pauses}`);
});

test('repeats work on request, at the sooner of two times, until the end', async () => {
  let runs = 0;
  const queue = createQueue(async () => ((runs += 1) < 3 ? 5 : null));
  queue.add('a', 60_000);
  queue.add('a', 10);
  queue.add('a', 50_000);
  await until(() => runs === 3);
  await queue[Symbol.asyncDispose]();
  queue.add('a');
  await delay(20);
  assert.equal(runs, 3);
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(2);
}
