import { setTimeout as delay } from 'node:timers/promises';

/** An alert that fires, as Prometheus tells it. */
export interface FiringAlert {
  name: string;
  description: string;
}

/** An installation under load whose Prometheus evaluates the rules `speed` times faster. */
export interface Watched {
  speed: number;
  firing(): Promise<FiringAlert[]>;
}

/** What a drill says while it runs, and how long it waits for the alert to fire, and to clear. */
export interface DrillOptions {
  patienceSeconds: number;
  tell: (line: string) => void;
}

/**
 * Breaks something by `breakIt`, waits for the alert to fire, mends it by what `breakIt` returned and waits for the
 * alert to clear. Tells each moment.
 * @throws Error when the alert fires before anything is broken, or does not fire or clear within `patienceSeconds`.
 */
export async function tellCourse(
  alert: string,
  { speed, firing }: Watched,
  { patienceSeconds, tell }: DrillOptions,
  breakIt: () => Promise<() => Promise<void>>,
): Promise<void> {
  const fires = async () => (await firing()).some(({ name }) => name === alert);
  await delay(HEALTHY_MS);
  if (await fires()) throw new Error(`${alert} fires although nothing is broken`);
  const start = Date.now();
  const note = (what: string) => tell(`${((Date.now() - start) / 1000).toFixed(0).padStart(4)} s  ${what}`);
  const mend = await breakIt();
  note(`broken; rules ${speed} times faster`);
  try {
    await until(patienceSeconds, `${alert} to fire`, fires);
    for (const { name, description } of await firing())
      note(name === alert ? `${name} fires: ${description}` : `${name} fires too`);
  } finally {
    await mend();
    note('mended');
  }
  await until(patienceSeconds, `${alert} to clear`, async () => !(await fires()));
  note(`${alert} is clear`);
}

const HEALTHY_MS = 10_000;

async function until(seconds: number, what: string, holds: () => Promise<boolean>): Promise<void> {
  const giveUp = Date.now() + seconds * 1000;
  while (!(await holds())) {
    if (Date.now() > giveUp) throw new Error(`waited ${seconds} s for ${what}`);
    await delay(250);
  }
}
