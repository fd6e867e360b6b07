import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

export interface Program {
  name: string;
  /** The TypeScript file to run. */
  main: string;
  arguments?: string[];
  environment: NodeJS.ProcessEnv;
  /** File for its output. */
  logFile: string;
}

/**
 * Runs `program` to its end; `signal` stops it early.
 * @throws Error with the last lines of its log if it fails
 */
export async function runProgram(program: Program, signal: AbortSignal): Promise<void> {
  const child = launch(program, 'w');
  signal.addEventListener('abort', () => child.kill(), { once: true });
  await once(child, 'exit');
  if (signal.aborted) return;
  if (child.exitCode !== 0) throw new Error(describeEnd(program, child));
}

/** Keeps a program running: restarts it when it exits, until it exits too often. */
export class Service {
  readonly program: Program;
  readonly #onEvent: (message: string) => void;
  readonly #deaths: number[] = [];
  #child: ChildProcess;
  #stopping = false;
  /** Resolves with the reason when the program is given up. */
  readonly failed: Promise<Error>;

  constructor(program: Program, onEvent: (message: string) => void) {
    this.program = program;
    this.#onEvent = onEvent;
    this.#child = launch(program, 'w');
    this.failed = this.#keepRunning();
  }

  /** Sends SIGTERM, and SIGKILL if the program still runs after `patienceMs`. */
  async stop(patienceMs: number): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (hasEnded(child)) return;
    child.kill('SIGTERM');
    const impatient = setTimeout(() => child.kill('SIGKILL'), patienceMs);
    await once(child, 'exit');
    clearTimeout(impatient);
  }

  async #keepRunning(): Promise<Error> {
    for (;;) {
      if (!hasEnded(this.#child)) await once(this.#child, 'exit');
      if (this.#stopping) return new Promise(() => undefined);
      const end = describeEnd(this.program, this.#child);
      this.#deaths.push(Date.now());
      const recent = this.#deaths.filter((time) => time > Date.now() - MINUTE_MS).length;
      if (this.#child.exitCode === WRONG_CONFIGURATION || recent > DEATHS_A_MINUTE) return new Error(end);
      this.#onEvent(`${this.program.name} ${endOf(this.#child)}; restarting it.`);
      await delay(100 * 2 ** recent);
      if (this.#stopping) return new Promise(() => undefined);
      this.#child = launch(this.program, 'a');
    }
  }
}

const MINUTE_MS = 60_000;
const DEATHS_A_MINUTE = 4;
/** sysexits.h EX_CONFIG. */
const WRONG_CONFIGURATION = 78;
const END_WITH_PARENT = pathToFileURL(join(import.meta.dirname, 'end-with-parent.ts')).href;

/**
 * Starts the program in its own process group: Ctrl-C in a terminal goes to the whole group, so only the starter gets it
 * and stops its services in order. The pipe ends them if the starter is killed.
 */
function launch(program: Program, flags: 'w' | 'a'): ChildProcess {
  const log = openSync(program.logFile, flags, 0o600);
  try {
    return spawn(process.execPath, ['--import', END_WITH_PARENT, program.main, ...(program.arguments ?? [])], {
      env: program.environment,
      stdio: ['ignore', log, log, 'pipe'],
      detached: true,
    });
  } finally {
    closeSync(log);
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function endOf(child: ChildProcess): string {
  return child.signalCode ? `was killed by ${child.signalCode}` : `exited with code ${child.exitCode}`;
}

function describeEnd(program: Program, child: ChildProcess): string {
  const lastLines = readFileSync(program.logFile, 'utf8').trimEnd().split('\n').slice(-12);
  return [`${program.name} ${endOf(child)}. The end of ${program.logFile}:`, ...lastLines].join('\n  ');
}
