import { readFileSync } from 'node:fs';
import type pg from 'pg';

/**
 * Milliseconds of one piece of work: as its caller waits, and on the processor, which other work on the machine does
 * not lengthen.
 */
export interface Timing {
  wall: number;
  /** NaN where the processor time cannot be read. */
  cpu: number;
}

/**
 * A stopwatch for queries on one connection, `client` or the only one of a pool. The server's process is looked up in
 * /proc, so `cpu` is NaN unless it runs on this machine; time of parallel workers is not in it.
 */
export async function stopwatch(
  client: Pick<pg.Client, 'query'>,
): Promise<(work: () => Promise<unknown>) => Promise<Timing>> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  const processorMs = () => processorTime(rows[0]!.pid);
  return async (work) => {
    const before = processorMs();
    const wall = await timed(work);
    return { wall, cpu: processorMs() - before };
  };
}

function processorTime(pid: number): number {
  try {
    if (!readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('postgres')) return Number.NaN;
    return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
  } catch {
    return Number.NaN;
  }
}

/** Runs `work` and returns its wall time in milliseconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** The median processor time where it is known, else of the wall time. */
export function medianWork(times: readonly Timing[]): number {
  return percentile(
    times.map(({ wall, cpu }) => (Number.isNaN(cpu) ? wall : cpu)),
    0.5,
  );
}

/** The value at or below which `share` (0 to 1) of `values` lie (nearest rank). */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** `| a | b |` lines with a header. */
export function markdownTable(header: string[], rows: (string | number)[][]): string {
  const line = (cells: (string | number)[]) => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Milliseconds, with as many digits as mean something. */
export function ms(value: number): string {
  return value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0);
}

export function progress(message: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${message}\n`);
}
