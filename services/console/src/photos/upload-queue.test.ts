import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { UploadQueue, type Attempt } from './upload-queue.ts';

test('runs each job once, and never more in parallel than allowed', async () => {
  const { queue, ran, most } = harness({ parallel: 3, answer: () => ({ outcome: 'done' }) });
  queue.add(Array.from({ length: 20 }, (_, job) => job));
  await settle();
  assert.deepEqual(
    ran.toSorted((a, b) => a - b),
    Array.from({ length: 20 }, (_, job) => job),
  );
  assert.equal(most(), 3);
});

test('after a 429 or 503 all jobs wait as long as the service asked, and the rejected one goes first', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  let refuse = true;
  const { queue, ran, pauses } = harness({
    parallel: 1,
    answer: () => (refuse ? { outcome: 'again', waitMs: 5000 } : { outcome: 'done' }),
  });
  queue.add([1, 2]);
  await settle();
  assert.deepEqual(ran, [1]);
  assert.deepEqual(pauses, [5000]);
  refuse = false;
  t.mock.timers.tick(4999);
  await settle();
  assert.deepEqual(ran, [1]);
  t.mock.timers.tick(1);
  await settle();
  assert.deepEqual(ran, [1, 1, 2]);
  assert.deepEqual(pauses, [5000, null]);
});

test('a 429 or 503 halves the parallel jobs, and success raises their number again', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  let refuse = true;
  const { queue, running, release } = harness({
    parallel: 8,
    held: true,
    answer: () => (refuse ? { outcome: 'again', waitMs: 100 } : { outcome: 'done' }),
  });
  queue.add(Array.from({ length: 100 }, (_, job) => job));
  assert.equal(running(), 8);
  release();
  await settle();
  refuse = false;
  t.mock.timers.tick(100);
  await settle();
  assert.equal(running(), 4);
  for (let round = 0; round < 12; round += 1) {
    release();
    await settle();
  }
  assert.equal(running(), 8);
});

test('gives up a job that is rejected too often and continues with the others', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const { queue, ran, givenUp } = harness({
    parallel: 1,
    answer: (job) => (job === 1 ? { outcome: 'again', waitMs: 10 } : { outcome: 'done' }),
  });
  queue.add([1, 2]);
  for (let tick = 0; tick < 5; tick += 1) {
    await settle();
    t.mock.timers.tick(10);
  }
  await settle();
  assert.deepEqual(givenUp, [1]);
  assert.deepEqual(ran, [1, 1, 1, 2]);
});

test('clearing aborts running jobs, returns waiting ones and ends a pause', async () => {
  const { queue, ran, aborted, release } = harness({
    parallel: 2,
    held: true,
    answer: () => ({ outcome: 'again', waitMs: 60_000 }),
  });
  queue.add([1, 2, 3, 4]);
  assert.deepEqual(queue.clear(), [3, 4]);
  assert.equal(aborted(), 2);
  release();
  await settle();
  queue.add([5]);
  assert.deepEqual(ran, [1, 2, 5]);
});

function harness(options: { parallel: number; held?: boolean; answer: (job: number) => Attempt }) {
  const ran: number[] = [];
  const givenUp: number[] = [];
  const pauses: (number | null)[] = [];
  let running = 0;
  let most = 0;
  let aborted = 0;
  let gates: (() => void)[] = [];
  const onPause = (untilMs: number | null) => void pauses.push(untilMs === null ? null : untilMs - Date.now());
  const queue = new UploadQueue<number>({
    parallel: options.parallel,
    attempts: 3,
    giveUp: mock.fn((job: number) => void givenUp.push(job)),
    onPause,
    async run(job, signal) {
      ran.push(job);
      running += 1;
      most = Math.max(most, running);
      signal.addEventListener('abort', () => (aborted += 1));
      if (options.held) await new Promise<void>((resolve) => gates.push(resolve));
      else await Promise.resolve();
      running -= 1;
      return options.answer(job);
    },
  });
  const release = () => {
    const open = gates;
    gates = [];
    for (const gate of open) gate();
  };
  return { queue, ran, givenUp, pauses, release, running: () => running, most: () => most, aborted: () => aborted };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 100; turn += 1) await Promise.resolve();
}
