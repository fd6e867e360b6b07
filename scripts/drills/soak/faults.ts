import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { now } from './model.ts';
import { signal } from './postgres.ts';
import type { Server } from './servers.ts';

/** What happens to a server, for how long, after a pause. */
export interface Fault {
  kind: keyof typeof KINDS;
  /** Position among the servers. */
  server: number;
  pauseMs: number;
  ms: number;
}

/** When something was broken: until every API was ready again. */
export interface Broken {
  what: string;
  from: number;
  to: number;
}

/** Each breaks a server; what it returns mends it. */
const KINDS = {
  async kill(server: Server) {
    await server.kill();
    return () => server.start();
  },
  async freeze(server: Server) {
    return pause(server);
  },
  /** Half of its time it does nothing, as a container at its limit. */
  async slow(server: Server) {
    const stop = new AbortController();
    const turns = (async () => {
      while (!stop.signal.aborted) {
        const resume = await pause(server);
        await delay(SLICE_MS);
        await resume();
        await delay(SLICE_MS);
      }
    })();
    return async () => {
      stop.abort();
      await turns;
    };
  },
  fill: (server: Server) => server.fill(),
} satisfies Record<string, (server: Server) => Promise<() => Promise<void>>>;

const SLICE_MS = 150;

async function pause(server: Server): Promise<() => Promise<void>> {
  const stopped = server.pids();
  for (const pid of stopped) signal(pid, 'SIGSTOP');
  return async () => stopped.forEach((pid) => signal(pid, 'SIGCONT'));
}

/** A fault drawn at random; `mayKill` says which of the servers may be killed. */
export function faultOf(mayKill: boolean[]): fc.Arbitrary<Fault> {
  return fc
    .record({
      kind: fc.constantFrom('kill', 'freeze', 'slow', 'fill'),
      server: fc.nat({ max: mayKill.length - 1 }),
      pauseMs: fc.integer({ min: 500, max: 8000 }),
      ms: fc.integer({ min: 200, max: 9000 }),
    })
    .map((fault) => (fault.kind === 'kill' && !mayKill[fault.server] ? { ...fault, kind: 'freeze' } : fault));
}

/** The faults so far, and whether one of them may be why a call failed. */
export class FaultLog {
  readonly broken: Broken[] = [];

  /** Whether something was broken at any time between `from` and `to`. */
  touches(from: number, to: number): boolean {
    return this.broken.some((fault) => fault.from <= to && fault.to >= from);
  }
}

/**
 * Breaks a server for a time, mends it and waits until `ready`.
 * @returns milliseconds from the mend until then; Infinity where that took more than READY_WITHIN_MS three times over
 */
export async function inflict(
  log: FaultLog,
  server: Server,
  fault: Fault,
  ready: () => Promise<boolean>,
): Promise<number> {
  await delay(fault.pauseMs);
  const broken: Broken = { what: `${fault.kind} ${server.name}`, from: now(), to: Infinity };
  log.broken.push(broken);
  const mend = await KINDS[fault.kind](server);
  await delay(fault.ms);
  const mending = now();
  await mend();
  while (!(await ready())) {
    if (now() - mending > 3 * READY_WITHIN_MS) return Infinity;
    await delay(50);
  }
  broken.to = now();
  return broken.to - mending;
}

/** The service must be ready so long after a fault has ended. */
export const READY_WITHIN_MS = 10_000;
