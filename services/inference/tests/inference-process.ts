import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { PROCESS_ENVIRONMENT } from '../serving/process-environment.ts';

/** A running inference server, killed when disposed of. */
export interface InferenceProcess extends AsyncDisposable {
  /** As a gRPC client wants it: `127.0.0.1:40001` or `unix:/path`. */
  address: string;
  metricsPort: number;
  child: ChildProcess;
  exited: Promise<number | null>;
  /** The first log line with this message, past or to come. */
  logged(message: string): Promise<Record<string, unknown>>;
  /**
   * Value of one series, for example `facepass_inference_refused_total{reason="queue_full"}`; 0 when it is not there.
   */
  metric(series: string): Promise<number>;
  /** Waits until a series has a value. @throws Error with the last value, after two minutes. */
  metricReaches(series: string, holds: (value: number) => boolean): Promise<void>;
}

/**
 * Starts `services/inference/main.ts` on free ports and waits until it serves. @throws Error with its exit code and
 * what it wrote, when it ends before that.
 */
export async function startInferenceProcess(environment: Record<string, string> = {}): Promise<InferenceProcess> {
  const child = spawn(process.execPath, ['--import', END_WITH_PARENT, MAIN], {
    env: {
      ...process.env,
      INFERENCE_LISTEN: '127.0.0.1:0',
      METRICS_PORT: '0',
      HOST: '127.0.0.1',
      DRAIN_MS: '60000',
      INFERENCE_IMAGE_TIMEOUT_MS: '120000',
      ...PROCESS_ENVIRONMENT,
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  const logged = followLog(child, exited);
  const serving = await logged('serving');
  const metricsPort = serving['metrics_port'] as number;
  const metric = async (series: string) =>
    seriesValue(await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text(), series);
  return {
    address: serving['address'] as string,
    metricsPort,
    child,
    exited,
    logged,
    metric,
    async metricReaches(series, holds) {
      const end = performance.now() + REACH_LIMIT_MS;
      for (let value = await metric(series); !holds(value); value = await metric(series)) {
        if (performance.now() > end)
          throw new Error(
            `After ${REACH_LIMIT_MS / 1000} s ${series} is ${value}, which is not what was waited for: ${holds}`,
          );
        await delay(5);
      }
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
/** A wait without an end once held a whole run for 85 minutes. */
const REACH_LIMIT_MS = 120_000;
const END_WITH_PARENT = new URL('../../../scripts/local/end-with-parent.ts', import.meta.url).href;

function followLog(child: ChildProcess, exited: Promise<number | null>): InferenceProcess['logged'] {
  const lines: Record<string, unknown>[] = [];
  const waiting = new Set<() => void>();
  let errors = '';
  child.stderr!.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  createInterface(child.stdout!).on('line', (line) => {
    lines.push(JSON.parse(line) as Record<string, unknown>);
    for (const look of waiting) look();
  });
  return (message) =>
    new Promise((resolve, reject) => {
      const look = () => {
        const line = lines.find(({ msg }) => msg === message);
        if (!line) return void waiting.add(look);
        waiting.delete(look);
        resolve(line);
      };
      look();
      void exited.then((code) =>
        reject(
          new Error(
            `The inference server ended with code ${code} before it said "${message}".\n${errors}\n${JSON.stringify(lines.at(-1))}`,
          ),
        ),
      );
    });
}

function seriesValue(text: string, series: string): number {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
  return line ? Number(line.slice(series.length + 1)) : 0;
}
