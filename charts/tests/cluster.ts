import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
export const root = fileURLToPath(new URL('../../', import.meta.url));

/** Runs a command at the project's root; its output. @throws with the output when it fails. */
export async function sh(command: string, environment: NodeJS.ProcessEnv = {}): Promise<string> {
  try {
    const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', command], {
      cwd: root,
      env: { ...process.env, ...environment },
      maxBuffer: 1 << 26,
    });
    return stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${command}\n${stdout.slice(-4000)}\n${stderr.slice(-4000)}`);
  }
}

/** Calls `probe` until it gives something; the last failure is the error after `seconds`. */
export async function until<Result>(
  what: string,
  seconds: number,
  probe: () => Promise<Result | undefined | false>,
): Promise<Result> {
  const deadline = Date.now() + seconds * 1000;
  for (let failure: unknown; ;) {
    try {
      const result = await probe();
      if (result !== undefined && result !== false) return result;
    } catch (error) {
      failure = error;
    }
    if (Date.now() > deadline) throw new Error(`${what}: not within ${seconds} s`, { cause: failure });
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** A local address of a pod or service, for as long as it is not disposed of. */
export async function portForward(
  namespace: string,
  target: string,
  port: number,
): Promise<AsyncDisposable & { url: string }> {
  const child = spawn('kubectl', ['-n', namespace, 'port-forward', target, `:${port}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      const local = /127\.0\.0\.1:(\d+)/.exec(line)?.[1];
      if (local) resolve(`http://127.0.0.1:${local}`);
    });
    child.once('exit', (code) => reject(new Error(`kubectl port-forward ended with ${code}`)));
  });
  return {
    url,
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'exit');
      if (child.kill()) await ended;
    },
  };
}

/** Names of the pods of a component that are ready and not being deleted. */
export async function readyPods(namespace: string, component: string): Promise<string[]> {
  const { items } = JSON.parse(
    await sh(`kubectl -n ${namespace} get pods -l app.kubernetes.io/component=${component} -o json`),
  ) as { items: Pod[] };
  return items
    .filter(
      (pod) =>
        !pod.metadata.deletionTimestamp &&
        pod.status.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True'),
    )
    .map((pod) => pod.metadata.name);
}

/** The value of a counter, summed over its labels, as a pod itself reports it. */
export async function podCounter(namespace: string, pod: string, metric: string): Promise<number> {
  const text = await sh(`kubectl get --raw /api/v1/namespaces/${namespace}/pods/${pod}:9464/proxy/metrics`);
  const samples = text.split('\n').filter((line) => line.startsWith(metric) && /^[{ ]/.test(line.slice(metric.length)));
  return samples.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

/**
 * Sends a request again and again, `concurrency` at a time, until stopped or disposed of; tells how many were answered
 * and how the others failed. Declare it with `await using`: after a failed test it would go on for ever, and with it
 * the run.
 */
export function sustainedLoad(request: () => Promise<Response>, concurrency: number) {
  const outcome = { answered: 0, failures: [] as string[] };
  let stopped = false;
  const worker = async () => {
    while (!stopped) {
      try {
        const response = await request();
        const body = await response.text();
        if (response.ok) outcome.answered += 1;
        else outcome.failures.push(`${new Date().toISOString()} ${response.status} ${body}`);
      } catch (error) {
        outcome.failures.push(`${new Date().toISOString()} ${String((error as Error).cause ?? error)}`);
      }
    }
  };
  const workers = Array.from({ length: concurrency }, worker);
  const stop = async () => {
    stopped = true;
    await Promise.all(workers);
    return outcome;
  };
  return { outcome, stop, [Symbol.asyncDispose]: async () => void (await stop()) };
}

interface Pod {
  metadata: { name: string; deletionTimestamp?: string };
  status: { conditions?: { type: string; status: string }[] };
}
