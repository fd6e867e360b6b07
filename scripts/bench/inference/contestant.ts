import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { PipelineConfig } from '../../../services/inference/seeing/faces.ts';

/** Something that finds the faces of photos, in processes of its own. */
export interface Contestant extends AsyncDisposable {
  name: string;
  /** Works through all photos `passes` times. */
  round(passes: number): Promise<Round>;
}

export interface Round {
  photos: number;
  faces: number;
  wallMs: number;
  /** CPU time of every process that took part. */
  cpuMs: number;
  latenciesMs: number[];
}

/** What a forked contestant is told first. */
export interface Setup {
  photos: string[];
  workers: number;
  pipeline: PipelineConfig;
}

/**
 * Forks `module`, which answers a setup with "ready" and a number of passes with a Round; the CPU time is the child's
 * own.
 */
export async function forkContestant(name: string, module: string, setup: Setup): Promise<Contestant> {
  const child = fork(new URL(module, import.meta.url), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  await ask(child, setup);
  return {
    name,
    round: (passes) => ask(child, { passes }) as Promise<Round>,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

async function ask(child: ChildProcess, question: object): Promise<unknown> {
  child.send(question);
  const ended = new AbortController();
  const exit = once(child, 'exit', ended).then(([code]) =>
    Promise.reject(new Error(`a contestant ended with code ${code}`)),
  );
  exit.catch(() => undefined);
  try {
    return (await Promise.race([once(child, 'message'), exit]))[0];
  } finally {
    ended.abort();
  }
}

/** The other side of forkContestant. */
export function answerAsContestant(
  prepare: (setup: Setup) => Promise<(passes: number) => Promise<Omit<Round, 'cpuMs'>>>,
): void {
  let work: ((passes: number) => Promise<Omit<Round, 'cpuMs'>>) | undefined;
  process.on('message', async (question: Setup | { passes: number }) => {
    if ('photos' in question) {
      work = await prepare(question);
      return void process.send!('ready');
    }
    const before = process.cpuUsage();
    const round = await work!(question.passes);
    const { user, system } = process.cpuUsage(before);
    process.send!({ ...round, cpuMs: (user + system) / 1000 });
  });
}
