import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { PROCESS_ENVIRONMENT } from '../../services/inference/serving/process-environment.ts';
import { databaseUrl, SOCKET_NAME } from './embedded-database/database.ts';
import type { DataDirectory } from './data-directory.ts';
import type { Program } from './processes.ts';
import { TRIAL_LIMITS, type GivenVariables } from './variables.ts';

const root = join(import.meta.dirname, '../..');

export interface LocalPrograms {
  /** null with a PostgreSQL of the caller’s. */
  database: Program | null;
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

/**
 * The programs of a local start and their environments. All listen on 127.0.0.1 or on a UNIX socket, but the API with
 * `onNetwork`.
 */
export async function localPrograms(
  data: DataDirectory,
  given: GivenVariables,
  { port, modelPack, onNetwork }: { port: number; modelPack: string; onNetwork: boolean },
): Promise<LocalPrograms> {
  const common = {
    ...TRIAL_LIMITS,
    ...given.services,
    HOST: '127.0.0.1',
    MODELS_DIRECTORY: join(root, 'models'),
    MODEL_PACK: modelPack,
  };
  const database = given.database ?? { DATABASE_URL: databaseUrl(data.sockets) };
  const unlessGiven = (defaults: Record<string, string>) =>
    Object.fromEntries(
      Object.entries(defaults).filter(([name]) => !given.services[name] && !given.services[`${name}_FILE`]),
    );
  const keys = [given.services['API_KEYS'], `development:${data.development.api_key}:index+delete+admin`];
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
    database: given.database
      ? null
      : program('database', 'scripts/local/embedded-database/main.ts', {}, [
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
      ...(onNetwork && { HOST: '0.0.0.0' }),
      PORT: String(port),
      METRICS_PORT: String(await freePort(0)),
      INFERENCE_ADDRESS: inferenceSocket,
      API_KEYS: keys.filter(Boolean).join(','),
      ...unlessGiven({
        // The embedded database has a single backend.
        ...(!given.database && { DATABASE_POOL_SIZE: '4' }),
        SEARCH_TOKEN_SECRET: data.development.search_token_secret,
        RATE_LIMIT_WRITES_PER_MINUTE: '0',
        RATE_LIMIT_SEARCHES_PER_MINUTE: '0',
        PHOTO_URL_TEMPLATE: '/samples/{photo_id}',
        DRAIN_DELAY_MS: '0',
      }),
    }),
    indexer: given.services['S3_BUCKET']
      ? program('indexer', 'services/indexer/main.ts', {
          ...database,
          METRICS_PORT: String(await freePort(0)),
          ...unlessGiven({ DATABASE_POOL_SIZE: '2', INDEXER_CONCURRENCY: '2' }),
          INFERENCE_ADDRESS: inferenceSocket,
        })
      : null,
    url: `http://127.0.0.1:${port}`,
    databaseSocket: join(data.sockets, SOCKET_NAME),
    inferenceReadiness: `http://127.0.0.1:${inferenceMetricsPort}/readyz`,
  };
}

/** The first free port of `host` from `first` on; with 0, any free port. */
export async function freePort(first: number, host = '127.0.0.1'): Promise<number> {
  for (let port = first; port < first + 100; port++) {
    const server = createServer().listen(port, host);
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
