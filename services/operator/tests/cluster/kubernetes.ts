import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** The API server through `kubectl proxy`: whatever KUBECONFIG says, without its client. */
export interface Kubernetes extends AsyncDisposable {
  url: string;
  /** @throws with the status and the body, unless the answer is a success. */
  get(path: string): Promise<string>;
  read<Type>(path: string): Promise<Type>;
  /** A merge patch. */
  patch(path: string, body: object): Promise<void>;
  /** Each object now and whenever it changes, until disposed of; a broken watch goes on. */
  watch<Type>(path: string, onObject: (object: Type, type: string) => void): Disposable;
}

export async function connectKubernetes(): Promise<Kubernetes> {
  const child = spawn('kubectl', ['proxy', '--port=0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const url = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      const address = /127\.0\.0\.1:\d+/.exec(line)?.[0];
      if (address) resolve(`http://${address}`);
    });
    child.once('exit', (code) => reject(new Error(`kubectl proxy ended with ${code}`)));
  });
  const call = async (path: string, init?: RequestInit) => {
    const response = await fetch(`${url}${path}`, init);
    const body = await response.text();
    if (!response.ok) throw new Error(`${init?.method ?? 'GET'} ${path}: ${response.status} ${body.slice(0, 500)}`);
    return body;
  };
  return {
    url,
    get: (path) => call(path),
    read: async <Type>(path: string) => JSON.parse(await call(path)) as Type,
    patch: async (path, body) =>
      void (await call(path, {
        method: 'PATCH',
        headers: { 'Content-Type': 'application/merge-patch+json' },
        body: JSON.stringify(body),
      })),
    watch: (path, onObject) => watchForever(`${url}${path}`, onObject),
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'exit');
      if (child.kill()) await ended;
    },
  };
}

/** The API server ends a watch before fetch does, which gives up a body that is silent for five minutes. */
const WATCH_SECONDS = 240;

function watchForever<Type>(url: string, onObject: (object: Type, type: string) => void): Disposable {
  const controller = new AbortController();
  const run = async () => {
    while (!controller.signal.aborted) {
      const response = await fetch(`${url}${url.includes('?') ? '&' : '?'}watch=true&timeoutSeconds=${WATCH_SECONDS}`, {
        signal: controller.signal,
      });
      let rest = '';
      for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
        const lines = (rest + text).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) {
          const { type, object } = JSON.parse(line) as { type: string; object: Type };
          onObject(object, type);
        }
      }
    }
  };
  run().catch((error: Error) => {
    if (!controller.signal.aborted) throw error;
  });
  return { [Symbol.dispose]: () => controller.abort() };
}
