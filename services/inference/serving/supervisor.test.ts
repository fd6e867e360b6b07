import assert from 'node:assert/strict';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { createLogger } from '@facepass/runtime/logger';
import { createSupervisor, type SupervisorContext } from './supervisor.ts';
import type { WorkerThread } from './thread.ts';

const options = {
  workers: 1,
  imageTimeoutMs: 60_000,
  pipeline: { modelsDirectory: resolve(import.meta.dirname, '../../../models'), modelPack: 'sface' },
};

test('disposal waits for a worker that is loading, and leaves no thread behind', async (t) => {
  const running = watchThreads(t);
  const began: WorkerThread[] = [];
  const supervisor = createSupervisor(options, context({ threadBegan: (thread) => began.push(thread) }));
  await supervisor.start();
  const loading = once(process, 'worker');
  void began[0]!.stop();
  await loading;
  await supervisor[Symbol.asyncDispose]();
  assert.deepEqual([running.size, began.length], [0, 1]);
});

test('a worker that ended is not replaced when the server is stopped in the pause before', async (t) => {
  const running = watchThreads(t);
  const began: WorkerThread[] = [];
  const disposed = Promise.withResolvers<void>();
  const logger = createLogger('inference', 'silent');
  logger.error = () => disposed.resolve(supervisor[Symbol.asyncDispose]());
  const supervisor = createSupervisor(
    options,
    context({ logger, threadBegan: (thread) => began.push(thread), workerReplaced: () => assert.fail('replaced') }),
  );
  await supervisor.start();
  void began[0]!.stop();
  await disposed.promise;
  assert.equal(running.size, 0);
});

test('workers that cannot start have ended when that is told', async (t) => {
  const running = watchThreads(t);
  const supervisor = createSupervisor(
    { ...options, workers: 2, pipeline: { ...options.pipeline, weightsDirectory: '/nowhere' } },
    context({}),
  );
  await assert.rejects(supervisor.start(), /nowhere/);
  assert.equal(running.size, 0);
});

/** The worker threads of this process that have not ended. */
function watchThreads(t: TestContext): Set<Worker> {
  const running = new Set<Worker>();
  const watch = (worker: Worker) => {
    running.add(worker);
    worker.once('exit', () => running.delete(worker));
  };
  process.on('worker', watch);
  t.after(() => process.off('worker', watch));
  return running;
}

function context(parts: Partial<SupervisorContext>): SupervisorContext {
  return {
    logger: createLogger('inference', 'silent'),
    threadBegan: () => {},
    threadEnded: () => {},
    workerReplaced: () => {},
    fatal: assert.ifError,
    ...parts,
  };
}
