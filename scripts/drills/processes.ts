import { setTimeout as delay } from 'node:timers/promises';
import { s3Environment, startS3Server, type S3Server } from '../../services/api/tests/s3-server.ts';
import { freePort } from '../local/services.ts';
import { startPrometheus, type Prometheus, type Target } from './observability/prometheus.ts';
import {
  indexPhoto,
  samplePhoto,
  searchFaces,
  startStack,
  type Stack,
  type StackOptions,
} from './observability/stack.ts';
import { tellCourse, type DrillOptions } from './course.ts';

/** A fault of an installation of processes: what to break, and which alert must tell of it. */
export interface ProcessDrill {
  alert: string;
  /** Variables of the processes that make the fault easy. */
  stack?: StackOptions;
  /** Jobs are worked off. */
  hasIndexer?: boolean;
  /** Breaks something; what it returns mends it. */
  break(scene: Scene): Promise<() => Promise<void>>;
}

export interface Scene {
  stack: Stack;
  prometheus: Prometheus;
  targets(): Target[];
  /** Empty; of the indexer and the API where the drill has an indexer. */
  bucket: S3Server;
}

/** What is indexed and searched all the time. */
export const SESSION = 'drill';

/**
 * Starts the processes under load and a Prometheus with the rules `speed` times faster, and tells the drill's course.
 * @throws as tellCourse
 */
export async function runProcessDrill(drill: ProcessDrill, speed: number, options: DrillOptions): Promise<void> {
  const port = await freePort(0);
  await using bucket = await startS3Server();
  const all = { ...drill.stack?.all, ...(drill.hasIndexer && s3Environment(bucket)) };
  await using stack = await startStack({ ...drill.stack, all, inferenceListen: `127.0.0.1:${port}` });
  await using prometheus = await startPrometheus(speed);
  const scene: Scene = { stack, prometheus, bucket, targets: () => targetsOf(stack) };
  if (drill.hasIndexer) await stack.startIndexer({});
  await prometheus.setTargets(scene.targets());
  const photo = await samplePhoto(1);
  await indexPhoto(stack.url, photo, SESSION, 'one');
  const stop = new AbortController();
  const load = keepSearching(stack.url, photo, stop.signal);
  const firing = async () => (await prometheus.alerts()).filter(({ state }) => state === 'firing');
  try {
    await tellCourse(drill.alert, { speed, firing }, options, () => drill.break(scene));
  } finally {
    stop.abort();
    await load;
  }
}

function targetsOf(stack: Stack): Target[] {
  const running = stack.inference.filter(({ child }) => child.exitCode === null && child.signalCode === null);
  return [
    { job: 'facepass-api', port: stack.api.metricsPort, labels: { pod: 'api-1' } },
    ...running.map(({ metricsPort }, index): Target => ({
      job: 'facepass-inference',
      port: metricsPort,
      labels: { pod: `inference-${index + 1}` },
    })),
    ...stack.indexers.map(({ metricsUrl }, index): Target => ({
      job: 'facepass-indexer',
      port: Number(new URL(metricsUrl).port),
      labels: { pod: `indexer-${index + 1}` },
    })),
  ];
}

async function keepSearching(url: string, photo: Buffer, signal: AbortSignal): Promise<void> {
  const one = async () => {
    while (!signal.aborted) {
      await searchFaces(url, photo, SESSION, AbortSignal.timeout(20_000)).catch(() => undefined);
      await delay(200);
    }
  };
  await Promise.all([one(), one()]);
}
