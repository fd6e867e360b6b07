import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { problem } from '@facepass/contracts/http';
import { replaceFaces } from '@facepass/indexing/db/faces';
import fc from 'fast-check';
import { portrait } from './people.ts';
import { seeded } from './seed.ts';
import { KEY, startTestService, type Answer, type CallOptions, type TestService } from './service.ts';
import openapi from '../../../docs/openapi.json' with { type: 'json' };

/** The id of a job that is not there. */
const JOB = '01980000-0000-7000-8000-000000000001';

describe('properties of what the service refuses', () => {
  let service: TestService;
  let photo: Buffer;
  before(async () => {
    service = await startTestService();
    photo = await portrait(1);
  });
  after(() => service?.[Symbol.asyncDispose]());

  /** Every protected call, such that it would succeed with a key. */
  const protectedCall = fc.constantFrom<[method: string, path: string, body?: () => CallOptions]>(
    ['POST', '/api/v1/index', () => ({ form: { session_id: 'some', photo_id: 'new', image: photo } })],
    ['POST', '/api/v1/index?session_id=some&photo_id=new', () => ({ body: new Uint8Array(photo), headers: JPEG })],
    [
      'POST',
      '/api/v1/index/batch',
      () => ({ json: { session_id: 'some', photos: [{ photo_id: 'new', s3_key: 'k' }] } }),
    ],
    ['DELETE', '/api/v1/index/some'],
    ['DELETE', '/api/v1/index?session_id=some'],
    ['DELETE', '/api/v1/index/some/photos/other'],
    ['DELETE', '/api/v1/index/some/photos?photo_id=other'],
    ['POST', '/api/v1/jobs', () => ({ json: { session_id: 'some', photos: [{ photo_id: 'new', s3_key: 'k' }] } })],
    ['GET', '/api/v1/jobs?session_id=some'],
    ['GET', '/api/v1/models'],
    ['GET', '/api/v1/sessions'],
    ['GET', '/api/v1/sessions/some/photos'],
    ['GET', '/api/v1/sessions/some/photos/other'],
    ['POST', '/api/v1/search/tokens', () => ({ json: { session_id: 'some' } })],
  );

  /** What the protected calls could change; the photo is there to be erased. */
  const stored = async () => {
    const { pool, modelId, pack } = service.context;
    const { rows } = await pool.query(
      `select (select count(*) from faces where session_id = 'some') as faces,
              (select count(*) from sessions) as sessions, (select count(*) from audit_log) as audited,
              (select count(*) from erasures) as erasures, (select count(*) from jobs) as jobs`,
    );
    if (rows[0].faces !== '0') return rows[0];
    const box = { x: 0, y: 0, width: 9, height: 9 };
    const embedding = Array<number>(pack.embedding_size).fill(0.1);
    await replaceFaces(pool, {
      sessionId: 'some',
      photoId: 'other',
      modelId,
      faces: [{ box, confidence: 1, quality: 1, embedding }],
      lastErasure: '0',
      retentionDays: 0,
    });
    return null;
  };
  const storedBefore = async () => (await stored()) ?? (await stored());

  test('9: protected calls need a key, and do nothing without', async (t) => {
    const before = await storedBefore();
    await fc.assert(
      fc.asyncProperty(
        protectedCall,
        fc.constantFrom<Record<string, string>>(
          {},
          { Authorization: `Bearer ${KEY}` },
          { Cookie: `X-API-Key=${KEY}` },
          { 'X-API-Key': '' },
        ),
        async ([method, path, body], headers) => {
          const call = body?.() ?? {};
          const all = { ...call, headers: { ...call.headers, ...headers } };
          assertProblem(await service.call(method, path, all), 401, 'api_key_required');
          const query = `${path.includes('?') ? '&' : '?'}api_key=${KEY}&X-API-Key=${KEY}`;
          assert.equal((await service.call(method, `${path}${query}`, call)).status, 401);
          assert.deepEqual(await stored(), before);
        },
      ),
      seeded(t, 40),
    );
  });

  test('10: every invalid key is refused, and nothing is done', async (t) => {
    const before = await storedBefore();
    const mutated = fc
      .tuple(fc.nat({ max: KEY.length - 1 }), fc.integer({ min: 33, max: 126 }))
      .map(([place, code]) => `${KEY.slice(0, place)}${String.fromCharCode(code)}${KEY.slice(place + 1)}`);
    const invalid = fc
      .oneof(
        fc.stringMatching(/^[!-~]{1,200}$/),
        mutated,
        fc.constantFrom(`${KEY}0`, KEY.slice(1), 'photographer', `photographer:${KEY}`),
      )
      .filter((key) => key !== KEY);
    await fc.assert(
      fc.asyncProperty(protectedCall, invalid, async ([method, path, body], key) => {
        assertProblem(await service.call(method, path, { ...body?.(), key }), 401, 'api_key_invalid');
        assert.deepEqual(await stored(), before);
      }),
      seeded(t, 150),
    );
  });

  test('14: invalid input gets 400', async (t) => {
    const badIdentifier = fc.oneof(
      fc.constant(''),
      fc.stringMatching(/^[a-z]{0,9}[\u0000-\u0008\u000e-\u001f\u007f]$/),
      fc.string({ minLength: 256, maxLength: 400, unit: fc.constantFrom('a', 'é', '好') }),
    );
    const outside = (min: number, max: number) =>
      fc.oneof(
        fc
          .double({ noNaN: true })
          .filter((value) => value < min || value > max)
          .map(String),
        fc.constantFrom('NaN', '', 'one', '1,5', '٣', '0x1', '1e0'),
      );
    const badTime = fc.constantFrom('2000-01-01T00:00:00Z', 'tomorrow', '2099-01-01', '', '2099-13-01T00:00:00Z');
    const badKey = fc.oneof(fc.constant(''), fc.string({ minLength: 1025, maxLength: 1100, unit: fc.constant('k') }));
    const unknown = fc
      .stringMatching(/^[a-z]{3,8}$/)
      .filter((name) => !['limit', 'image', 'threshold', 'face', 'index'].includes(name));
    const of = (name: string, values: fc.Arbitrary<string>) => fc.tuple(fc.constant(name), values);
    const search = fc.oneof(
      of('session_id', badIdentifier),
      of('threshold', outside(0, 1)),
      of('limit', fc.oneof(outside(1, 1000), fc.constantFrom('1.5', '1001', '0'))),
      of('face_index', fc.oneof(outside(0, 10_000), fc.constantFrom('-1', '0.5'))),
      fc.tuple(unknown, fc.constant('x')),
    );
    const newIdentifier = fc.oneof(badIdentifier, fc.constantFrom('.', '..'));
    const index = fc.oneof(
      of('session_id', newIdentifier),
      of('photo_id', newIdentifier),
      of('expires_at', badTime),
      fc.tuple(unknown, fc.constant('x')),
    );
    const batch = fc.oneof(
      of('session_id', newIdentifier),
      of('expires_at', badTime),
      fc.tuple(unknown, fc.constant('x')),
    );
    const photoOfBatch = fc.oneof(
      of('photo_id', newIdentifier),
      of('s3_key', badKey),
      fc.tuple(unknown, fc.constant('x')),
    );
    const call = fc.oneof(
      search.map((field) => ({ field, path: '/api/v1/search', form: { session_id: 's', image: photo } })),
      index.map((field) => ({ field, path: '/api/v1/index', form: { session_id: 's', photo_id: 'p', image: photo } })),
      batch.map((field) => ({
        field,
        path: '/api/v1/index/batch',
        json: { session_id: 's', photos: [PHOTO_OF_BATCH] },
      })),
      photoOfBatch.map((field) => ({ field, path: '/api/v1/index/batch', photo: PHOTO_OF_BATCH })),
      of('session_id', badIdentifier).map((field) => ({ field, path: '/api/v1/search/tokens', json: {} })),
    );
    const before = await storedBefore();
    await fc.assert(
      fc.asyncProperty(call, async ({ field: [name, value], path, ...body }) => {
        const sent =
          'form' in body
            ? { form: { ...body.form, [name]: value } }
            : 'json' in body
              ? { json: { ...body.json, [name]: value } }
              : { json: { session_id: 's', photos: [{ ...body.photo, [name]: value }] } };
        const answer = await service.call('POST', path, { key: KEY, ...sent });
        assertProblem(answer, 400, 'invalid_parameter');
        assert.deepEqual(
          answer.body.errors.map((error: { field: string }) => error.field.split('.').at(-1)),
          [name],
        );
      }),
      seeded(t, 250),
    );
    assert.deepEqual(await stored(), before);
  });

  test('16: every limited call is refused over its limit, by its key or its address', async () => {
    const environment = { RATE_LIMIT_WRITES_PER_MINUTE: '1', RATE_LIMIT_SEARCHES_PER_MINUTE: '1' };
    const calls = [
      ['POST', '/api/v1/index', KEY],
      ['POST', '/api/v1/index/batch', KEY],
      ['DELETE', '/api/v1/index/s', KEY],
      ['DELETE', '/api/v1/index?session_id=s', KEY],
      ['DELETE', '/api/v1/index/s/photos/p', KEY],
      ['DELETE', '/api/v1/index/s/photos?photo_id=p', KEY],
      ['GET', '/api/v1/models', KEY],
      ['GET', '/api/v1/sessions', KEY],
      ['GET', '/api/v1/sessions/s/photos', KEY],
      ['GET', '/api/v1/sessions/s/photos/p', KEY],
      ['DELETE', '/api/v1/sessions/s/photos/p/faces/0', KEY],
      ['POST', '/api/v1/sessions/s/forget', KEY],
      ['POST', '/api/v1/jobs', KEY],
      ['GET', '/api/v1/jobs?session_id=s', KEY],
      ['GET', `/api/v1/jobs/${JOB}`, KEY],
      ['GET', `/api/v1/jobs/${JOB}/photos`, KEY],
      ['GET', `/api/v1/jobs/${JOB}/events`, KEY],
      ['POST', `/api/v1/jobs/${JOB}/retry`, KEY],
      ['DELETE', `/api/v1/jobs/${JOB}`, KEY],
      ['POST', '/api/v1/search/tokens', KEY],
      ['POST', '/api/v1/search', undefined],
      ['GET', '/api/v1/search/status/s', undefined],
    ] as const;
    assert.deepEqual(
      calls.map(([method, path]) => `${method} ${path.replace(/\?.*/, '')}`).sort(),
      limitedCalls({ session_id: 's', photo_id: 'p', job_id: JOB, face_index: '0' }),
      'the document says of the same calls that they are limited',
    );
    for (const [method, path, key] of calls) {
      await using limited = await startTestService({ inference: null, database: service.database, environment });
      assert.notEqual((await limited.call(method, path, { key })).status, 429, `${method} ${path}`);
      const refused = await limited.call(method, path, { key });
      assertProblem(refused, 429, 'rate_limited');
      assert.ok(Number(refused.headers.get('retry-after')) > 0);
    }
  });

  test('16: rate limits refuse exactly what is over', async (t) => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 12 }),
        fc.boolean(),
        async (limit, calls, write) => {
          const environment = { RATE_LIMIT_WRITES_PER_MINUTE: `${limit}`, RATE_LIMIT_SEARCHES_PER_MINUTE: `${limit}` };
          await using limited = await startTestService({ inference: null, database: service.database, environment });
          const answers = await Promise.all(
            Array.from({ length: calls }, () =>
              write
                ? limited.call('DELETE', '/api/v1/index/s', { key: KEY })
                : limited.call('GET', '/api/v1/search/status/s'),
            ),
          );
          const refused = answers.filter(({ status }) => status === 429);
          assert.equal(refused.length, Math.max(0, calls - limit));
          for (const answer of refused) {
            assertProblem(answer, 429, 'rate_limited');
            assert.ok(Number(answer.headers.get('retry-after')) > 0);
          }
        },
      ),
      seeded(t, 10),
    );
  });

  test('17: invalid files are refused', async (t) => {
    const magic = fc.constantFrom(
      '',
      'GIF89a',
      'BM',
      'II*\0',
      'MM\0*',
      '\0\0\0\x18ftypcrx ',
      'FUJIFILMCCD-RAW ',
      '<?xml version="1.0"?><svg/>',
      '%PDF-1.7',
      'PK\x03\x04',
      '\x7fELF',
      'RIFF\0\0\0\0WAVE',
      '\xff\xd8\xfe',
      '\x89PNX\r\n\x1a\n',
    );
    const file = fc
      .tuple(magic, fc.uint8Array({ maxLength: 500 }))
      .map(([head, rest]) => Buffer.concat([Buffer.from(head, 'latin1'), rest]))
      .filter((bytes) => !/^(\xff\xd8\xff|\x89PNG\r\n|RIFF[^]{4}WEBP)/.test(bytes.toString('latin1')));
    await fc.assert(
      fc.asyncProperty(file, fc.constantFrom('image/jpeg', 'image/png', 'image/webp', 'form'), async (bytes, type) => {
        const answer =
          type === 'form'
            ? await service.call('POST', '/api/v1/index', {
                key: KEY,
                form: { session_id: 's', photo_id: 'p', image: bytes },
              })
            : await service.call('POST', '/api/v1/index?session_id=s&photo_id=p', {
                key: KEY,
                body: new Uint8Array(bytes),
                headers: { 'Content-Type': type },
              });
        assert.equal(answer.status, 400);
        assert.match(answer.body.code, /^(not_an_image|unsupported_format)$/);
      }),
      seeded(t, 120),
    );
  });
});

const JPEG = { 'Content-Type': 'image/jpeg' };
const PHOTO_OF_BATCH = { photo_id: 'p', s3_key: 'k' };

/** The calls that the document declares to answer 429, with ids in place of the parameters. */
function limitedCalls(parameters: Record<string, string>): string[] {
  const paths = Object.entries(openapi.paths as Record<string, Record<string, { responses?: object }>>);
  return paths
    .flatMap(([path, methods]) => {
      const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => parameters[name]!);
      return Object.entries(methods)
        .filter(([, { responses = {} }]) => '429' in responses)
        .map(([method]) => `${method.toUpperCase()} ${filled}`);
    })
    .sort();
}

function assertProblem({ status, body }: Answer, expected: number, code: string): void {
  assert.equal(status, expected, JSON.stringify(body));
  assert.equal(body.code, code);
  assert.deepEqual(problem.parse(body), body);
}
