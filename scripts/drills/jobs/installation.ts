import type { S3Server } from '../../../services/api/tests/s3-server.ts';
import { startIndexerProcess, type IndexerProcess } from '../../../services/indexer/tests/indexer.ts';
import { startFoundation } from '../soak/foundation.ts';
import { startApi, type OwnServer, type Server } from '../soak/servers.ts';

export const KEY = 'fp_key_of_the_drill_of_jobs_0123456789';

/** What may be killed and started again. */
type Killable = Pick<Server, 'name' | 'kill' | 'start'>;

/** An API, two indexers, two inference servers, PostgreSQL and a bucket: processes of this machine. */
export interface Installation extends AsyncDisposable {
  databaseUrl: string;
  api: OwnServer;
  bucket: S3Server;
  servers: Killable[];
}

/** Starts all of it. @param bin the folder of PostgreSQL's programs */
export async function startInstallation(bin: string): Promise<Installation> {
  await using stack = new AsyncDisposableStack();
  const { postgres, s3: bucket, inference, environment: foundation } = await startFoundation(stack, bin);
  const environment = { ...foundation, DATABASE_POOL_SIZE: '6' };
  const api = stack.use(
    await startApi('api', {
      ...environment,
      API_KEYS: `drill:${KEY}`,
      RATE_LIMIT_WRITES_PER_MINUTE: '0',
      DRAIN_DELAY_MS: '0',
    }),
  );
  const indexers = [
    stack.use(await startIndexer('indexer-1', environment)),
    stack.use(await startIndexer('indexer-2', environment)),
  ];
  const owned = stack.move();
  return {
    databaseUrl: postgres.url,
    api,
    bucket,
    servers: [postgres, api, ...indexers, ...inference],
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function startIndexer(name: string, environment: Record<string, string>): Promise<Killable & AsyncDisposable> {
  let running: IndexerProcess = await startIndexerProcess(environment);
  return {
    name,
    kill: async () => running[Symbol.asyncDispose](),
    start: async () => void (running = await startIndexerProcess(environment)),
    [Symbol.asyncDispose]: async () => running[Symbol.asyncDispose](),
  };
}
