import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** `services/indexer/main.ts` as a process of its own, killed when disposed of. */
export interface IndexerProcess extends AsyncDisposable {
  metricsUrl: string;
  child: ChildProcess;
  exited: Promise<number | null>;
}

/** Starts it on a free port and waits until it takes work. */
export async function startIndexerProcess(environment: Record<string, string>): Promise<IndexerProcess> {
  const inherited = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => /^(PATH|HOME|NODE_|FACEPASS_TEST_)/.test(name)),
  );
  const endWithParent = new URL('../../../scripts/local/end-with-parent.ts', import.meta.url).href;
  const child = spawn(process.execPath, ['--import', endWithParent, join(import.meta.dirname, '../main.ts')], {
    env: { ...inherited, HOST: '127.0.0.1', METRICS_PORT: '0', ...environment },
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
  });
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  const port = await new Promise<number>((resolve, reject) => {
    createInterface(child.stdout!).on('line', (line) => {
      const { msg, metrics_port } = JSON.parse(line) as { msg: string; metrics_port: number };
      if (msg === 'indexing') resolve(metrics_port);
    });
    void exited.then((code) => reject(new Error(`the indexer ended with ${code}`)));
  });
  return {
    metricsUrl: `http://127.0.0.1:${port}`,
    child,
    exited,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
