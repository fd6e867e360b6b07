import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { hasRedis, startRedis } from './redis.ts';
import { createMigratedDatabase, KEY, startTestService, type TestService } from './service.ts';
import type { TestDatabase } from '../../../scripts/checks/test-database.ts';

const LIMIT = 5;

describe('rate limits', () => {
  let database: TestDatabase;
  before(async () => {
    database = await createMigratedDatabase();
  });
  after(() => database?.[Symbol.asyncDispose]());

  const start = (environment: Record<string, string> = {}) =>
    startTestService({
      inference: null,
      database,
      environment: {
        RATE_LIMIT_WRITES_PER_MINUTE: `${LIMIT}`,
        RATE_LIMIT_SEARCHES_PER_MINUTE: `${LIMIT}`,
        DATABASE_POOL_SIZE: '1',
        ...environment,
      },
    });

  test('a write over the limit is 429 with Retry-After and RateLimit headers; another key still has its own', async () => {
    await using service = await start();
    const answers = await writes(service, KEY, LIMIT + 2);
    assert.deepEqual(statusesOf(answers), [...Array(LIMIT).fill(404), 429, 429]);
    const refused = answers.at(-1)!;
    assert.equal(refused.body.code, 'rate_limited');
    assert.ok(Number(refused.headers.get('retry-after')) >= 1);
    assert.match(answers[0]!.headers.get('ratelimit') ?? '', /^"writes"; r=4; t=\d+$/);
    assert.match(answers[0]!.headers.get('ratelimit-policy') ?? '', /^"writes"; q=5; w=60/);
    assert.deepEqual(statusesOf(await writes(service, 'a key that is not valid', 1)), [401]);
  });

  test('keys cannot be guessed faster than the limit of an address', async () => {
    await using service = await start();
    const guesses = [];
    for (let n = 0; n < LIMIT + 1; n += 1)
      guesses.push(await service.call('DELETE', '/api/v1/index/s', { key: `a wrong key ${n}` }));
    assert.deepEqual(statusesOf(guesses), [...Array(LIMIT).fill(401), 429]);
  });

  test('forged addresses count as one client without a trusted proxy, as several behind one', async () => {
    await using direct = await start();
    assert.deepEqual(
      await searchesFrom(direct, ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6']),
      [...Array(LIMIT).fill(200), 429],
    );
    await using proxied = await start({ TRUST_PROXY: '1' });
    assert.deepEqual(
      await searchesFrom(proxied, ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6']),
      Array(6).fill(200),
    );
    const appended = Array.from({ length: LIMIT + 1 }, (_, n) => `1.2.3.${n}, 10.9.9.9`);
    assert.deepEqual(await searchesFrom(proxied, appended), [...Array(LIMIT).fill(200), 429]);
  });

  test('an IPv6 client is its /64, an IPv4-mapped address is the IPv4 client', async () => {
    await using service = await start({ TRUST_PROXY: '127.0.0.0/8' });
    const oneNetwork = Array.from({ length: LIMIT + 1 }, (_, n) => `2001:db8:1:2:${n}::${n}`);
    assert.deepEqual(await searchesFrom(service, oneNetwork), [...Array(LIMIT).fill(200), 429]);
    assert.deepEqual(await searchesFrom(service, ['2001:db8:1:3::1']), [200]);
    const mapped = Array.from({ length: LIMIT + 1 }, (_, n) => (n % 2 ? '::ffff:192.0.2.7' : '192.0.2.7'));
    assert.deepEqual(await searchesFrom(service, mapped), [...Array(LIMIT).fill(200), 429]);
    assert.deepEqual(await searchesFrom(service, ['::ffff:192.0.2.8']), [200]);
  });

  describe('shared in Redis', { skip: hasRedis() ? false : 'needs redis-server' }, () => {
    test('two replicas allow together what one would', async () => {
      await using redis = await startRedis();
      await using first = await start({ REDIS_URL: redis.url });
      await using second = await start({ REDIS_URL: redis.url });
      const statuses = [];
      for (let n = 0; n < 2 * LIMIT; n += 1) statuses.push(...statusesOf(await writes(n % 2 ? first : second, KEY, 1)));
      assert.deepEqual(statuses, [...Array(LIMIT).fill(404), ...Array(LIMIT).fill(429)]);
    });

    test('starts without Redis and uses it once it is available', async () => {
      await using redis = await startRedis();
      await redis.stop();
      await using first = await start({ REDIS_URL: redis.url, RATE_LIMIT_WRITES_PER_MINUTE: '1000' });
      assert.deepEqual(statusesOf(await writes(first, KEY, 2)), [404, 404]);
      await redis.restart();
      await using second = await start({ REDIS_URL: redis.url, RATE_LIMIT_WRITES_PER_MINUTE: '1000' });
      await sharedAgain(first, second);
    });

    for (const [fault, mend] of [
      ['stop', 'restart'],
      ['hang', 'wake'],
      ['readOnly', 'writable'],
    ] as const) {
      test(`${fault}: each replica counts alone without a 5xx or a long wait; after ${mend} they count together again`, async (t) => {
        await using redis = await startRedis();
        await using first = await start({ REDIS_URL: redis.url, RATE_LIMIT_WRITES_PER_MINUTE: '1000' });
        await using second = await start({ REDIS_URL: redis.url, RATE_LIMIT_WRITES_PER_MINUTE: '1000' });
        await sharedAgain(first, second);
        await redis[fault]();
        const durations: number[] = [];
        for (let n = 0; n < 40; n += 1) {
          const started = performance.now();
          assert.deepEqual(statusesOf(await writes(n % 2 ? first : second, KEY, 1)), [404]);
          durations.push(performance.now() - started);
        }
        t.diagnostic(`slowest of 40 requests: ${Math.max(...durations).toFixed(0)} ms`);
        await redis[mend]();
        await sharedAgain(first, second);
      });
    }
  });
});

/** Waits until a write to one replica shows in the other's count. */
async function sharedAgain(first: TestService, second: TestService): Promise<void> {
  for (;;) {
    const before = remaining(await writes(first, KEY, 1));
    const between = remaining(await writes(second, KEY, 1));
    const after = remaining(await writes(first, KEY, 1));
    if (before - between === 1 && between - after === 1) return;
  }
}

function remaining(answers: { headers: Headers }[]): number {
  return Number(/r=(\d+)/.exec(answers[0]!.headers.get('ratelimit') ?? '')?.[1]);
}

async function writes(service: TestService, key: string, count: number) {
  const answers = [];
  for (let n = 0; n < count; n += 1) answers.push(await service.call('DELETE', '/api/v1/index/nothing', { key }));
  return answers;
}

async function searchesFrom(service: TestService, addresses: string[]): Promise<number[]> {
  const statuses = [];
  for (const address of addresses)
    statuses.push(
      (await service.call('GET', '/api/v1/search/status/s', { headers: { 'X-Forwarded-For': address } })).status,
    );
  return statuses;
}

function statusesOf(answers: { status: number }[]): number[] {
  return answers.map(({ status }) => status);
}
