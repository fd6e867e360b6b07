import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../local/services.ts';
import { startPrometheus, type Prometheus, type Target } from '../observability/prometheus.ts';
import { indexPhoto, samplePhoto, searchFaces, startStack, type Stack, type StackOptions } from '../observability/stack.ts';

/** A fault: what to break, on which installation, and which alert must tell of it. */
export interface Drill {
  alert: string;
  /** Variables of the processes that make the fault easy. */
  stack?: StackOptions;
  /** Breaks something; what it returns mends it. */
  break(scene: Scene): Promise<() => Promise<void>>;
}

export interface Scene {
  stack: Stack;
  prometheus: Prometheus;
  targets(): Target[];
}

/** What is indexed and searched all the time. */
export const SESSION = 'drill';

/**
 * Starts an installation under load and a Prometheus with the rules `speed` times faster, breaks it, waits for the alert to fire, mends
 * it and waits for the alert to clear. Tells each moment.
 * @throws Error when the alert fires before anything is broken, or does not fire or clear within `patienceSeconds`.
 */
export async function runDrill(drill: Drill, options: { speed: number; patienceSeconds: number; tell: (line: string) => void }): Promise<void> {
  const port = await freePort(0);
  await using stack = await startStack({ ...drill.stack, inferenceListen: `127.0.0.1:${port}` });
  await using prometheus = await startPrometheus(options.speed);
  const scene: Scene = { stack, prometheus, targets: () => targetsOf(stack) };
  await prometheus.setTargets(scene.targets());
  const photo = await samplePhoto(1);
  await indexPhoto(stack.url, photo, SESSION, 'one');
  const stop = new AbortController();
  const load = keepSearching(stack.url, photo, stop.signal);
  try {
    await tellCourse(drill, scene, options);
  } finally {
    stop.abort();
    await load;
  }
}

async function tellCourse(drill: Drill, scene: Scene, { speed, patienceSeconds, tell }: { speed: number; patienceSeconds: number; tell: (line: string) => void }): Promise<void> {
  await delay(HEALTHY_MS);
  if (await isFiring(scene.prometheus, drill.alert)) throw new Error(`${drill.alert} fires although nothing is broken`);
  const start = Date.now();
  const note = (what: string) => tell(`${((Date.now() - start) / 1000).toFixed(0).padStart(4)} s  ${what}`);
  note(`broken; rules ${speed} times faster`);
  const mend = await drill.break(scene);
  try {
    await until(patienceSeconds, `${drill.alert} to fire`, () => isFiring(scene.prometheus, drill.alert));
    for (const { name, description } of await firing(scene.prometheus)) note(name === drill.alert ? `${name} fires: ${description}` : `${name} fires too`);
  } finally {
    await mend();
    note('mended');
  }
  await until(patienceSeconds, `${drill.alert} to clear`, async () => !(await isFiring(scene.prometheus, drill.alert)));
  note(`${drill.alert} is clear`);
}

const HEALTHY_MS = 10_000;

function targetsOf(stack: Stack): Target[] {
  const running = stack.inference.filter(({ child }) => child.exitCode === null && child.signalCode === null);
  return [
    { job: 'facepass-api', port: stack.api.metricsPort, labels: { pod: 'api-1' } },
    ...running.map(({ metricsPort }, index): Target => ({ job: 'facepass-inference', port: metricsPort, labels: { pod: `inference-${index + 1}` } })),
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

async function isFiring(prometheus: Prometheus, alert: string): Promise<boolean> {
  return (await firing(prometheus)).some(({ name }) => name === alert);
}

async function firing(prometheus: Prometheus): Promise<{ name: string; description: string }[]> {
  return (await prometheus.alerts()).filter(({ state }) => state === 'firing');
}

async function until(seconds: number, what: string, holds: () => Promise<boolean>): Promise<void> {
  const giveUp = Date.now() + seconds * 1000;
  while (!(await holds())) {
    if (Date.now() > giveUp) throw new Error(`waited ${seconds} s for ${what}`);
    await delay(250);
  }
}
