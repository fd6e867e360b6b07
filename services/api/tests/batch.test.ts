import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { batchAnswer, batchLine } from '@facepass/contracts/http';
import { emptyScene, PEOPLE, portrait } from './people.ts';
import { s3Environment, startS3Server, type S3Server } from './s3-server.ts';
import { KEY, startTestService, type TestService } from './service.ts';

describe('batches', () => {
  let bucket: S3Server;
  let service: TestService;
  before(async () => {
    bucket = await startS3Server();
    service = await startTestService({ environment: { ...s3Environment(bucket), BATCH_CONCURRENCY: '24' } });
    for (let person = 0; person < PEOPLE; person += 1)
      bucket.objects.set(`/photos/person ${person}.jpg`, await portrait(person));
    bucket.objects.set('/photos/empty.jpg', await emptyScene());
    bucket.objects.set('/photos/text.jpg', Buffer.from('not an image at all'));
  });
  after(async () => {
    await service?.[Symbol.asyncDispose]();
    await bucket?.[Symbol.asyncDispose]();
  });
  beforeEach(() => bucket.faults.clear());

  const people = (count: number) =>
    Array.from({ length: count }, (_, n) => ({ photo_id: `photo ${n}`, s3_key: `person ${n % PEOPLE}.jpg` }));
  const send = (
    session_id: string,
    photos: unknown,
    more: { headers?: Record<string, string>; signal?: AbortSignal } = {},
  ) => service.call('POST', '/api/v1/index/batch', { key: KEY, json: { session_id, photos }, ...more });
  const whyNot = () => JSON.stringify(service.log.findLast((line) => line.msg === 'a photo of a batch failed'));
  const counts = async () => countsIn(await (await fetch(`${service.metricsUrl}/metrics`)).text());
  const status = async (session_id: string) => (await service.call('GET', `/api/v1/search/status/${session_id}`)).body;

  test('a photo of the bucket is indexed by its key alone, as JSON and in a form', async () => {
    const fields = { session_id: 'single', s3_key: 'person 0.jpg' };
    const json = await service.call('POST', '/api/v1/index', { key: KEY, json: { ...fields, photo_id: 'json' } });
    const form = await service.call('POST', '/api/v1/index', { key: KEY, form: { ...fields, photo_id: 'form' } });
    assert.deepEqual([json.body.faces_detected, form.body.faces_detected], [1, 1]);
    const missing = await service.call('POST', '/api/v1/index', {
      key: KEY,
      json: { session_id: 'single', photo_id: 'p', s3_key: 'gone.jpg' },
    });
    assert.equal(missing.body.code, 's3_object_not_found');
    const hostile = await service.call('POST', '/api/v1/index', {
      key: KEY,
      json: { session_id: 'single', photo_id: 'p', s3_key: '../other/person 0.jpg' },
    });
    assert.equal(hostile.body.code, 's3_key_refused');
  });

  test('a photo named twice is indexed once, and the second is listed as an error', async () => {
    const [photo] = people(1);
    const { body } = await send('twice', [photo, { ...photo, s3_key: 'person 1.jpg' }]);
    assert.deepEqual([body.indexed, body.failed], [1, 1], whyNot());
    assert.equal(body.errors[0].code, 'invalid_parameter');
    assert.match(body.errors[0].error, /photo_id: must be given once/);
  });

  test('each bad photo is listed with its code, and the others are indexed', async () => {
    bucket.faults.set('/photos/person 1.jpg', Array(9).fill('cut body'));
    const photos = [
      ...people(2),
      { photo_id: 'gone', s3_key: 'gone.jpg' },
      { photo_id: 'outside', s3_key: '../a.jpg' },
      { photo_id: 'empty', s3_key: 'empty.jpg' },
      { photo_id: 'text', s3_key: 'text.jpg' },
    ];
    const { status: httpStatus, body } = await send('mixed', photos);
    assert.equal(httpStatus, 200);
    assert.deepEqual(batchAnswer.parse(body), body);
    assert.deepEqual([body.indexed, body.failed], [1, 5]);
    const codes = Object.fromEntries(
      body.errors.map((error: { photo_id: string; code: string }) => [error.photo_id, error.code]),
    );
    assert.deepEqual(codes, {
      'photo 1': 's3_unavailable',
      gone: 's3_object_not_found',
      outside: 's3_key_refused',
      empty: 'no_face',
      text: 'not_an_image',
    });
    assert.equal((await status('mixed')).photo_count, 1);
  });

  test('every photo is counted once by its status, each failed one by its code, and the request’s log line tells the faces', async () => {
    const before = await counts();
    bucket.faults.set('/photos/person 1.jpg', Array(9).fill('cut body'));
    await send('counted', [
      ...people(2),
      { photo_id: 'gone', s3_key: 'gone.jpg' },
      { photo_id: 'empty', s3_key: 'empty.jpg' },
      { photo_id: 'text', s3_key: 'text.jpg' },
    ]);
    const after = await counts();
    assert.deepEqual(differences(before, after), {
      facepass_index_duration_seconds_count: 1,
      'facepass_index_requests_total{status="200"}': 1,
      'facepass_index_requests_total{status="400"}': 3,
      'facepass_index_requests_total{status="503"}': 1,
      'facepass_problems_total{code="no_face"}': 1,
      'facepass_problems_total{code="not_an_image"}': 1,
      'facepass_problems_total{code="s3_object_not_found"}': 1,
      'facepass_problems_total{code="s3_unavailable"}': 1,
    });
    const line = service.log.findLast(({ route, msg }) => route === '/api/v1/index/batch' && msg === 'request');
    assert.deepEqual([line?.['status'], line?.['faces']], [200, 1]);
  });

  test('a call’s own photo that the bucket does not have is counted, too, and its problem once', async () => {
    const before = await counts();
    await service.call('POST', '/api/v1/index', {
      key: KEY,
      json: { session_id: 'single', photo_id: 'p', s3_key: 'gone.jpg' },
    });
    assert.deepEqual(differences(before, await counts()), {
      'facepass_index_requests_total{status="400"}': 1,
      'facepass_problems_total{code="s3_object_not_found"}': 1,
    });
  });

  test('with Accept: application/x-ndjson each photo is one line, written when it is done', async () => {
    const answer = await send('lines', [...people(5), { photo_id: 'empty', s3_key: 'empty.jpg' }], {
      headers: { Accept: 'application/x-ndjson' },
    });
    assert.match(answer.headers.get('content-type') ?? '', /^application\/x-ndjson/);
    const lines = String(answer.body)
      .trim()
      .split('\n')
      .map((line) => batchLine.parse(JSON.parse(line)));
    assert.deepEqual(lines.map(({ photo_id }) => photo_id).sort(), [
      'empty',
      'photo 0',
      'photo 1',
      'photo 2',
      'photo 3',
      'photo 4',
    ]);
    assert.deepEqual(
      lines.filter((line) => !line.indexed).map((line) => !line.indexed && line.code),
      ['no_face'],
    );
  });

  test('more photos under way than the inference server takes are waited for, none fails, and the same batch again changes nothing', async () => {
    const before = await counts();
    const first = await send('full', people(40));
    assert.deepEqual([first.body.indexed, first.body.failed], [40, 0], whyNot());
    assert.deepEqual(
      differences(before, await counts()),
      { facepass_index_duration_seconds_count: 40, 'facepass_index_requests_total{status="200"}': 40 },
      'a photo that waited is counted once, and not as failed',
    );
    const refused = await service.inference!.metric('facepass_inference_refused_total{reason="queue_full"}');
    assert.ok(refused > 0, 'the batch should have met a full queue, or this test shows nothing');
    const stored = await status('full');
    const again = await send('full', people(40));
    assert.deepEqual([again.body.indexed, again.body.failed], [40, 0], whyNot());
    const after = await status('full');
    assert.deepEqual([after.photo_count, after.face_count], [stored.photo_count, stored.face_count]);
    assert.equal(after.photo_count, 40);
  });

  test('an abort of the client stops the work', async () => {
    const leaving = new AbortController();
    const requests = bucket.requests.length;
    const batch = send('left', people(1000), { signal: leaving.signal, headers: { Accept: 'application/x-ndjson' } });
    while (!((await status('left')).photo_count > 2)) await new Promise(setImmediate);
    leaving.abort();
    await assert.rejects(batch);
    const isOver = () =>
      service.log.some((line) => line.route === '/api/v1/index/batch' && String(line.msg).includes('abandoned'));
    while (!isOver()) await new Promise(setImmediate);
    await service.inference!.metricReaches('facepass_inference_in_flight', (photos) => photos === 0);
    await service.inference!.metricReaches('facepass_inference_queue_depth', (photos) => photos === 0);
    const { photo_count } = await status('left');
    assert.ok(
      bucket.requests.length - requests < 1000,
      `${bucket.requests.length - requests} of 1000 photos were fetched`,
    );
    assert.equal((await status('left')).photo_count, photo_count);
  });

  test('rejects an empty, too long or malformed batch as a whole and names the place', async () => {
    for (const photos of [[], people(1001), 'all'])
      assert.equal((await send('bad', photos)).body.code, 'invalid_parameter');
    const { body } = await send('bad', [...people(1), { photo_id: '', s3_key: 'a' }]);
    assert.deepEqual(
      body.errors.map(({ field }: { field: string }) => field),
      ['photos.1.photo_id'],
    );
    assert.equal((await status('bad')).indexed, false);
  });

  test('once the process stops, photos not begun fail with the code that says to send them again', async () => {
    service.context.draining = true;
    const { body } = await send('stopping', people(3));
    service.context.draining = false;
    assert.deepEqual([body.indexed, body.failed], [0, 3]);
    assert.deepEqual(
      body.errors.map(({ code }: { code: string }) => code),
      Array(3).fill('stopping'),
    );
  });

  test('a batch of 1,000 photos does not grow the heap with its photos', { timeout: 600_000 }, async (t) => {
    const missing = Array.from({ length: 960 }, (_, n) => ({ photo_id: `missing ${n}`, s3_key: `text.jpg` }));
    bucket.objects.set('/photos/large.jpg', Buffer.concat([Buffer.from('no image'), Buffer.alloc(5_000_000)]));
    const large = Array.from({ length: 40 }, (_, n) => ({ photo_id: `large ${n}`, s3_key: 'large.jpg' }));
    let peak = 0;
    const sample = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 20);
    const before = process.memoryUsage().rss;
    const { body } = await send('thousand', [...missing, ...large]);
    clearInterval(sample);
    assert.deepEqual([body.indexed, body.failed, body.errors.length], [0, 1000, 1000]);
    t.diagnostic(`resident memory before ${(before / 2 ** 20).toFixed()} MiB, peak ${(peak / 2 ** 20).toFixed()} MiB`);
  });
});

/** Photos by status, those whose time is told, and problems by code, as a scrape tells them. */
function countsIn(text: string): Map<string, number> {
  return new Map(
    [
      ...text.matchAll(
        /^(facepass_(?:index_requests|problems)_total\{.*\}|facepass_index_duration_seconds_count) (\d+)$/gm,
      ),
    ].map(([, series, count]) => [series!, Number(count)]),
  );
}

function differences(before: Map<string, number>, after: Map<string, number>): Record<string, number> {
  return Object.fromEntries(
    [...after]
      .map(([series, count]) => [series, count - (before.get(series) ?? 0)] as const)
      .filter(([, more]) => more > 0)
      .sort(),
  );
}
