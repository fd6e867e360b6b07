import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { KEY } from './service.ts';

const REPOSITORY = join(import.meta.dirname, '../../..');

/** `services/api/main.ts` as a process of its own, killed when disposed of. */
export interface ApiProcess extends AsyncDisposable {
  url: string;
  port: number;
  metricsUrl: string;
  child: ChildProcess;
  exited: Promise<number | null>;
  logged(message: string): Promise<void>;
}

/** Starts that of an installation in `directory` on free ports and waits until it serves. */
export async function startApiProcess(
  environment: Record<string, string>,
  { directory = REPOSITORY }: { directory?: string } = {},
): Promise<ApiProcess> {
  const given = {
    INFERENCE_ADDRESS: '127.0.0.1:1',
    API_KEYS: `photographer:${KEY}`,
    RATE_LIMIT_SEARCHES_PER_MINUTE: '0',
  };
  const child = spawnApi({ ...given, ...environment }, directory);
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  const lines: Record<string, unknown>[] = [];
  const reader = createInterface(child.stdout!).on('line', (line) =>
    lines.push(JSON.parse(line) as Record<string, unknown>),
  );
  const logged = async (message: string) => {
    while (!lines.some(({ msg }) => msg === message)) await once(reader, 'line');
  };
  await logged('serving');
  const { port, metrics_port } = lines.find(({ msg }) => msg === 'serving') as { port: number; metrics_port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    metricsUrl: `http://127.0.0.1:${metrics_port}`,
    child,
    exited,
    logged,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** Runs it until it ends by itself. */
export async function runToItsEnd(environment: Record<string, string>): Promise<{ code: number; stderr: string }> {
  const child = spawnApi(environment);
  let stderr = '';
  child.stderr!.on('data', (chunk: Buffer) => (stderr += chunk));
  const [code] = (await once(child, 'close')) as [number];
  return { code, stderr };
}

function spawnApi(environment: Record<string, string>, directory = REPOSITORY): ChildProcess {
  const inherited = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => /^(PATH|HOME|NODE_|FACEPASS_TEST_)/.test(name)),
  );
  const main = join(directory, 'services/api/main.ts');
  const endWithParent = new URL('../../../scripts/local/end-with-parent.ts', import.meta.url).href;
  return spawn(process.execPath, ['--import', endWithParent, main], {
    env: { ...inherited, HOST: '127.0.0.1', PORT: '0', METRICS_PORT: '0', ...environment },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
}
