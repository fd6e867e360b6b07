import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { s3Environment, startS3Server, type S3Server } from '../../../services/api/tests/s3-server.ts';
import { runSql } from '../../checks/test-database.ts';
import type { Keys } from './keys.ts';
import { startPostgres } from './postgres.ts';
import { startApi, startInference, startRedisServer, type OwnServer, type Server } from './servers.ts';

/** Two APIs, two inference servers, PostgreSQL, Redis and a bucket: processes of this machine. */
export interface Installation extends AsyncDisposable {
  databaseUrl: string;
  apis: OwnServer[];
  s3: S3Server;
  /** What faults may hit; those of `lasting` are never killed. */
  servers: Server[];
  /** Whose memory and descriptors are watched, for they live as long as the run. */
  lasting: OwnServer[];
}

/** Starts all of it. @param bin the folder of PostgreSQL's programs */
export async function startInstallation(bin: string, keys: Keys): Promise<Installation> {
  await using stack = new AsyncDisposableStack();
  const postgres = stack.use(await startPostgres(bin));
  const redis = stack.use(await startRedisServer());
  const s3 = stack.use(await startS3Server());
  await runSql(postgres.url, 'create extension vector');
  const migrator = join(import.meta.dirname, '../../../services/migrator/main.ts');
  await promisify(execFile)(process.execPath, [migrator, 'up'], {
    env: { ...process.env, DATABASE_URL: postgres.url },
  });
  const inference = [stack.use(await startInference('inference-1')), stack.use(await startInference('inference-2'))];
  const environment = {
    DATABASE_URL: postgres.url,
    REDIS_URL: redis.url,
    INFERENCE_ADDRESS: `ipv4:${inference.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    API_KEYS_FILE: keys.path,
    RATE_LIMIT_WRITES_PER_MINUTE: '1000000',
    RATE_LIMIT_SEARCHES_PER_MINUTE: '1000000',
    RETENTION_SWEEP_MINUTES: '0.05',
    // A frozen server is back long before; a busy machine is given the time.
    INFERENCE_TIMEOUT_MS: '60000',
    DRAIN_DELAY_MS: '0',
    ...s3Environment(s3),
  };
  const apis = [stack.use(await startApi('api-1', environment)), stack.use(await startApi('api-2', environment))];
  const owned = stack.move();
  return {
    databaseUrl: postgres.url,
    apis,
    s3,
    servers: [postgres, redis, ...inference, ...apis],
    lasting: [inference[0]!, apis[0]!],
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
