import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { request, type RequestOptions } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import fc from 'fast-check';
import sharp from 'sharp';
import type { TestDatabase } from '../../../scripts/checks/test-database.ts';
import { startInferenceProcess, type InferenceProcess } from '../../inference/tests/inference-process.ts';
import { startApiProcess, type ApiProcess } from './api-process.ts';
import { portrait } from './people.ts';
import { seeded } from './seed.ts';
import { createMigratedDatabase } from './service.ts';

/** `npm run fuzz` sets these to 3,000 and 5,000, and the time that an answer may take. */
const IMAGES = Number(process.env['FACEPASS_TEST_FUZZ_IMAGES'] ?? 60);
const REQUESTS = Number(process.env['FACEPASS_TEST_FUZZ_REQUESTS'] ?? 400);
const ANSWER_WITHIN_MS = Number(process.env['FACEPASS_TEST_FUZZ_ANSWER_WITHIN_MS'] ?? 30_000);

describe('hostile uploads end no process, give no 5xx and hold nothing back', () => {
  let database: TestDatabase;
  let inference: InferenceProcess;
  let api: ApiProcess;
  let seeds: Buffer[];
  before(async () => {
    database = await createMigratedDatabase();
    inference = await startInferenceProcess({ INFERENCE_WORKERS: '1' });
    const embedded: Record<string, string> = database.engine === 'embedded' ? { DATABASE_POOL_SIZE: '1' } : {};
    api = await startApiProcess({
      DATABASE_URL: database.url,
      INFERENCE_ADDRESS: inference.address,
      RATE_LIMIT_WRITES_PER_MINUTE: '0',
      ...embedded,
    });
    seeds = await seedImages();
    await send(
      api,
      { 'X-API-Key': 'fp_test_key_of_the_photographer' },
      form(
        [
          ['session_id', 's'],
          ['photo_id', 'p'],
        ],
        seeds[0]!,
      ),
      '/api/v1/index',
    );
  });
  after(async () => {
    await api?.[Symbol.asyncDispose]();
    await inference?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  test(`${IMAGES} mutated images`, { timeout: 3_600_000 }, async (t) => {
    await keepingItsBreath(t, async (note) => {
      await fc.assert(
        fc.asyncProperty(fc.nat(), fc.array(mutation, { minLength: 1, maxLength: 4 }), async (seed, mutations) => {
          const image = mutations.reduce((bytes, mutate) => mutate(bytes, seeds), seeds[seed % seeds.length]!);
          const { status, ms } = await send(api, {}, form([['session_id', 's']], image));
          note(status, ms);
          assert.ok([200, 400, 413].includes(status), `${status}`);
        }),
        { ...seeded(t, IMAGES), endOnFailure: true },
      );
    });
    assert.equal(await inference.metric('facepass_inference_worker_restarts_total'), 0, 'no worker died');
  });

  test(`${REQUESTS} mutated multipart requests`, { timeout: 3_600_000 }, async (t) => {
    await keepingItsBreath(t, async (note) => {
      await fc.assert(
        fc.asyncProperty(hostileRequest, async ({ headers, body, leaveAfter }) => {
          const { status, ms } = await send(api, headers, body, '/api/v1/search', leaveAfter);
          note(status, ms);
          assert.ok([LEFT, 200, 400, 404, 413, 415].includes(status), `${status}`);
        }),
        { ...seeded(t, REQUESTS), endOnFailure: true },
      );
    });
  });

  /** Runs `work`, then looks whether the API lives, answers, and has closed what it opened. */
  async function keepingItsBreath(
    t: TestContext,
    work: (note: (status: number, ms: number) => void) => Promise<void>,
  ): Promise<void> {
    const statuses = new Map<number, number>();
    let slowest = 0;
    const descriptors = openDescriptors(api);
    await work((status, ms) => {
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      slowest = Math.max(slowest, ms);
    });
    t.diagnostic(
      `answers ${JSON.stringify(Object.fromEntries(statuses))}, slowest ${slowest.toFixed()} ms, API at ${residentMegabytes(api)} MB, inference at ${residentMegabytes(inference)} MB`,
    );
    assert.ok(slowest <= ANSWER_WITHIN_MS);
    assert.equal(api.child.exitCode, null);
    assert.equal(inference.child.exitCode, null);
    while (openDescriptors(api) > descriptors + 4) await new Promise((resolve) => setTimeout(resolve, 50));
  }
});

type Mutation = (bytes: Buffer, others: Buffer[]) => Buffer;

async function seedImages(): Promise<Buffer[]> {
  const picture = sharp(await portrait(0)).resize(160);
  return Promise.all([
    portrait(0),
    picture.clone().jpeg().toBuffer(),
    picture.clone().jpeg({ progressive: true }).withMetadata({ orientation: 6 }).toBuffer(),
    picture.clone().png().toBuffer(),
    picture.clone().png({ palette: true, progressive: true }).toBuffer(),
    picture.clone().webp().toBuffer(),
    picture.clone().webp({ lossless: true }).toBuffer(),
    picture.clone().avif({ effort: 0 }).toBuffer(),
    readFile(join(import.meta.dirname, '../../inference/tests/heic/grid.heic')),
    picture.clone().greyscale().jpeg().toBuffer(),
    picture.clone().ensureAlpha(0.5).png().toBuffer(),
  ]);
}

const place = fc.double({ min: 0, max: 1, noNaN: true });
const flips = (most: number) => fc.array(fc.tuple(place, fc.nat({ max: 255 })), { minLength: 1, maxLength: most });

/** Other values at places given as fractions of the length. */
function flipped(bytes: Buffer, changes: [number, number][]): Buffer {
  const copy = Buffer.from(bytes);
  for (const [at, value] of changes) copy[Math.floor(at * (copy.length - 1))] = value;
  return copy;
}

const head = (bytes: Buffer, at: number) => bytes.subarray(0, Math.floor(at * bytes.length));
const tail = (bytes: Buffer, at: number) => bytes.subarray(Math.floor(at * bytes.length));

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  flips(40).map(
    (changes): Mutation =>
      (bytes) =>
        flipped(bytes, changes),
  ),
  fc
    .array(fc.tuple(fc.nat({ max: 600 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 10 })
    .map((changes): Mutation => (bytes) => {
      const copy = Buffer.from(bytes);
      for (const [at, value] of changes) if (at < copy.length) copy[at] = value;
      return copy;
    }),
  place.map(
    (at): Mutation =>
      (bytes) =>
        head(bytes, at),
  ),
  fc.tuple(place, fc.uint8Array({ maxLength: 200 })).map(
    ([at, extra]): Mutation =>
      (bytes) =>
        Buffer.concat([head(bytes, at), extra, tail(bytes, at)]),
  ),
  fc.tuple(fc.nat({ max: 8 }), place).map(
    ([other, at]): Mutation =>
      (bytes, others) =>
        Buffer.concat([head(bytes, at), tail(others[other]!, at)]),
  ),
  fc.tuple(fc.nat({ max: 65_535 }), fc.nat({ max: 65_535 })).map(
    ([width, height]): Mutation =>
      (bytes) =>
        withSize(bytes, width, height),
  ),
  fc.tuple(place, place).map(
    ([from, length]): Mutation =>
      (bytes) =>
        Buffer.from(bytes).fill(
          0,
          Math.floor(from * bytes.length),
          Math.floor(Math.min(1, from + length * 0.2) * bytes.length),
        ),
  ),
  fc.constant<Mutation>((bytes) => Buffer.concat([bytes, Buffer.alloc(200_000, 'trailing ')])),
);

/** Another width and height in the header of a PNG or a JPEG; other files are left. */
function withSize(bytes: Buffer, width: number, height: number): Buffer {
  const copy = Buffer.from(bytes);
  if (copy.length > 24 && copy.subarray(12, 16).toString('latin1') === 'IHDR') {
    copy.writeUInt32BE(width * 4, 16);
    copy.writeUInt32BE(height * 4, 20);
  }
  for (let at = 2; copy[0] === 0xff && at + 9 < copy.length && copy[at] === 0xff; at += 2 + copy.readUInt16BE(at + 2)) {
    if (![0xc0, 0xc1, 0xc2].includes(copy[at + 1]!)) continue;
    copy.writeUInt16BE(height, at + 5);
    copy.writeUInt16BE(width, at + 7);
    break;
  }
  return copy;
}

interface HostileRequest {
  headers: Record<string, string>;
  body: Buffer;
  /** Bytes after which the client leaves; null: it stays. */
  leaveAfter: number | null;
}

const BOUNDARY = 'fuzzed';
const fieldName = fc.oneof(
  fc.constantFrom(
    'session_id',
    'image',
    'threshold',
    '__proto__',
    'constructor',
    'toString',
    '',
    'a"b',
    'ü',
    'x'.repeat(300),
  ),
  fc.string({ maxLength: 20 }),
);
const partHeader = fc.oneof(
  fieldName.map((name) => `Content-Disposition: form-data; name="${name}"`),
  fieldName.map((name) => `Content-Disposition: form-data; name="${name}"; filename="${name}"`),
  fc.constantFrom(
    'Content-Disposition: attachment',
    'Content-Type: multipart/mixed; boundary=inner',
    'Content-Type: text/plain; charset=utf-16',
    'Content-Transfer-Encoding: base64',
    "Content-Disposition: form-data; name*=utf-8''x",
    `X: ${'y'.repeat(9000)}`,
    '__proto__: polluted',
    ':',
    '',
  ),
  fc.string({ maxLength: 40 }),
);
const part = fc.tuple(
  fc.array(partHeader, { maxLength: 4 }),
  fc.oneof(
    fc.string({ maxLength: 60 }),
    fc.constantFrom('s', '0.5', 'x'.repeat(5000), `\r\n--${BOUNDARY}`, `\r\n--${BOUNDARY}--`),
  ),
);
const body = fc
  .tuple(
    fc.array(part, { maxLength: 14 }),
    fc.constantFrom('\r\n', '\n'),
    fc.constantFrom('--', '', '-', '\r\n\r\n'),
    fc.constantFrom('', '', 'preamble\r\n'),
  )
  .map(([parts, lineEnd, ending, preamble]) =>
    Buffer.from(
      `${preamble}${parts.map(([headers, content]) => `--${BOUNDARY}${lineEnd}${headers.join(lineEnd)}${lineEnd}${lineEnd}${content}${lineEnd}`).join('')}--${BOUNDARY}${ending}`,
      'latin1',
    ),
  );
const boundaryParameter = fc.oneof(
  { weight: 6, arbitrary: fc.constant(`boundary=${BOUNDARY}`) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 4096 }).map((length) => `boundary=${'b'.repeat(length)}`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '',
      `boundary="${BOUNDARY}`,
      `boundary=${BOUNDARY}; boundary=other`,
      `BOUNDARY="${BOUNDARY}"`,
      "boundary*=utf-8''fuzzed",
      'boundary=""',
      'boundary=a\\b',
    ),
  },
);
const hostileRequest: fc.Arbitrary<HostileRequest> = fc
  .record({
    type: fc.oneof(
      { weight: 8, arbitrary: boundaryParameter.map((parameter) => `multipart/form-data; ${parameter}`) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          'multipart/mixed; boundary=fuzzed',
          'multipart/form-data',
          'image/jpeg',
          'application/json',
          'application/x-www-form-urlencoded',
          '',
          ';',
          'text/html',
        ),
      },
    ),
    body: fc.oneof(
      { weight: 6, arbitrary: body },
      { weight: 1, arbitrary: fc.tuple(body, flips(20)).map(([bytes, changes]) => flipped(bytes, changes)) },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes)) },
      {
        weight: 1,
        arbitrary: fc.constant(
          Buffer.from(
            `--${BOUNDARY}\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n`.repeat(2000) + `--${BOUNDARY}--`,
          ),
        ),
      },
    ),
    leaveAfter: fc.oneof({ weight: 5, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.nat({ max: 2000 }) }),
  })
  .map(({ type, ...rest }) => ({ headers: { 'Content-Type': type }, ...rest }));

