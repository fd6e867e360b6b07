import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export const root = join(import.meta.dirname, '../../..');

/** What ./scripts/start prints and does, driven from outside as a person at a terminal would. */
export interface LocalFacepass {
  process: ChildProcess & { pid: number };
  /** All it has printed. */
  output(): string;
  url: string;
  apiKey: string;
  /** The two commands that it recommends. */
  commands: string[];
  /** From the command to the message that it is ready. */
  secondsToReady: number;
}

/**
 * Runs ./scripts/start on `data` with more `options`, under the command `tracer` if one is given, and waits until it says how to stop it.
 * @throws Error with its output when it ends before.
 */
export async function startLocally(
  data: string,
  port: number,
  environment: NodeJS.ProcessEnv,
  tracer: string[] = [],
  options: string[] = [],
): Promise<LocalFacepass> {
  const startedMs = performance.now();
  const [command, ...args] = [
    ...tracer,
    join(root, 'scripts/start'),
    '--data',
    data,
    '--port',
    String(port),
    ...options,
  ];
  const child = spawn(command!, args, {
    env: environment,
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
  while (!output.includes('Press Ctrl-C to stop.')) {
    if (child.exitCode !== null || child.signalCode) throw new Error(`./scripts/start ended:\n${output}`);
    await delay(20);
  }
  const secondsToReady = (performance.now() - startedMs) / 1000;
  const found = (pattern: RegExp) => pattern.exec(output)?.[1] ?? '';
  return {
    process: child as ChildProcess & { pid: number },
    output: () => output,
    url: found(/Console\s+(http:\/\/[^/]+)\//),
    apiKey: found(/API key\s+(\S+)/),
    commands: [...output.matchAll(/^ {2}((?:FACEPASS_DATA=.* )?npx facepass .*)$/gm)].map(
      ([, command = '']) => command,
    ),
    secondsToReady,
  };
}

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a shell command in the clone to its end. */
export async function shell(command: string, environment: NodeJS.ProcessEnv): Promise<Ended> {
  return collect(spawn('/bin/sh', ['-c', command], { cwd: root, env: environment, stdio: ['ignore', 'pipe', 'pipe'] }));
}

/**
 * Runs `facepass` to its end, or kills it with SIGKILL after it has printed `killAfterLines` lines, or interrupts it after
 * `interruptAfterLines`, as Ctrl-C does.
 */
export async function facepass(
  args: string[],
  environment: NodeJS.ProcessEnv,
  {
    killAfterLines = Infinity,
    interruptAfterLines = Infinity,
    tracer = [],
  }: { killAfterLines?: number; interruptAfterLines?: number; tracer?: string[] } = {},
): Promise<Ended> {
  const [command, ...commandArguments] = [...tracer, process.execPath, join(root, 'services/cli/main.ts'), ...args];
  const child = spawn(command!, commandArguments, {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let lines = 0;
  createInterface(child.stdout).on('line', () => {
    lines += 1;
    if (lines === killAfterLines) child.kill('SIGKILL');
    if (lines === interruptAfterLines) child.kill('SIGINT');
  });
  return collect(child);
}

async function collect(child: ChildProcess): Promise<Ended> {
  const ended: Ended = { code: null, stdout: '', stderr: '' };
  child.stdout?.on('data', (text) => (ended.stdout += text));
  child.stderr?.on('data', (text) => (ended.stderr += text));
  [ended.code] = await once(child, 'close');
  return ended;
}

/** Process ids of the children of `parent`, by the file they run. Linux only. */
export function childrenOf(parent: number): Map<string, number> {
  const children = new Map<string, number>();
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) !== parent) continue;
      const main =
        readFileSync(`/proc/${entry}/cmdline`, 'utf8')
          .split('\0')
          .find((argument) => argument.endsWith('main.ts')) ?? '';
      children.set(main.slice(root.length + 1), Number(entry));
    } catch {
      // It ended while it was looked at.
    }
  }
  return children;
}

export function isAlive(processId: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${processId}/status`, 'utf8'));
  } catch {
    return false;
  }
}
