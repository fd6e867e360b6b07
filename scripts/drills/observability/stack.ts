import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createTestDatabase, type TestDatabase } from '../../checks/test-database.ts';
import { startIndexerProcess, type IndexerProcess } from '../../../services/indexer/tests/indexer.ts';
import { startService, type ServiceProcess } from './processes.ts';

const root = join(import.meta.dirname, '../../..');
export const KEY = 'fp_key_of_the_observed_stack';

/** Real processes of a whole installation. */
export interface Stack extends AsyncDisposable {
  database: TestDatabase;
  inference: ServiceProcess[];
  api: ServiceProcess;
  url: string;
  /** Runs the migrator's `up`. @throws Error with what it wrote */
  migrate(environment?: Record<string, string>): Promise<void>;
  /** Starts another inference process. */
  startInference(): Promise<ServiceProcess>;
  /** Those that were started, the last one last; none before. */
  indexers: IndexerProcess[];
  /** Starts another indexer, for the bucket of `environment`. */
  startIndexer(environment: Record<string, string>): Promise<IndexerProcess>;
}

/** Starts database, migration, inference and API. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  await using stack = new AsyncDisposableStack();
  const database = stack.use(await createTestDatabase());
  const migrate = async (environment: Record<string, string> = {}) =>
    void (await promisify(execFile)(process.execPath, [join(root, 'services/migrator/main.ts'), 'up'], {
      cwd: root,
      env: { ...process.env, DATABASE_URL: database.url, ...options.all, ...environment },
    }).catch((error) => {
      throw new Error(error.stdout);
    }));
  await migrate();
  const inference: ServiceProcess[] = [];
  stack.defer(async () => {
    for (const one of inference) await one[Symbol.asyncDispose]();
  });
  const startInference = async () => {
    const started = await startService('inference', {
      INFERENCE_LISTEN: options.inferenceListen ?? '127.0.0.1:0',
      INFERENCE_WORKERS: '1',
      ...options.all,
      ...options.inference,
    });
    inference.push(started);
    return started;
  };
  const first = await startInference();
  const api = stack.use(
    await startService('api', {
      PORT: '0',
      DATABASE_URL: database.url,
      DATABASE_POOL_SIZE: database.engine === 'embedded' ? '1' : '10',
      INFERENCE_ADDRESS: (first.serving['address'] as string).replace('127.0.0.1', 'localhost'),
      API_KEYS: `photographer:${KEY}`,
      RATE_LIMIT_WRITES_PER_MINUTE: '0',
      RATE_LIMIT_SEARCHES_PER_MINUTE: '0',
      DRAIN_DELAY_MS: '0',
      ...options.all,
      ...options.api,
    }),
  );
  const indexers: IndexerProcess[] = [];
  stack.defer(async () => {
    for (const one of indexers) await one[Symbol.asyncDispose]();
  });
  const startIndexer = async (environment: Record<string, string>) => {
    const started = await startIndexerProcess({
      DATABASE_URL: database.url,
      DATABASE_POOL_SIZE: database.engine === 'embedded' ? '1' : '10',
      INFERENCE_ADDRESS: (first.serving['address'] as string).replace('127.0.0.1', 'localhost'),
      ...options.all,
      ...environment,
    });
    indexers.push(started);
    return started;
  };
  const owned = stack.move();
  return {
    database,
    inference,
    api,
    url: `http://127.0.0.1:${api.serving['port'] as number}`,
    migrate,
    startInference,
    indexers,
    startIndexer,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

export interface StackOptions {
  /** Variables of the API. */
  api?: Record<string, string>;
  /** Variables of the inference processes. */
  inference?: Record<string, string>;
  /** Variables of both services. */
  all?: Record<string, string>;
  /** Address of the inference processes, for one to take the place of another; absent: free ports. */
  inferenceListen?: string;
}

/** The sample photo `number` (1 to 6) that comes with face-api. */
export function samplePhoto(number: number): Promise<Buffer> {
  return readFile(fileURLToPath(import.meta.resolve(`@vladmandic/face-api/demo/sample${number}.jpg`)));
}

/** Indexes a photo; answers the status. */
export async function indexPhoto(url: string, photo: Buffer, sessionId: string, photoId: string): Promise<number> {
  return post(`${url}/api/v1/index`, photo, { session_id: sessionId, photo_id: photoId });
}

/** Searches a session by a selfie; answers the status. */
export async function searchFaces(
  url: string,
  selfie: Buffer,
  sessionId: string,
  signal?: AbortSignal,
): Promise<number> {
  return post(`${url}/api/v1/search`, selfie, { session_id: sessionId }, signal);
}

async function post(url: string, image: Buffer, fields: Record<string, string>, signal?: AbortSignal): Promise<number> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append('image', new Blob([new Uint8Array(image)]), 'photo.jpg');
  const response = await fetch(url, { method: 'POST', body: form, headers: { 'X-API-Key': KEY }, signal });
  await response.arrayBuffer();
  return response.status;
}
