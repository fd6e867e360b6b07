import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { indexAnswer, searchAnswer } from '@facepass/contracts/http';
import { emptyScene, portrait, selfie } from './people.ts';
import { s3Environment, startS3Server, type S3Server } from './s3-server.ts';
import { INDEX_KEY, KEY, startTestService, type Answer, type CallOptions, type TestService } from './service.ts';

const SESSION = '7c9e6679-7425-40de-944b-e07fc1f90ae7';

describe('a client of the public upstream, with LEGACY_CLIENTS', () => {
  let bucket: S3Server;
  let service: TestService;
  before(async () => {
    bucket = await startS3Server();
    const environment = { ...s3Environment(bucket), LEGACY_CLIENTS: 'true' };
    service = await startTestService({ environment });
    for (const person of [0, 1]) bucket.objects.set(`/photos/staging/${person}.jpg`, await portrait(person));
    bucket.objects.set('/photos/plain.jpg', await portrait(1));
  });
  after(async () => {
    await service?.[Symbol.asyncDispose]();
    await bucket?.[Symbol.asyncDispose]();
  });

  /** Sends Accept as the Python library requests does. */
  const call = async (method: string, path: string, { headers, ...options }: CallOptions = {}): Promise<Answer> => {
    const answer = await service.call(method, `/api/v1${path}`, { headers: { Accept: '*/*', ...headers }, ...options });
    assert.match(answer.headers.get('deprecation') ?? '', /^@\d+$/, path);
    assert.ok(Date.parse(answer.headers.get('sunset') ?? '') > Date.parse('2027-01-01'), path);
    return answer;
  };
  const photo = { photo_id: 'p0', session_id: SESSION };

  test('indexes a file, and is told 201 with error null', async () => {
    const { status, body } = await call('POST', '/index', { key: KEY, form: { ...photo, file: await portrait(0) } });
    assert.equal(status, 201, JSON.stringify(body));
    const { indexed, photo_id, faces_detected, error } = body;
    assert.deepEqual(
      { indexed, photo_id, faces_detected, error },
      { indexed: true, photo_id: 'p0', faces_detected: 1, error: null },
    );
    assert.ok(body.confidence > 0.5);
  });

  test('indexes an s3_key by a urlencoded form, with its sessionId, and a prefix', async () => {
    const body = new URLSearchParams({ photo_id: 'p1', sessionId: SESSION, s3_key: '1.jpg', s3_prefix: 'staging' });
    const answer = await call('POST', '/index', { key: KEY, body });
    assert.deepEqual([answer.status, answer.body.indexed], [201, true], JSON.stringify(answer.body));
  });

  test('gets 201 and indexed false for a photo without a face', async () => {
    const { status, body } = await call('POST', '/index', {
      key: KEY,
      form: { photo_id: 'empty', session_id: SESSION, file: await emptyScene() },
    });
    assert.equal(status, 201);
    const { error, ...rest } = body;
    assert.deepEqual(rest, { indexed: false, photo_id: 'empty', confidence: null, faces_detected: 0 });
    assert.match(error, /face/);
  });

  test('indexes a batch below a prefix, and gets a total and errors as texts', async () => {
    const photos = [
      { photo_id: 'b0', s3_key: '0.jpg' },
      { photo_id: 'gone', s3_key: 'gone.jpg' },
    ];
    const json = { session_id: SESSION, photos, s3_prefix: 'staging' };
    const { status, body } = await call('POST', '/index/batch', { key: KEY, json });
    assert.deepEqual([status, body.indexed, body.failed, body.total], [201, 1, 1, 2], JSON.stringify(body));
    assert.match(body.errors[0], /^gone: /);
    const plain = { session_id: SESSION, photos: [{ photo_id: 'b1', s3_key: 'plain.jpg' }] };
    assert.equal((await call('POST', '/index/batch', { key: KEY, json: plain })).body.indexed, 1);
  });

  test('searches a file by either call, and gets cosines that its own threshold fits', async () => {
    for (const path of ['/search', '/faces/search-session']) {
      const file = await selfie(0);
      const { status, body } = await call('POST', path, { form: { session_id: SESSION, file, threshold: '0.3' } });
      assert.equal(status, 200, JSON.stringify(body));
      assert.deepEqual(body.matches.map((match: any) => match.photo_id).toSorted(), ['b0', 'p0']);
      assert.ok(body.matches.every((match: any) => match.similarity >= 0.3 && match.similarity <= 1));
      assert.deepEqual([body.session_id, body.search_threshold, body.indexed_photos], [SESSION, 0.3, 4]);
      assert.equal(body.total_matches, 2);
    }
    const { body } = await call('POST', '/search', {
      form: { sessionId: SESSION, file: await selfie(0), threshold: '0.99' },
    });
    assert.deepEqual(body.matches, []);
  });

  test('gets 200, no matches and a message for a selfie without a face', async () => {
    const { status, body } = await call('POST', '/search', { form: { session_id: SESSION, file: await emptyScene() } });
    assert.deepEqual([status, body.matches], [200, []]);
    assert.match(body.message, /No face/);
  });

  test('gets 404 from one call and 200 from the older one for a session without photos', async () => {
    const form = { session_id: 'nowhere', file: await selfie(0) };
    const newer = await call('POST', '/search', { form });
    assert.equal(newer.status, 404);
    assert.match(newer.headers.get('content-type') ?? '', /^application\/json/);
    assert.equal(typeof newer.body.detail, 'string');
    const older = await call('POST', '/faces/search-session', { form });
    assert.deepEqual([older.status, older.body.matches, older.body.indexed_photos], [200, [], 0]);
  });

  test('indexes into the session of the path, whatever its characters', async () => {
    const session = 'a+b & c/d=ü';
    const path = `/faces/index-session/${encodeURIComponent(session)}`;
    const { body } = await call('POST', path, { key: KEY, form: { photo_id: 'p', file: await portrait(1) } });
    assert.equal(body.indexed, true, JSON.stringify(body));
    const status = await call('GET', `/search/status/${encodeURIComponent(session)}`);
    assert.deepEqual([status.body.session_id, status.body.photo_count], [session, 1]);
    const twice = await call('POST', path, {
      key: KEY,
      form: { photo_id: 'p', session_id: 's', file: await portrait(1) },
    });
    assert.deepEqual(twice.body.errors, [{ field: 'session_id', rule: 'must be given once' }]);
  });

  test('reads health with its components, and metrics, below /api/v1', async () => {
    const health = await call('GET', '/health');
    assert.equal(health.body.components.database.status, 'healthy');
    assert.equal(health.body.components.face_recognition_model.status, 'healthy');
    assert.match((await call('GET', '/metrics')).body, /facepass_search_requests_total/);
  });

  test('needs a key with the scope as everybody, and is told so in detail', async () => {
    const form = { ...photo, file: await portrait(0) };
    for (const [path, key, status] of [
      ['/index', undefined, 401],
      ['/faces/index-session/s', undefined, 401],
      ['/index', 'a wrong key of some length', 401],
    ] as const) {
      const answer = await call('POST', path, { key, form });
      assert.equal(answer.status, status);
      assert.equal(typeof answer.body.detail, 'string');
    }
    assert.equal((await call('DELETE', `/index/${SESSION}`, { key: INDEX_KEY })).status, 403);
  });

  test('a client that accepts problem+json is served as ever, on the same addresses', async () => {
    const headers = { Accept: 'application/json, application/problem+json' };
    const index = (image: Buffer) =>
      service.call('POST', '/api/v1/index', { key: KEY, form: { ...photo, photo_id: 'ours', image }, headers });
    const indexed = await index(await portrait(0));
    assert.deepEqual([indexed.status, indexAnswer.safeParse(indexed.body).error], [200, undefined]);
    assert.equal((await index(await emptyScene())).body.code, 'no_face');
    const form = { session_id: SESSION, image: await selfie(0) };
    const found = await service.call('POST', '/api/v1/search', { form, headers });
    assert.equal(searchAnswer.safeParse(found.body).error, undefined);
    assert.equal(found.headers.get('deprecation'), null);
    const unknown = await service.call('DELETE', '/api/v1/index/nowhere', { key: KEY, headers });
    assert.deepEqual([unknown.status, unknown.body.code], [404, 'session_not_indexed']);
  });

  test('deletes a session, and one that there is not with 200 and 0', async () => {
    const known = await call('DELETE', `/index/${SESSION}`, { key: KEY });
    assert.deepEqual([known.status, known.body.deleted, known.body.session_id], [200, true, SESSION]);
    assert.ok(known.body.embeddings_removed >= 4);
    const unknown = await call('DELETE', `/index/${SESSION}`, { key: KEY });
    assert.deepEqual(unknown.body, { deleted: true, session_id: SESSION, embeddings_removed: 0 });
    assert.equal(unknown.status, 200);
  });
});

test('without LEGACY_CLIENTS there are no such calls and words', async () => {
  await using service = await startTestService({ inference: null });
  const form = { session_id: 's', file: 'x' };
  assert.equal((await service.call('POST', '/api/v1/faces/search-session', { form })).status, 404);
  assert.equal((await service.call('GET', '/api/v1/health')).status, 404);
  const { body } = await service.call('POST', '/api/v1/search', { form });
  assert.deepEqual(body.errors, [{ field: 'file', rule: 'is unknown' }]);
  const form2 = new URLSearchParams({ session_id: 's' });
  assert.equal((await service.call('POST', '/api/v1/search', { body: form2 })).status, 415);
});
