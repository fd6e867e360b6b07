import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { createPipeline } from '../../../services/inference/seeing/faces.ts';
import { answerAsContestant, type Round, type Setup } from './contestant.ts';

/**
 * The pipeline with nothing around it: one process, one thread per core, each taking the next photo of a shared list by
 * itself, with no queue, no main thread and no transport between. What no service can beat.
 */
if (isMainThread) answerAsContestant(startThreads);
else await runThread(workerData as Setup & { next: Int32Array });

async function startThreads(setup: Setup): Promise<(passes: number) => Promise<Omit<Round, 'cpuMs'>>> {
  const next = new Int32Array(new SharedArrayBuffer(4));
  const threads = Array.from(
    { length: setup.workers },
    () => new Worker(new URL(import.meta.url), { workerData: { ...setup, next } }),
  );
  await Promise.all(threads.map((thread) => once(thread, 'message')));
  return async (passes) => {
    Atomics.store(next, 0, 0);
    const began = performance.now();
    const answers = threads.map((thread) => once(thread, 'message'));
    for (const thread of threads) thread.postMessage(passes);
    const done = (await Promise.all(answers)).map(([answer]) => answer as { faces: number; latenciesMs: number[] });
    const latenciesMs = done.flatMap((thread) => thread.latenciesMs);
    return {
      photos: latenciesMs.length,
      faces: done.reduce((sum, { faces }) => sum + faces, 0),
      wallMs: performance.now() - began,
      latenciesMs,
    };
  };
}

async function runThread({ photos, pipeline: config, next }: Setup & { next: Int32Array }): Promise<void> {
  const images = photos.map((path) => readFileSync(path));
  const pipeline = await createPipeline(config);
  parentPort!.on('message', async (passes: number) => {
    const latenciesMs: number[] = [];
    let faces = 0;
    for (let index = Atomics.add(next, 0, 1); index < passes * images.length; index = Atomics.add(next, 0, 1)) {
      const began = performance.now();
      faces += (await pipeline.findFaces(images[index % images.length]!)).faces.length;
      latenciesMs.push(performance.now() - began);
    }
    parentPort!.postMessage({ faces, latenciesMs });
  });
  parentPort!.postMessage('ready');
}
