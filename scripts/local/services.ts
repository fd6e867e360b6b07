import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { PROCESS_ENVIRONMENT } from '../../services/inference/serving/process-environment.ts';
import { databaseUrl, SOCKET_NAME } from './embedded-database/database.ts';
import type { DataDirectory } from './data-directory.ts';
import type { Program } from './processes.ts';

const root = join(import.meta.dirname, '../..');

export interface LocalPrograms {
  database: Program;
  migration: Program;
  inference: Program;
  api: Program;
  /** null without a bucket: jobs name photos of one. */
  indexer: Program | null;
  /** Address of the API. */
  url: string;
  databaseSocket: string;
  /** Address that answers 200 when inference is ready. */
  inferenceReadiness: string;
}

/** The programs of a local start and their environments. All listen on 127.0.0.1 or on a UNIX socket. */
export async function localPrograms(data: DataDirectory, port: number, modelPack: string): Promise<LocalPrograms> {
  const common = {
    ...inheritedEnvironment(process.env),
    ...generousLimits(process.env),
    HOST: '127.0.0.1',
    MODELS_DIRECTORY: join(root, 'models'),
    MODEL_PACK: modelPack,
  };
  const database = { DATABASE_URL: databaseUrl(data.sockets) };
  const inferenceMetricsPort = await freePort(0);
  const inferenceSocket = `unix:${join(data.sockets, 'inference.sock')}`;
  const program = (
    name: string,
    main: string,
    environment: NodeJS.ProcessEnv,
    programArguments?: string[],
  ): Program => ({
    name,
    main: join(root, main),
    arguments: programArguments,
    environment: { ...common, ...environment },
    logFile: join(data.logs, `${name}.log`),
  });
  return {
    database: program('database', 'scripts/local/embedded-database/main.ts', {}, [
      '--directory',
      data.database,
      '--socket-directory',
      data.sockets,
    ]),
    migration: program('migration', 'services/migrator/main.ts', database, ['up']),
    inference: program('inference', 'services/inference/main.ts', {
      INFERENCE_LISTEN: inferenceSocket,
      METRICS_PORT: String(inferenceMetricsPort),
      ...PROCESS_ENVIRONMENT,
    }),
    api: program('api', 'services/api/main.ts', {
      ...database,
      PORT: String(port),
      METRICS_PORT: String(await freePort(0)),
      DATABASE_POOL_SIZE: '4',
      INFERENCE_ADDRESS: inferenceSocket,
      API_KEYS: `development:${data.development.api_key}:index+delete+admin`,
      SEARCH_TOKEN_SECRET: data.development.search_token_secret,
      RATE_LIMIT_WRITES_PER_MINUTE: '0',
      RATE_LIMIT_SEARCHES_PER_MINUTE: '0',
      PHOTO_URL_TEMPLATE: process.env['PHOTO_URL_TEMPLATE'] ?? '/samples/{photo_id}',
      DRAIN_DELAY_MS: '0',
    }),
    indexer: process.env['S3_BUCKET']
      ? program('indexer', 'services/indexer/main.ts', {
          ...database,
          METRICS_PORT: String(await freePort(0)),
          DATABASE_POOL_SIZE: '2',
          INDEXER_CONCURRENCY: '2',
          INFERENCE_ADDRESS: inferenceSocket,
        })
      : null,
    url: `http://127.0.0.1:${port}`,
    databaseSocket: join(data.sockets, SOCKET_NAME),
    inferenceReadiness: `http://127.0.0.1:${inferenceMetricsPort}/readyz`,
  };
}

/** The first free port of 127.0.0.1 from `first` on; with 0, any free port. */
export async function freePort(first: number): Promise<number> {
  for (let port = first; port < first + 100; port++) {
    const server = createServer().listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
      const taken = (server.address() as AddressInfo).port;
      await new Promise((resolve) => server.close(resolve));
      return taken;
    } catch (error) {
      if (!['EADDRINUSE', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
  throw new Error(`no port from ${first} to ${first + 99} is free`);
}

/**
 * The services inherit settings from the caller's environment, but not another database, nor FACEPASS_URL and the other
 * variables of the command line.
 */
function inheritedEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const withheld = /^(FACEPASS_(URL|API_KEY|DATA)|DATABASE_URL|POSTGRES_.*|PG[A-Z]+|API_KEYS.*|NODE_OPTIONS)$/;
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !withheld.test(name)));
}

/**
 * Higher limits than in production: camera files of 24 to 100 megapixels are usual here, nobody else can send one, and
 * the machine may be busy.
 */
function generousLimits(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const limits = {
    MAX_IMAGE_BYTES: '50000000',
    MAX_IMAGE_WIDTH: '12288',
    MAX_IMAGE_HEIGHT: '12288',
    INFERENCE_TIMEOUT_MS: '120000',
    INFERENCE_IMAGE_TIMEOUT_MS: '120000',
    DATABASE_CONNECT_TIMEOUT_MS: '10000',
    DATABASE_STATEMENT_TIMEOUT_MS: '30000',
  };
  return Object.fromEntries(Object.entries(limits).map(([name, value]) => [name, environment[name] ?? value]));
}
