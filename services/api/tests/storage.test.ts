import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { StorageConfig } from '@facepass/indexing/config';
import type { ProblemCode } from '@facepass/indexing/errors';
import { openPhotoStorage, requirePlainKey, type PhotoStorage } from '@facepass/indexing/storage';
import fc from 'fast-check';
import { startS3Server, type Fault, type S3Server } from './s3-server.ts';

const PHOTO = Buffer.alloc(100_000, 0xd8);
const TRANSFER_TIMEOUT_MS = 2500;

describe('photos of the bucket', () => {
  let server: S3Server;
  let storage: PhotoStorage;
  before(async () => {
    server = await startS3Server();
    storage = openPhotoStorage(configFor(server.endpoint));
    // The SDK loads most of its modules at a first call: on a busy machine that alone outlasted the 400 ms below.
    server.objects.set('/photos/event/first.jpg', PHOTO);
    using patient = openPhotoStorage({ ...configFor(server.endpoint), requestTimeoutMs: 60_000 });
    await patient.fetchPhoto('first.jpg');
  });
  after(async () => {
    storage?.[Symbol.dispose]();
    await server?.[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    server.objects.set('/photos/event/a.jpg', PHOTO);
    server.faults.clear();
    server.requests.length = 0;
  });

  const faulty = (...faults: Fault[]) => server.faults.set('/photos/event/a.jpg', faults);

  test('a photo arrives whole, below the prefix', async () => {
    assert.deepEqual(await storage.fetchPhoto('a.jpg'), PHOTO);
    assert.deepEqual(
      server.requests.map(({ method, url }) => `${method} ${url.split('?')[0]}`),
      ['GET /photos/event/a.jpg'],
    );
  });

  test('keys with spaces, signs and other scripts reach the object of that very name', async () => {
    for (const key of ['Ünï cödé/жа 好.jpg', 'a+b&c=d?e#f.jpg', "it's (1)!*.jpg", '100 %.jpg', '~tilde/$x@y:z,;.jpg']) {
      server.objects.set(`/photos/event/${key}`, Buffer.from(key));
      assert.equal((await storage.fetchPhoto(key)).toString(), key);
    }
  });

  for (const faults of [
    ['busy', 'busy'],
    ['internal', 'reset'],
    ['cut body', 'cut body'],
    ['stall head'],
  ] as Fault[][]) {
    test(`three attempts overcome ${faults.join(', then ')}`, async () => {
      faulty(...faults);
      assert.deepEqual(await storage.fetchPhoto('a.jpg'), PHOTO);
      assert.equal(server.requests.length, faults.length + 1);
    });
  }

  const lasting: [Fault, ProblemCode, number][] = [
    ['busy', 's3_unavailable', 3],
    ['cut body', 's3_unavailable', 3],
    ['reset', 's3_unavailable', 3],
    ['stall body', 's3_unavailable', 3],
    ['slow body', 's3_unavailable', 1],
    ['denied', 's3_access_denied', 1],
    ['endless', 'image_too_large', 1],
    ['undeclared endless', 'image_too_large', 1],
  ];
  for (const [fault, code, attempts] of lasting) {
    test(`${fault} that lasts ends as ${code} after ${attempts} attempts, and its connection is gone`, async () => {
      faulty(...Array<Fault>(10).fill(fault));
      await assert.rejects(storage.fetchPhoto('a.jpg'), { code });
      assert.equal(server.requests.length, attempts);
      if (fault.includes('body') || fault.includes('endless'))
        while ((await server.connections()) > 0) await new Promise(setImmediate);
    });
  }

  const refusals: [Fault, ProblemCode][] = [
    ['refused 404 NoSuchBucket', 's3_bucket_unusable'],
    ['refused 301 PermanentRedirect', 's3_bucket_unusable'],
    ['refused 400 AuthorizationHeaderMalformed', 's3_bucket_unusable'],
    ['refused 400 ExpiredToken', 's3_access_denied'],
    ['refused 403 SignatureDoesNotMatch', 's3_access_denied'],
    ['refused 400 KMS.DisabledException', 's3_access_denied'],
    ['refused 403 InvalidObjectState', 's3_object_archived'],
  ];
  for (const [fault, code] of refusals) {
    test(`${fault} is permanent: ${code}, after one attempt, with the code that S3 gave`, async () => {
      faulty(fault, fault, fault);
      await assert.rejects(storage.fetchPhoto('a.jpg'), ({ code: found, message }: Error & { code: string }) => {
        assert.equal(found, code);
        assert.ok(message.includes(fault.split(' ')[2]!), message);
        return true;
      });
      assert.equal(server.requests.length, 1);
    });
  }

  for (const fault of ['refused 400 RequestTimeout', 'refused 429 TooManyRequests'] as Fault[]) {
    test(`${fault} is tried again`, async () => {
      faulty(fault, fault);
      assert.deepEqual(await storage.fetchPhoto('a.jpg'), PHOTO);
    });
  }

  test('does not retry a missing object', async () => {
    await assert.rejects(storage.fetchPhoto('b.jpg'), { code: 's3_object_not_found' });
    assert.equal(server.requests.length, 1);
  });

  test('an abort of the client ends the transfer', async () => {
    faulty('slow body');
    const leaving = new AbortController();
    const transfer = storage.fetchPhoto('a.jpg', leaving.signal);
    while (server.requests.length === 0) await new Promise(setImmediate);
    leaving.abort();
    await assert.rejects(transfer);
    assert.equal(server.requests.length, 1);
  });

  test('a server that accepts no connection ends within the deadline', async () => {
    const unroutable = openPhotoStorage({ ...configFor('http://192.0.2.1:9'), connectTimeoutMs: 200 });
    await assert.rejects(unroutable.fetchPhoto('a.jpg'), { code: 's3_unavailable' });
    unroutable[Symbol.dispose]();
  });

  test('no hostile key asks the server for anything outside the bucket and prefix', async (t) => {
    const seed = Number(process.env['FACEPASS_TEST_SEED'] ?? Date.now() % 2 ** 31);
    t.diagnostic(`seed ${seed}`);
    await fc.assert(
      fc.asyncProperty(hostileKey, async (key) => {
        server.requests.length = 0;
        await storage.fetchPhoto(key).catch((error) => assert.match(error.code, /^s3_(key_refused|object_not_found)$/));
        for (const { method, url } of server.requests) {
          assert.equal(method, 'GET');
          const path = decodeURIComponent(new URL(url, server.endpoint).pathname);
          assert.equal(path, `/photos/event/${key}`);
        }
      }),
      { numRuns: 500, seed },
    );
  });
});

test('rejects keys that could be read as another key', () => {
  const refused = [
    '../a',
    'a/../b',
    'a/..',
    '..',
    '.',
    './a',
    'a/./b',
    '/a',
    'a//b',
    'a/',
    'a\\b',
    'a\nb',
    'a\0b',
    'a\u0085b',
    '%2e%2e/a',
    'a/%2E./b',
    'a%2fb',
    'a%5Cb',
    'a%252e',
    'a%00b',
    '\ud800',
  ];
  for (const key of refused) assert.throws(() => requirePlainKey(key), { code: 's3_key_refused' }, JSON.stringify(key));
  for (const key of ['a', 'a/b.jpg', 'a b', '.hidden', 'a.b.c', '100%', 'ж/好.jpg']) requirePlainKey(key);
});

const piece = fc.oneof(
  fc.constantFrom(
    '..',
    '.',
    '',
    '/',
    '\\',
    '%2e',
    '%2E%2e',
    '%2f',
    '%5c',
    '%00',
    '\0',
    '\n',
    '?',
    '#',
    '@',
    ':',
    '//',
    'photos',
    'http://evil',
    '~',
    '%25',
  ),
  fc.string({ unit: 'grapheme', maxLength: 5 }),
);
const hostileKey = fc.array(piece, { minLength: 1, maxLength: 6 }).map((pieces) => pieces.join(''));

function configFor(endpoint: string): StorageConfig {
  return {
    bucket: 'photos',
    prefix: 'event/',
    region: 'us-east-1',
    endpoint,
    forcePathStyle: true,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test-secret' },
    connectTimeoutMs: 500,
    requestTimeoutMs: 400,
    transferTimeoutMs: TRANSFER_TIMEOUT_MS,
    maxImageBytes: 200_000,
  };
}

test('photos come through the proxy that the environment names', async () => {
  await using bucket = await startS3Server();
  bucket.objects.set('/photos/event/a.jpg', PHOTO);
  const asked: string[] = [];
  const proxy = createServer((incoming, answer) => {
    asked.push(incoming.url!);
    const { method, headers } = incoming;
    incoming.pipe(
      request(incoming.url!, { method, headers }, (reply) => reply.pipe(answer.writeHead(reply.statusCode!))),
    );
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const script = `
    import { openPhotoStorage } from '@facepass/indexing/storage';
    using storage = openPhotoStorage(${JSON.stringify({ ...configFor(bucket.endpoint), requestTimeoutMs: 30_000, transferTimeoutMs: 60_000 })});
    process.stdout.write(String((await storage.fetchPhoto('a.jpg')).length));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    cwd: import.meta.dirname,
    env: {
      ...process.env,
      NODE_USE_ENV_PROXY: '1',
      HTTP_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
      NO_PROXY: '',
    },
  });
  proxy.close();
  assert.equal(Number(stdout), PHOTO.length);
  assert.deepEqual(
    asked.map((url) => url.split('?')[0]),
    [`${bucket.endpoint}/photos/event/a.jpg`],
  );
});
