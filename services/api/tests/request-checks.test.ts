import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { replaceFaces } from '@facepass/indexing/db/faces';
import { PROBLEMS } from '@facepass/indexing/errors';
import { samplePhoto } from '../../inference/tests/photos.ts';
import { INDEX_KEY, KEY, startTestService, type Answer, type TestService } from './service.ts';

describe('what the API rejects before it looks for faces', () => {
  let service: TestService;
  let photo: Buffer;
  before(async () => {
    service = await startTestService({ inference: null, environment: { MAX_IMAGE_BYTES: '200000' } });
    photo = await samplePhoto(1);
  });
  after(() => service?.[Symbol.asyncDispose]());

  const index = (form: Record<string, string | Uint8Array | undefined>, key: string | undefined = KEY) =>
    service.call('POST', '/api/v1/index', { key, form });

  test('every field that breaks a rule is named with the rule', async () => {
    const answer = await index({ session_id: 'x'.repeat(256), photo_id: 'a\u0007', colour: 'red', image: photo });
    assertProblem(answer, 'invalid_parameter');
    assert.deepEqual(answer.body.errors.map(({ field }: { field: string }) => field).sort(), [
      'colour',
      'photo_id',
      'session_id',
    ]);
  });

  test('an identifier may have 255 characters of any script, and no more', async () => {
    const longest = '𝒶'.repeat(255);
    assertProblem(await index({ session_id: longest, photo_id: 'ö', image: photo }), 'inference_unavailable');
    assertProblem(await index({ session_id: `${longest}𝒶`, photo_id: 'ö', image: photo }), 'invalid_parameter');
  });

  test('a number is a plain decimal in its range', async () => {
    for (const [field, values] of Object.entries({
      threshold: ['', '1.01', '-0.1', 'NaN', '0x1', '1e-1', ' '],
      limit: ['0', '1001', '2.5', ''],
      face_index: ['-1', 'one'],
    })) {
      for (const value of values) {
        const answer = await service.call('POST', '/api/v1/search', {
          form: { session_id: 's', image: photo, [field]: value },
        });
        assertProblem(answer, 'invalid_parameter');
        assert.deepEqual(
          answer.body.errors.map((error: { field: string }) => error.field),
          [field],
          `${field}=${value}`,
        );
      }
    }
  });

  test('rejects a field given twice, in the form or in form and query', async () => {
    const twice = new FormData();
    for (const photoId of ['a', 'b']) twice.append('photo_id', photoId);
    assertProblem(await service.call('POST', '/api/v1/index', { key: KEY, body: twice }), 'invalid_parameter');
    const both = await service.call('POST', '/api/v1/index?photo_id=a', {
      key: KEY,
      form: { photo_id: 'a', session_id: 's', image: photo },
    });
    assert.deepEqual(both.body.errors, [{ field: 'photo_id', rule: 'must be given once' }]);
  });

  test('a bare image body takes its parameters from the query', async () => {
    const answer = await service.call('POST', '/api/v1/index?photo_id=p&session_id=s', {
      key: KEY,
      body: new Uint8Array(photo),
      headers: { 'Content-Type': 'image/jpeg' },
    });
    assertProblem(answer, 'inference_unavailable');
    const nameless = await service.call('POST', '/api/v1/index?photo_id=p', {
      key: KEY,
      body: new Uint8Array(photo),
      headers: { 'Content-Type': 'image/jpeg' },
    });
    assert.deepEqual(
      nameless.body.errors.map(({ field }: { field: string }) => field),
      ['session_id'],
    );
  });

  test('the bytes decide what is an image, not the content type', async () => {
    const formats = {
      'GIF89a............': 'unsupported_format',
      '<svg xmlns="http://www.w3.org/2000/svg"/>': 'unsupported_format',
      '': 'not_an_image',
      '%PDF-1.7 ........': 'unsupported_format',
      '<!doctype html><html><body>Not found</body></html>': 'not_an_image',
    };
    for (const [bytes, code] of Object.entries(formats)) {
      assertProblem(await index({ session_id: 's', photo_id: 'p', image: Buffer.from(bytes) }), code);
    }
  });

  test('an image over the limit is 413, whether its length was declared or not', async () => {
    const large = Buffer.concat([photo, Buffer.alloc(200_000)]);
    assertProblem(await index({ session_id: 's', photo_id: 'p', image: large }), 'image_too_large');
    const undeclared = new ReadableStream({ pull: (stream) => stream.enqueue(new Uint8Array(65_536).fill(255)) });
    const options = { key: KEY, body: undeclared, headers: { 'Content-Type': 'image/jpeg' }, duplex: 'half' };
    const response = await fetch(`${service.url}/api/v1/index?photo_id=p&session_id=s`, {
      method: 'POST',
      ...options,
      headers: { ...options.headers, 'X-API-Key': KEY },
    } as RequestInit);
    assert.equal(response.status, 413);
  });

  test('other content types are 415, malformed bodies 400', async () => {
    const send = (type: string, body: string) =>
      service.call('POST', '/api/v1/index', { key: KEY, body, headers: { 'Content-Type': type } });
    assertProblem(await send('application/x-www-form-urlencoded', 'a=b'), 'unsupported_media_type');
    assertProblem(await send('text/plain', 'a'), 'unsupported_media_type');
    assertProblem(await send('application/json', '{'), 'malformed_body');
    assertProblem(await send('application/json', '[1]'), 'malformed_body');
    assertProblem(await send('multipart/form-data', 'x'), 'malformed_body');
    assertProblem(await send(`multipart/form-data; boundary=${'b'.repeat(71)}`, 'x'), 'malformed_body');
    assertProblem(
      await send(
        'multipart/form-data; boundary=b',
        '--b\r\nContent-Disposition: form-data; name="photo_id"\r\n\r\ncut',
      ),
      'malformed_body',
    );
  });

  test('a call needs an image or a key of the bucket, and not both', async () => {
    assertProblem(await index({ session_id: 's', photo_id: 'p' }), 'image_missing');
    assertProblem(await index({ session_id: 's', photo_id: 'p', s3_key: 'k', image: photo }), 'invalid_parameter');
    assertProblem(
      await service.call('POST', '/api/v1/index', { key: KEY, json: { session_id: 's', photo_id: 'p', s3_key: 'k' } }),
      's3_not_configured',
    );
    assertProblem(
      await service.call('POST', '/api/v1/index/batch', {
        key: KEY,
        json: { session_id: 's', photos: [{ photo_id: 'p', s3_key: 'k' }] },
      }),
      's3_not_configured',
    );
  });

  test('expires_at must be in the future', async () => {
    for (const expires_at of ['tomorrow', '2020-01-01T00:00:00Z', '2030-13-01T00:00:00Z']) {
      const answer = await index({ session_id: 's', photo_id: 'p', expires_at, image: photo });
      assert.deepEqual(
        answer.body.errors?.map(({ field }: { field: string }) => field),
        ['expires_at'],
        expires_at,
      );
    }
  });

  test('a key without the scope gets 403, and the answer names the scope', async () => {
    const answer = await service.call('DELETE', '/api/v1/index/s', { key: INDEX_KEY });
    assertProblem(answer, 'scope_missing');
    assert.match(answer.body.detail, /delete/);
  });

  test('index rejects ids that no URL can carry, in form, query and JSON', async () => {
    for (const id of ['.', '..']) {
      for (const fields of [
        { session_id: 's', photo_id: id },
        { session_id: id, photo_id: 'p' },
      ]) {
        const field = fields.photo_id === id ? 'photo_id' : 'session_id';
        const query = new URLSearchParams(fields).toString();
        const answers = [
          await index({ ...fields, image: photo }),
          await index({ ...fields, s3_key: 'k' }),
          await service.call('POST', '/api/v1/index', { key: KEY, json: { ...fields, s3_key: 'k' } }),
          await service.call('POST', `/api/v1/index?${query}`, {
            key: KEY,
            body: new Uint8Array(photo),
            headers: { 'Content-Type': 'image/jpeg' },
          }),
          await service.call('POST', '/api/v1/index/batch', {
            key: KEY,
            json: { session_id: fields.session_id, photos: [{ photo_id: fields.photo_id, s3_key: 'k' }] },
          }),
        ];
        for (const answer of answers) {
          assertProblem(answer, 'invalid_parameter');
          assert.match(answer.body.detail, new RegExp(`${field}: must not be . or ..`));
        }
      }
    }
  });

  test('a photo of before that is named `..` is erased alone, its session by the query', async () => {
    const { pool, modelId, pack } = service.context;
    const face = {
      box: { x: 0, y: 0, width: 9, height: 9 },
      confidence: 1,
      quality: 1,
      embedding: Array<number>(pack.embedding_size).fill(0.1),
    };
    const store = (sessionId: string, photoId: string) =>
      replaceFaces(pool, { sessionId, photoId, modelId, faces: [face], lastErasure: '0', retentionDays: 0 });
    for (const [sessionId, photoId] of [
      ['old', '..'],
      ['old', 'p'],
      ['..', 'p'],
    ] as const)
      await store(sessionId, photoId);
    const byPath = await service.call('DELETE', '/api/v1/index/old/photos/..', { key: KEY });
    assertProblem(byPath, 'route_not_found');
    const photo = await service.call('DELETE', '/api/v1/index/old/photos?photo_id=..', { key: KEY });
    assert.deepEqual(photo.body, { deleted: true, embeddings_removed: 1 });
    assert.equal((await service.call('GET', '/api/v1/search/status/old')).body.photo_count, 1);
    const session = await service.call('DELETE', '/api/v1/index?session_id=..', { key: KEY });
    assert.deepEqual(session.body, { deleted: true, embeddings_removed: 1 });
  });

  test('a path is strict about a slash at its end, a page is not', async () => {
    for (const path of ['/api/v1/index/s/', '/api/v1/index/s/photos/', '/api/v1/index/s/photos/p/', '/api/v1/index/'])
      assertProblem(await service.call('DELETE', path, { key: KEY }), 'route_not_found');
    assert.equal((await service.call('GET', '/docs/')).status, 200);
  });

  test('text that is not UTF-8 is refused in the form, the query and the path, a byte order mark is a character', async () => {
    const part = (name: string, value: Buffer) =>
      Buffer.concat([
        Buffer.from(`--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n`),
        value,
        Buffer.from('\r\n'),
      ]);
    const form = (photoId: Buffer) =>
      service.call('POST', '/api/v1/index', {
        key: KEY,
        headers: { 'Content-Type': 'multipart/form-data; boundary=b' },
        body: Buffer.concat([
          part('photo_id', photoId),
          part('session_id', Buffer.from('s')),
          part('image', photo),
          Buffer.from('--b--'),
        ]),
      });
    for (const bytes of ['f\xeate', 'f\xe2te', '\xed\xa0\x80', '\xc0\xaf']) {
      const answer = await form(Buffer.from(bytes, 'latin1'));
      assertProblem(answer, 'invalid_parameter');
      assert.deepEqual(answer.body.errors, [{ field: 'photo_id', rule: 'must be text in UTF-8' }]);
    }
    assertProblem(await form(Buffer.from('fête')), 'inference_unavailable');
    for (const call of [
      service.call('POST', '/api/v1/index?photo_id=f%EAte&session_id=s', { key: KEY, form: { image: photo } }),
      service.call('DELETE', '/api/v1/index?session_id=f%EAte', { key: KEY }),
      service.call('DELETE', '/api/v1/index/s/photos/f%EAte', { key: KEY }),
    ])
      assertProblem(await call, 'invalid_parameter');
    const marked = await index({ session_id: '\ufeffs', photo_id: 'p', image: photo });
    assertProblem(marked, 'inference_unavailable');
  });

  test('erasing by the query refuses what it does not know: a photo_id never erases its session', async () => {
    assertProblem(
      await service.call('DELETE', '/api/v1/index?session_id=s&photo_id=p', { key: KEY }),
      'invalid_parameter',
    );
    assertProblem(await service.call('DELETE', '/api/v1/index/s/photos', { key: KEY }), 'invalid_parameter');
    assertProblem(await service.call('DELETE', '/api/v1/index/s?session_id=t', { key: KEY }), 'invalid_parameter');
    assertProblem(await service.call('DELETE', '/api/v1/index', { key: KEY }), 'invalid_parameter');
  });

  test('a form may have blanks after its boundaries, and file names at its texts; no part of it is left out', async () => {
    const send = (...lines: string[]) =>
      service.call('POST', '/api/v1/search', {
        headers: { 'Content-Type': 'multipart/form-data; boundary=b' },
        body: lines.join('\r\n'),
      });
    const session = ['Content-Disposition: form-data; name="session_id"; filename="s.txt"', '', 's'];
    const limit = ['Content-Disposition: form-data; name="limit"', '', 'none'];
    const refused = await send('--b \t', ...session, '--b  ', ...limit, '--b--');
    assert.deepEqual(refused.body.errors, [{ field: 'limit', rule: 'must be a whole number' }]);
    assertProblem(await send('--b', ...session, '--b--'), 'image_missing');
    const unknown = await send(
      '--b',
      'Content-Disposition: form-data; name="picture"; filename="p.jpg"',
      '',
      'x',
      '--b--',
    );
    assert.ok(unknown.body.errors.some(({ field }: { field: string }) => field === 'picture'));
    for (const broken of [
      ['--b', 'Content-Disposition: attachment; name="limit"', '', '1', '--b--'],
      ['--b', 'Content-Type: text/plain', '', '1', '--b--'],
      ['--bx', ...session, '--b--'],
      ['--b', 'no header at all', '', '1', '--b--'],
      ['--b', 'Content-Disposition: form-data; name="limit"', 'Content-Transfer-Encoding: base64', '', 'MQ==', '--b--'],
      ['--b', ...session, '--b'],
    ])
      assertProblem(await send(...broken), 'malformed_body');
  });

  test('accepts Content-Encoding: identity and rejects any other', async () => {
    const send = (encoding: string) =>
      service.call('POST', '/api/v1/index?photo_id=p&session_id=s', {
        key: KEY,
        body: new Uint8Array(photo),
        headers: { 'Content-Type': 'image/jpeg', 'Content-Encoding': encoding },
      });
    assertProblem(await send('identity'), 'inference_unavailable');
    assertProblem(await send('gzip'), 'unsupported_media_type');
  });

  test('unknown paths, wrong methods and malformed paths are problems as well', async () => {
    assertProblem(await service.call('GET', '/api/v2/index'), 'route_not_found');
    assertProblem(await service.call('GET', '/api/v1/search/status/%ff'), 'invalid_parameter');
    const answer = await service.call('PUT', '/api/v1/index');
    assertProblem(answer, 'method_not_allowed');
    assert.equal(answer.headers.get('allow'), 'POST, DELETE');
  });

  test('erasing what is not indexed gives 404, and the status says so', async () => {
    assertProblem(await service.call('DELETE', '/api/v1/index/nothing', { key: KEY }), 'session_not_indexed');
    assertProblem(await service.call('DELETE', '/api/v1/index/nothing/photos/p', { key: KEY }), 'photo_not_indexed');
    assertProblem(
      await service.call('POST', '/api/v1/search', { form: { session_id: 'nothing', image: photo } }),
      'session_not_indexed',
    );
    const { status, body } = await service.call('GET', '/api/v1/search/status/nothing');
    assert.equal(status, 200);
    assert.deepEqual(body, {
      indexed: false,
      photo_count: 0,
      last_indexed: null,
      session_id: 'nothing',
      face_count: 0,
      model: null,
    });
  });

  test('without an inference server the answer is 503 with Retry-After, and readiness says why', async () => {
    const answer = await index({ session_id: 's', photo_id: 'p', image: photo });
    assertProblem(answer, 'inference_unavailable');
    assert.equal(answer.headers.get('retry-after'), '1');
    const ready = await service.call('GET', '/readyz');
    assert.equal(ready.status, 503);
    assert.match(ready.body, /inference/);
    assert.equal((await service.call('GET', '/livez')).status, 200);
    const health = await service.call('GET', '/health');
    assert.equal(health.status, 503);
    assert.deepEqual(Object.keys(health.body).sort(), [
      'database',
      'face_recognition_model',
      'status',
      'uptime_seconds',
      'version',
    ]);
  });
});

/** A problem has the body of RFC 9457 and the status of its code. */
function assertProblem({ status, headers, body }: Answer, code: string): void {
  assert.equal(body.code, code, JSON.stringify(body));
  assert.equal(status, PROBLEMS[code as keyof typeof PROBLEMS].status);
  assert.match(headers.get('content-type') ?? '', /^application\/problem\+json/);
  assert.equal(body.status, status);
  assert.equal(body.type, `/docs/errors/${code}`);
  assert.equal(body.instance, headers.get('x-request-id'));
  assert.ok(body.title && body.detail);
}
