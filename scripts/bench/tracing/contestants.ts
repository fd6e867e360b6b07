import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { median } from '../inference/figures.ts';
import { KEY, indexPhoto, samplePhoto, searchFaces, startStack, type Stack } from '../../drills/observability/stack.ts';

const root = join(import.meta.dirname, '../../..');
const SESSION = 'bench';
const CALLERS = 4;
/**
 * Spans are sent this often, and a round's processor time is read after they were: the default of 5 s would put them
 * into another's turn.
 */
const EXPORT_MS = 250;

/** One way of running the API. */
export interface Contestant {
  name: string;
  /** Calls it `count` times, some at a time. */
  round(call: 'status' | 'search', count: number): Promise<Round>;
  /** Bytes of spans that its receiver has got. */
  received(): number;
}

export interface Round {
  cpuMsPerCall: number;
  p50Ms: number;
}

/** Starts all of them, the one without any telemetry first, and once more: their difference is the noise. */
export async function startContestants(): Promise<AsyncDisposable & { all: Contestant[] }> {
  await using stack = new AsyncDisposableStack();
  const installation = stack.use(await startStack());
  const photo = await samplePhoto(1);
  if ((await indexPhoto(installation.url, photo, SESSION, 'first')) !== 200)
    throw new Error('the photo was not indexed');
  const [tenth, every] = [stack.use(await startReceiver()), stack.use(await startReceiver())];
  const start = async (name: string, telemetry: boolean, environment: Record<string, string>, received = () => 0) =>
    contestant(name, stack.use(await startApi(installation, telemetry, environment)), photo, received);
  const all = [
    await start('telemetry.ts not loaded', false, {}),
    await start('the same once more', false, {}),
    await start('loaded, without a destination', true, {}),
    await start(
      'on, 10 % sampled',
      true,
      { ...exporting(tenth.url), OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.1' },
      tenth.received,
    ),
    await start('on, every request', true, exporting(every.url), every.received),
  ];
  const owned = stack.move();
  return { all, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function exporting(url: string): Record<string, string> {
  return {
    OTEL_EXPORTER_OTLP_ENDPOINT: url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    OTEL_BSP_SCHEDULE_DELAY: String(EXPORT_MS),
  };
}

function contestant(name: string, api: ApiProcess, photo: Buffer, received: () => number): Contestant {
  const calls = {
    async status() {
      const response = await fetch(`${api.url}/api/v1/search/status/${SESSION}`, { headers: { 'X-API-Key': KEY } });
      await response.arrayBuffer();
      return response.status;
    },
    search: () => searchFaces(api.url, photo, SESSION),
  };
  return {
    name,
    received,
    async round(call, count) {
      const before = cpuMsOf(api.pid);
      const latencies: number[] = [];
      const caller = async () => {
        while (latencies.length < count) {
          const sent = performance.now();
          const status = await calls[call]();
          if (status !== 200) throw new Error(`${name}: status ${status}`);
          latencies.push(performance.now() - sent);
        }
      };
      await Promise.all(Array.from({ length: call === 'search' ? 1 : CALLERS }, caller));
      await delay(2 * EXPORT_MS);
      return { cpuMsPerCall: (cpuMsOf(api.pid) - before) / latencies.length, p50Ms: median(latencies) };
    },
  };
}

/**
 * Time on the processor so far of all threads of a process, in milliseconds (schedstat counts nanoseconds; the ticks of
 * proc(5) are as long as two searches).
 */
function cpuMsOf(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.reduce(
    (total, thread) =>
      total + Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1e6,
    0,
  );
}

interface ApiProcess extends AsyncDisposable {
  pid: number;
  url: string;
}

/** Another API process beside that of `installation`, on the same database and inference server. */
async function startApi(
  { database, inference }: Stack,
  telemetry: boolean,
  environment: Record<string, string>,
): Promise<ApiProcess> {
  const preloads = [
    'scripts/local/end-with-parent.ts',
    ...(telemetry ? ['services/runtime/telemetry.ts'] : []),
  ].flatMap((path) => ['--import', pathToFileURL(join(root, path)).href]);
  const own = {
    HOST: '127.0.0.1',
    PORT: '0',
    METRICS_PORT: '0',
    DATABASE_URL: database.url,
    INFERENCE_ADDRESS: inference[0]!.serving['address'] as string,
    API_KEYS: `photographer:${KEY}`,
  };
  const limits = { RATE_LIMIT_SEARCHES_PER_MINUTE: '0', RETENTION_SWEEP_MINUTES: '0', LOG_LEVEL: 'info' };
  const child = spawn(process.execPath, [...preloads, join(root, 'services/api/main.ts')], {
    env: { ...process.env, ...own, ...limits, ...environment },
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
  });
  const lines = createInterface(child.stdout!);
  const serving = new Promise<number>((resolve, reject) => {
    lines.on('line', (line) => line.includes('"serving"') && resolve((JSON.parse(line) as { port: number }).port));
    child.once('exit', (code) => reject(new Error(`an API process ended with code ${code}`)));
  });
  const port = await serving;
  return {
    pid: child.pid!,
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

/** An OTLP/HTTP receiver that throws away what it gets. */
async function startReceiver(): Promise<AsyncDisposable & { url: string; received(): number }> {
  let bytes = 0;
  const server = createServer(async (request, response) => {
    for await (const chunk of request) bytes += (chunk as Buffer).length;
    response.end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received: () => bytes,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
