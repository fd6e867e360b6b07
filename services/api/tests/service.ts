import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { promisify } from 'node:util';
import { createLogger } from '@facepass/runtime/logger';
import { createTestDatabase, type TestDatabase } from '../../../scripts/checks/test-database.ts';
import { startInferenceProcess, type InferenceProcess } from '../../inference/tests/inference-process.ts';
import { readConfig } from '../config.ts';
import { openContext, type Context } from '../context.ts';
import { startApi } from '../server.ts';

/** A key with the scopes index and delete. */
export const KEY = 'fp_test_key_of_the_photographer';
export const ADMIN_KEY = 'fp_test_key_of_the_administrator';
/** A key that may only index. */
export const INDEX_KEY = 'fp_test_key_that_may_index';
export const SECRET = 'a secret of the tests with 32 characters and more';

/** A migrated database of its own, on PostgreSQL or embedded. */
export async function createMigratedDatabase(environment: Record<string, string> = {}): Promise<TestDatabase> {
  const database = await createTestDatabase();
  await migrate(database.url, 'up', environment);
  return database;
}

/** Runs the migrator on a database. */
export async function migrate(url: string, command: string, environment: Record<string, string> = {}): Promise<string> {
  const arguments_ = [MIGRATOR, ...command.split(' ')];
  const { stdout } = await promisify(execFile)(process.execPath, arguments_, {
    env: { ...process.env, DATABASE_URL: url, ...environment },
  });
  return stdout;
}

const MIGRATOR = join(import.meta.dirname, '../../migrator/main.ts');

export interface TestService extends AsyncDisposable {
  url: string;
  metricsUrl: string;
  context: Context;
  database: TestDatabase;
  inference: InferenceProcess | null;
  /** Log lines of the API so far. */
  log: Record<string, unknown>[];
  /** Calls the API; `key` is sent as X-API-Key. */
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
}

export interface CallOptions {
  key?: string;
  form?: Record<string, string | Uint8Array | Uint8Array[] | undefined>;
  json?: unknown;
  body?: RequestInit['body'];
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** Needed where the body is a stream. */
  duplex?: 'half';
}

export interface Answer {
  status: number;
  headers: Headers;
  /** JSON as it came, or text. */
  body: any;
}

/**
 * The API in this process, on free ports, with a database of its own and, unless `inference` is null, a real inference
 * process.
 */
export async function startTestService(
  options: { environment?: Record<string, string>; inference?: null; database?: TestDatabase } = {},
): Promise<TestService> {
  await using stack = new AsyncDisposableStack();
  const database = options.database ?? stack.use(await createMigratedDatabase());
  const inference =
    options.inference === null ? null : stack.use(await startInferenceProcess({ INFERENCE_WORKERS: '1' }));
  const log: TestService['log'] = [];
  const config = readConfig({
    HOST: '127.0.0.1',
    PORT: '0',
    METRICS_PORT: '0',
    DATABASE_URL: database.url,
    DATABASE_POOL_SIZE: database.engine === 'embedded' ? '1' : '10',
    INFERENCE_ADDRESS: inference?.address ?? '127.0.0.1:1',
    INFERENCE_TIMEOUT_MS: '120000',
    API_KEYS: `photographer:${KEY}, indexer:${INDEX_KEY}:index`,
    SEARCH_TOKEN_SECRET: SECRET,
    RATE_LIMIT_WRITES_PER_MINUTE: '0',
    RATE_LIMIT_SEARCHES_PER_MINUTE: '0',
    DRAIN_DELAY_MS: '0',
    RETENTION_SWEEP_MINUTES: '0',
    ...options.environment,
  });
  const context = await openContext(config, createLogger('api', 'info', collect(log)), '0.0.0-test');
  const server = stack.use(await startApi(context));
  const url = `http://127.0.0.1:${server.port}`;
  const owned = stack.move();
  return {
    url,
    metricsUrl: `http://127.0.0.1:${server.metricsPort}`,
    context,
    database,
    inference,
    log,
    call: (method, path, call) => callApi(url, method, path, call),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** One HTTP call; the body of the answer is parsed where it is JSON. */
export async function callApi(url: string, method: string, path: string, options: CallOptions = {}): Promise<Answer> {
  const headers: Record<string, string> = { ...options.headers };
  if (options.key) headers['X-API-Key'] = options.key;
  if (options.json !== undefined) headers['Content-Type'] = 'application/json';
  const body =
    options.json !== undefined ? JSON.stringify(options.json) : options.form ? formOf(options.form) : options.body;
  const { duplex } = options;
  const response = await fetch(`${url}${path}`, {
    method,
    headers,
    body,
    signal: options.signal,
    duplex,
  } as RequestInit);
  const text = await response.text();
  const isJson =
    /json/.test(response.headers.get('content-type') ?? '') &&
    !/ndjson/.test(response.headers.get('content-type') ?? '');
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}

function formOf(fields: NonNullable<CallOptions['form']>): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one instanceof Uint8Array) form.append(name, new Blob([new Uint8Array(one)]), 'photo');
      else if (one !== undefined) form.append(name, one);
    }
  }
  return form;
}

function collect(lines: Record<string, unknown>[]): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString()) as Record<string, unknown>);
      done();
    },
  });
}
