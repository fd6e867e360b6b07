import { Redis } from 'ioredis';
import { messageOf } from '@facepass/runtime/errors';
import { mendOf, type Finding } from './finding.ts';

/** Checks that Redis accepts writes. Without it each API process counts rate limits by itself. */
export async function examineRedis(url: string): Promise<Finding> {
  const what = `Redis at ${URL.parse(url)?.host || url}`;
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: 3000,
    commandTimeout: 3000,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  let reason = '';
  redis.on('error', (error) => (reason = error.message));
  try {
    await redis.connect();
    await redis.set('facepass:doctor', '1', 'PX', 1000);
    return { what };
  } catch (error) {
    const fault = reason || messageOf(error);
    return {
      what,
      fault: `${fault}; each process counts rate limits by itself`,
      mend: mendOf(fault, MENDS) ?? 'See the log of Redis.',
    };
  } finally {
    redis.disconnect();
  }
}

const MENDS: [RegExp, string][] = [
  [/READONLY/, 'Point REDIS_URL to the primary, or promote this replica.'],
  [/NOAUTH|WRONGPASS|invalid (username|password)/i, 'Correct the user and password in REDIS_URL.'],
  [/NOPERM/, 'Let the Redis user write keys that begin with facepass:.'],
  [/OOM/, 'Raise maxmemory of Redis, or set its policy to volatile-ttl.'],
  [
    /MISCONF/,
    'Redis rejects writes because it cannot save. Fix its disk, or turn saving off: the counters cover only a minute.',
  ],
  [/ENOTFOUND|EAI_AGAIN/, 'Correct the host in REDIS_URL: DNS does not know it.'],
  [/ECONN|ENOENT|ETIMEDOUT|timed out|closed/i, 'Start Redis, open the network to it, or correct REDIS_URL.'],
];
