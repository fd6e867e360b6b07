import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { after, before, describe, test, type TestContext } from 'node:test';
import fc from 'fast-check';
import type { TestDatabase } from '../../../scripts/checks/test-database.ts';
import { samplePhoto } from '../../inference/tests/photos.ts';
import { hasRedis, startRedis } from './redis.ts';
import { seeded } from './seed.ts';
import { createMigratedDatabase, KEY, startTestService, type TestService } from './service.ts';

/** `npm run test:drops` sets this to 20,000. */
const DROPS = Number(process.env['FACEPASS_TEST_DROPS'] ?? 800);
const AT_A_TIME = 200;

describe(`after ${DROPS} clients left at random points of their request`, () => {
  let database: TestDatabase;
  let photo: Buffer;
  before(async () => {
    database = await createMigratedDatabase();
    photo = await samplePhoto(1);
  });
  after(() => database?.[Symbol.asyncDispose]());

  test('nothing is held where searches need a token', { timeout: 1_800_000 }, async (t) => {
    await using service = await start({ SEARCH_ACCESS: 'token' });
    const { token } = (await service.call('POST', '/api/v1/search/tokens', { key: KEY, json: { session_id: 's' } }))
      .body as { token: string };
    await leavesNothing(t, service, { Authorization: `Bearer ${token}` });
  });

  const needsRedis = hasRedis() ? false : 'needs redis-server';
  test('nothing is held where limits are counted in Redis', { timeout: 1_800_000, skip: needsRedis }, async (t) => {
    await using redis = await startRedis();
    const limits = { RATE_LIMIT_SEARCHES_PER_MINUTE: '1000000', RATE_LIMIT_WRITES_PER_MINUTE: '1000000' };
    await using service = await start({ REDIS_URL: redis.url, ...limits });
    await leavesNothing(t, service, { 'X-API-Key': KEY });
  });

  const start = (environment: Record<string, string>) =>
    startTestService({ inference: null, database, environment: { CONCURRENT_UPLOADS_LIMIT: '8', ...environment } });

  async function leavesNothing(t: TestContext, service: TestService, headers: Record<string, string>): Promise<void> {
    const quietSearch = () =>
      service.call('POST', '/api/v1/search', { headers, form: { session_id: 's', image: photo } });
    assert.equal((await quietSearch()).body.code, 'session_not_indexed');
    const descriptors = openDescriptors();
    await dropConnections(t, service, headers, photo);
    await memoryEmpty(service);
    const answers = await Promise.all(Array.from({ length: 8 }, quietSearch));
    assert.deepEqual(
      answers.map(({ body }) => body.code),
      Array(8).fill('session_not_indexed'),
      'every place is free',
    );
    while (openDescriptors() > descriptors + 10) await delay(50);
  }
});

/** Opens DROPS connections, AT_A_TIME under way; each sends a part of an upload and leaves. */
async function dropConnections(
  t: TestContext,
  service: TestService,
  headers: Record<string, string>,
  photo: Buffer,
): Promise<void> {
  const { seed, numRuns } = seeded(t, DROPS);
  const points = fc.sample(dropPoint, { seed, numRuns: numRuns! }).values();
  const port = Number(new URL(service.url).port);
  const client = async () => {
    for (const { path, share, abrupt } of points) await leave(port, upload(path, headers, photo), share, abrupt);
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, client));
}

const dropPoint = fc.record({
  path: fc.constantFrom('/api/v1/search', '/api/v1/index'),
  /** How much of the request is sent; most leave around the end of its head, where the guards work. */
  share: fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0.02, 0.03, 0.05, 1)),
  abrupt: fc.boolean(),
});

function upload(path: string, headers: Record<string, string>, photo: Buffer): Buffer {
  const part = (name: string, value: string | Buffer) =>
    Buffer.concat([
      Buffer.from(`--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n`),
      Buffer.from(value),
      Buffer.from('\r\n'),
    ]);
  const image = photo.subarray(0, 8192);
  const body = Buffer.concat([part('session_id', 's'), part('image', image), Buffer.from('--b--\r\n')]);
  const lines = Object.entries({
    Host: 'x',
    'Content-Type': 'multipart/form-data; boundary=b',
    'Content-Length': `${body.length}`,
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n`), body]);
}

/** Sends a share of `request` on a connection of its own and leaves, by FIN or, where `abrupt`, by RST. */
function leave(port: number, request: Buffer, share: number, abrupt: boolean): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('close', () => resolve());
    socket.on('error', () => undefined);
    socket.write(request.subarray(0, Math.round(share * request.length)), () =>
      abrupt ? socket.resetAndDestroy() : socket.destroy(),
    );
  });
}

/** Every handler has ended: each holds room for its image as long as it runs. */
async function memoryEmpty({ context }: TestService): Promise<void> {
  for (;;) {
    const { held, receivedBytes } = context.imageMemory.load();
    if (held === 0 && receivedBytes === 0) return;
    await delay(20);
  }
}

function openDescriptors(): number {
  return process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0;
}
