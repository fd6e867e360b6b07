import { setTimeout as delay } from 'node:timers/promises';
import { readBacklog, removeOldJobs } from '@facepass/indexing/db/jobs';
import type { QueueName, Slice, Taken } from '@facepass/indexing/queue';
import type { Context } from './context.ts';
import { recordBacklog } from './events.ts';
import { indexSlice } from './index-slice.ts';
import { listBucket } from './list-bucket.ts';

/**
 * Takes work from the queue until disposed of; then what is under work is given up and goes back into the queue.
 */
export function startWork(context: Context): AsyncDisposable {
  const stopping = new AbortController();
  const { signal } = stopping;
  const indexing = Array.from({ length: context.config.concurrency }, () =>
    lane(context, signal, () =>
      workOne<Slice>(context, 'index', signal, (taken, lost) =>
        indexSlice(context, taken.data, taken.retryCount, lost),
      ),
    ),
  );
  const listing = lane(context, signal, () =>
    workOne<{ job: string }>(context, 'list', signal, (taken, lost) => listBucket(context, taken.data.job, lost)),
  );
  const tidying = lane(context, signal, () => tidy(context));
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await Promise.all([...indexing, listing, tidying]);
    },
  };
}

/** Does `work` again and again; where there was none, or it failed, after a pause. */
async function lane({ logger }: Context, signal: AbortSignal, work: () => Promise<boolean>): Promise<void> {
  while (!signal.aborted) {
    const worked = await work().catch((error: Error) => {
      if (!signal.aborted) logger.warn({ reason: error.message }, 'the indexer could not work');
      return false;
    });
    if (!worked) await delay(PAUSE_MS * (0.5 + Math.random()), undefined, { signal }).catch(() => undefined);
  }
}

/** How long after a job was created an idle indexer sees it, on average. */
const PAUSE_MS = 1000;

/** Takes one piece of work and does it; false where there is none. */
async function workOne<Data>(
  { queue, logger }: Context,
  name: QueueName,
  stopping: AbortSignal,
  work: (taken: Taken<Data>, lost: AbortSignal) => Promise<void>,
): Promise<boolean> {
  const taken = await queue.take<Data>(name);
  if (!taken) return false;
  const lost = new AbortController();
  const heartbeat = setInterval(() => {
    queue.keep(name, taken).then(
      (isOurs) => isOurs || lost.abort(),
      () => undefined,
    );
  }, HEARTBEAT_MS);
  try {
    await work(taken, AbortSignal.any([stopping, lost.signal]));
    await queue.settle(name, taken);
  } catch (error) {
    if (lost.signal.aborted) return true;
    if (!stopping.aborted)
      logger.warn(
        { code: (error as { code?: string }).code, reason: (error as Error).message },
        'photos of a job wait for another attempt',
      );
    await queue.giveBack(name, taken, (error as Error).message);
    // The cause may hold for all that waits: it is not tried piece by piece without a pause.
    return false;
  } finally {
    clearInterval(heartbeat);
  }
  return true;
}

/** A third of the time after which what was taken is given to another: migration 0016. */
const HEARTBEAT_MS = 10_000;

async function tidy({ queue, pool, metrics, config }: Context): Promise<boolean> {
  await queue.tidy();
  recordBacklog(metrics, await readBacklog(pool));
  await removeOldJobs(pool, config.jobs.retentionDays);
  await delay(TIDY_MS * Math.random(), undefined, { ref: false });
  return false;
}

const TIDY_MS = 4000;
