import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Timing } from './measure.ts';

/** One scan of a session's vectors in memory, on one core. */
export interface Scan extends Timing {
  vectors: number;
  /** Vectors whose inner product with the query is at or above the threshold. */
  matching: number;
}

export interface BareScan extends AsyncDisposable {
  scan(): Promise<Scan>;
}

/**
 * Builds the scanner of `bare-scan.c` into `directory`; null where it cannot be built, and the reason on standard
 * error: no C compiler, or a processor without AVX2 and F16C.
 */
export function buildBareScan(directory: string): string | null {
  const program = join(directory, 'bare-scan');
  const source = join(import.meta.dirname, 'bare-scan.c');
  const built = spawnSync(process.env['CC'] ?? 'cc', ['-O3', '-mavx2', '-mfma', '-mf16c', '-o', program, source], {
    encoding: 'utf8',
  });
  const usable = built.status === 0 && spawnSync(program, [], { encoding: 'utf8' }).status === 2;
  if (usable) return program;
  process.stderr.write(
    `SKIPPED: the bare scan cannot be built here, so nothing is compared with it: ${built.error?.message ?? built.stderr}\n`,
  );
  return null;
}

/**
 * Starts `program` on a query and a session's vectors, each the little-endian half floats of one embedding.
 * @throws Error when the scanner ends early.
 */
export async function startBareScan(
  program: string,
  { query, vectors, threshold, file }: BareScanInput,
): Promise<BareScan> {
  await writeFile(file, Buffer.concat([query, ...vectors]));
  const child = spawn(program, [file, String(query.length / 2), String(threshold)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  }) as Scanner;
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    async scan() {
      child.stdin.write('\n');
      const { value, done } = await lines.next();
      if (done) throw new Error('the bare scan ended early');
      const [wall, cpu, count, matching] = String(value).split(' ').map(Number) as [number, number, number, number];
      return { wall: wall / 1000, cpu: cpu / 1000, vectors: count, matching };
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}

export interface BareScanInput {
  query: Buffer;
  vectors: Buffer[];
  threshold: number;
  file: string;
}

type Scanner = ChildProcess & { stdin: Writable; stdout: Readable };
