import type { S3Server } from '../../../services/api/tests/s3-server.ts';
import { startFoundation } from './foundation.ts';
import type { Keys } from './keys.ts';
import { startApi, startRedisServer, type OwnServer, type Server } from './servers.ts';

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
  const redis = stack.use(await startRedisServer());
  const { postgres, s3, inference, environment: foundation } = await startFoundation(stack, bin);
  const environment = {
    ...foundation,
    REDIS_URL: redis.url,
    API_KEYS_FILE: keys.path,
    RATE_LIMIT_WRITES_PER_MINUTE: '1000000',
    RATE_LIMIT_SEARCHES_PER_MINUTE: '1000000',
    RETENTION_SWEEP_MINUTES: '0.05',
    DRAIN_DELAY_MS: '0',
  };
  const apis = [stack.use(await startApi('api-1', environment)), stack.use(await startApi('api-2', environment))];
  const owned = stack.move();
  return {
    databaseUrl: postgres.url,
    apis,
    s3,
    servers: [postgres, redis, ...inference, ...apis],
    lasting: [inference[0], apis[0]!],
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
