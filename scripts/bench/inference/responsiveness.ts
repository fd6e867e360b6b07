import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { status, type ServiceError } from '@grpc/grpc-js';
import { connectFaceClient } from '../../../services/inference/tests/grpc-client.ts';
import type { InferenceProcess } from '../../../services/inference/tests/inference-process.ts';
import type { ProbeReport } from './probe.ts';

export interface Responsiveness extends ProbeReport {
  /** How late the timers of the server's main thread were. */
  loopP50Ms: number;
  loopP99Ms: number;
}

/**
 * How fast the server answers health checks and refuses photos of another process for `seconds`, while all its workers
 * are busy and every place of its queue is taken, and how late its main thread's timers are (Node's own histogram, read
 * over /metrics, which empties it; a timer of 10 ms that is on time reads 10).
 */
export async function measureResponsiveness(
  server: InferenceProcess,
  options: { photos: string[]; places: number; seconds: number },
): Promise<Responsiveness> {
  const load = keepFull(server.address, options.photos, options.places);
  await load.full;
  const probe = fork(new URL('./probe.ts', import.meta.url), [server.address, options.photos[0]!]);
  const ended = Promise.race([load.ended, once(probe, 'exit')]).then(() =>
    Promise.reject(new Error('the probe or its load ended early')),
  );
  ended.catch(() => undefined);
  try {
    await Promise.race([once(probe, 'message'), ended]);
    await server.metric('nodejs_eventloop_lag_p99_seconds');
    await Promise.race([delay(options.seconds * 1000), ended]);
    const text = await (await fetch(`http://127.0.0.1:${server.metricsPort}/metrics`)).text();
    const lag = (name: string) => Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1]) * 1000 - TIMER_MS;
    const answer = once(probe, 'message');
    probe.send('stop');
    const [report] = (await Promise.race([answer, ended])) as [ProbeReport];
    return {
      ...report,
      loopP50Ms: lag('nodejs_eventloop_lag_p50_seconds'),
      loopP99Ms: lag('nodejs_eventloop_lag_p99_seconds'),
    };
  } finally {
    probe.kill();
    load.stop();
    await load.ended;
  }
}

const TIMER_MS = 10;
/** More callers than places, so that a place that falls free is taken within RETRY_MS. */
const EXTRA_CALLERS = 2;
const RETRY_MS = 5;

/** Callers that take every one of the server's `places` until they are stopped. */
function keepFull(
  address: string,
  photos: string[],
  places: number,
): { full: Promise<void>; ended: Promise<void>; stop(): void } {
  const client = connectFaceClient(address);
  const images = photos.map((path) => readFileSync(path));
  const full = Promise.withResolvers<void>();
  let stopped = false;
  const call = async (caller: number) => {
    for (let n = caller; !stopped; n += 1) {
      try {
        await client.detectFaces(images[n % images.length]!);
      } catch (error) {
        if ((error as ServiceError).code !== status.RESOURCE_EXHAUSTED) throw error;
        full.resolve();
        await delay(RETRY_MS);
      }
    }
  };
  const ended = Promise.all(Array.from({ length: places + EXTRA_CALLERS }, (_, caller) => call(caller))).then(() =>
    client[Symbol.dispose](),
  );
  ended.catch(full.reject);
  return { full: full.promise, ended, stop: () => void (stopped = true) };
}
