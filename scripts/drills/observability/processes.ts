import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { PROCESS_ENVIRONMENT } from '../../../services/inference/serving/process-environment.ts';

const root = join(import.meta.dirname, '../../..');

/** A service in a process of its own, killed when disposed of. */
export interface ServiceProcess extends AsyncDisposable {
  /** Its log line "serving": ports, address. */
  serving: Record<string, unknown>;
  metricsPort: number;
  child: ChildProcess;
  log: Record<string, unknown>[];
}

/**
 * Starts `services/<name>/main.ts` on free ports of 127.0.0.1, with telemetry loaded, and waits until it serves.
 * @throws Error with what it wrote, when it ends before that.
 */
export async function startService(
  name: 'api' | 'inference',
  environment: Record<string, string>,
): Promise<ServiceProcess> {
  const preloads = ['scripts/local/end-with-parent.ts', 'services/runtime/telemetry.ts'].flatMap((path) => [
    '--import',
    pathToFileURL(join(root, path)).href,
  ]);
  const child = spawn(process.execPath, [...preloads, join(root, `services/${name}/main.ts`)], {
    env: {
      ...process.env,
      HOST: '127.0.0.1',
      METRICS_PORT: '0',
      ...(name === 'inference' ? PROCESS_ENVIRONMENT : {}),
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const log: Record<string, unknown>[] = [];
  let errors = '';
  child.stderr!.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const serving = await new Promise<Record<string, unknown>>((resolve, reject) => {
    createInterface(child.stdout!).on('line', (line) => {
      const entry = JSON.parse(line) as Record<string, unknown>;
      log.push(entry);
      if (entry['msg'] === 'serving') resolve(entry);
    });
    child.once('exit', (code) =>
      reject(new Error(`services/${name} ended with code ${code}:\n${errors}\n${JSON.stringify(log.at(-1))}`)),
    );
  });
  return {
    serving,
    metricsPort: serving['metrics_port'] as number,
    child,
    log,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      // A stopped process (SIGSTOP) takes no other signal.
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}