function form(fields: [string, string][], image: Buffer): Buffer {
  const texts = fields
    .map(([name, value]) => `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`)
    .join('');
  return Buffer.concat([
    Buffer.from(`${texts}--${BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="f"\r\n\r\n`),
    image,
    Buffer.from(`\r\n--${BOUNDARY}--\r\n`),
  ]);
}

/** Status of an exchange whose client left first. */
const LEFT = 0;

/** One exchange on a connection of its own. */
function send(
  api: ApiProcess,
  headers: Record<string, string>,
  bytes: Buffer,
  path = '/api/v1/search',
  leaveAfter: number | null = null,
): Promise<{ status: number; ms: number }> {
  const options: RequestOptions = {
    port: api.port,
    host: '127.0.0.1',
    path,
    method: 'POST',
    agent: false,
    headers: {
      'Content-Type': `multipart/form-data; boundary=${BOUNDARY}`,
      'Content-Length': bytes.length,
      ...headers,
    },
  };
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const settle = (status: number) => resolve({ status, ms: performance.now() - started });
    const exchange = request(options, (response) => {
      response.resume();
      response.once('close', () => settle(response.statusCode ?? 0));
    });
    exchange.once('error', (error) => (leaveAfter === null ? reject(error) : settle(LEFT)));
    if (leaveAfter === null || leaveAfter >= bytes.length) return void exchange.end(bytes);
    exchange.write(bytes.subarray(0, leaveAfter), () => exchange.destroy(new Error('left')));
    if (leaveAfter === 0) exchange.destroy(new Error('left'));
  });
}

function openDescriptors({ child }: ApiProcess): number {
  return process.platform === 'linux' ? readdirSync(`/proc/${child.pid}/fd`).length : 0;
}

function residentMegabytes({ child }: { child: ApiProcess['child'] }): string {
  if (process.platform !== 'linux') return '?';
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1];
  return (Number(kilobytes) / 1024).toFixed();
}
