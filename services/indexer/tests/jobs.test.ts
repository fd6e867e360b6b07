import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { job as jobSchema, jobPhotosAnswer, jobsAnswer, type Job } from '@facepass/contracts/http';
import pg from 'pg';
import { startApiProcess } from '../../api/tests/api-process.ts';
import { emptyScene, PEOPLE, portrait } from '../../api/tests/people.ts';
import { noPgbouncer, startPgBouncer } from '../../api/tests/pgbouncer.ts';
import { s3Environment, startS3Server, type S3Server } from '../../api/tests/s3-server.ts';
import { callApi, INDEX_KEY, KEY, startTestService, type TestService } from '../../api/tests/service.ts';
import { startIndexerProcess, type IndexerProcess } from './indexer.ts';

describe('jobs', () => {
  let bucket: S3Server;
  let service: TestService;
  let database: pg.Pool;
  const indexers: IndexerProcess[] = [];
  before(async () => {
    bucket = await startS3Server();
    service = await startTestService({ environment: s3Environment(bucket) });
    database = new pg.Pool({ connectionString: service.database.url, max: 1 });
    for (let person = 0; person < PEOPLE; person += 1)
      bucket.objects.set(`/photos/person ${person}.jpg`, await portrait(person));
    bucket.objects.set('/photos/empty.jpg', await emptyScene());
    bucket.objects.set('/photos/text.jpg', Buffer.from('not an image at all'));
  });
  after(async () => {
    await database?.end();
    await service?.[Symbol.asyncDispose]();
    await bucket?.[Symbol.asyncDispose]();
  });
  beforeEach(() => bucket.faults.clear());
  afterEach(async () => {
    for (const indexer of indexers.splice(0)) await indexer[Symbol.asyncDispose]();
  });

  const people = (count: number) =>
    Array.from({ length: count }, (_, n) => ({ photo_id: `photo ${n}`, s3_key: `person ${n % PEOPLE}.jpg` }));
  const startIndexer = async (environment: Record<string, string> = {}) => {
    const indexer = await startIndexerProcess({
      DATABASE_URL: service.database.url,
      DATABASE_POOL_SIZE: service.database.engine === 'embedded' ? '1' : '10',
      INFERENCE_ADDRESS: service.inference!.address,
      ...s3Environment(bucket),
      ...environment,
    });
    indexers.push(indexer);
    return indexer;
  };
  const create = async (json: object, headers: Record<string, string> = {}) => {
    const answer = await service.call('POST', '/api/v1/jobs', { key: KEY, json, headers });
    if (answer.status === 202) jobSchema.parse(answer.body);
    return answer;
  };
  const look = async (id: string): Promise<Job> => {
    const { body } = await service.call('GET', `/api/v1/jobs/${id}`, { key: KEY });
    const job = jobSchema.parse(body);
    assert.equal(job.pending + job.indexed + job.without_face + job.failed + job.cancelled, job.total);
    return job;
  };
  const until = async (id: string, holds: (job: Job) => boolean): Promise<Job> => {
    for (;;) {
      const job = await look(id);
      if (holds(job)) return job;
      await delay(100);
    }
  };
  const ended = (id: string) => until(id, (job) => job.ended_at !== null);
  const photosOf = async (id: string, query = '') =>
    jobPhotosAnswer.parse((await service.call('GET', `/api/v1/jobs/${id}/photos?${query}`, { key: KEY })).body);
  const facesOf = async (session: string) =>
    (
      await database.query(
        'select photo_id, face_index, box, confidence, quality, model_id, embedding::text from faces where session_id = $1 order by 1, 2',
        [session],
      )
    ).rows;

  test('a job is accepted before its photos are, worked off, and tells of each how it ended', async () => {
    const photos = [
      ...people(3),
      { photo_id: 'gone', s3_key: 'gone.jpg' },
      { photo_id: 'outside', s3_key: '../a.jpg' },
      { photo_id: 'empty', s3_key: 'empty.jpg' },
      { photo_id: 'text', s3_key: 'text.jpg' },
    ];
    const { status, body, headers } = await create({ session_id: 'mixed', photos: [...photos, photos[0]] });
    assert.equal(status, 202);
    assert.equal(headers.get('location'), `/api/v1/jobs/${body.job_id}`);
    assert.deepEqual([body.state, body.total, body.pending], ['running', 7, 7], 'a photo sent twice is one');
    await startIndexer();
    const job = await ended(body.job_id);
    assert.deepEqual([job.state, job.indexed, job.without_face, job.failed], ['finished', 3, 1, 3]);
    const failed = await photosOf(body.job_id, 'state=failed&limit=2');
    assert.deepEqual(
      failed.photos.map(({ photo_id, code }) => [photo_id, code]),
      [
        ['gone', 's3_object_not_found'],
        ['outside', 's3_key_refused'],
      ],
    );
    const rest = await photosOf(body.job_id, `state=failed&limit=2&cursor=${failed.next_cursor}`);
    assert.deepEqual([rest.photos.map(({ code }) => code), rest.next_cursor], [['not_an_image'], null]);
    const { body: list } = await service.call('GET', '/api/v1/jobs?session_id=mixed', { key: KEY });
    assert.deepEqual(
      jobsAnswer.parse(list).jobs.map(({ job_id }) => job_id),
      [body.job_id],
    );

    bucket.objects.set('/photos/gone.jpg', bucket.objects.get('/photos/person 3.jpg')!);
    const retried = await service.call('POST', `/api/v1/jobs/${body.job_id}/retry`, { key: KEY });
    assert.deepEqual([retried.status, retried.body.pending], [202, 3]);
    const again = await ended(body.job_id);
    assert.deepEqual([again.indexed, again.failed], [4, 2]);
    bucket.objects.delete('/photos/gone.jpg');
  });

  test('a bucket and an inference server that are away leave photos pending, however often they are tried', async () => {
    const { body } = await create({ session_id: 'away', photos: people(4) });
    // Three a transfer; the photos behind the first two are left for later.
    for (const { s3_key } of people(2)) bucket.faults.set(`/photos/${s3_key}`, Array(6).fill('internal'));
    const stranded = await startIndexer({ INFERENCE_ADDRESS: '127.0.0.1:1' });
    await until(body.job_id, () => [...bucket.faults.values()].every((faults) => faults.length === 0));
    while (!/photos_total{state="deferred"} [5-9]/.test(await (await fetch(`${stranded.metricsUrl}/metrics`)).text()))
      await delay(100);
    assert.equal((await look(body.job_id)).pending, 4);
    await indexers.pop()![Symbol.asyncDispose]();
    await startIndexer();
    const job = await ended(body.job_id);
    assert.deepEqual([job.state, job.indexed], ['finished', 4]);
  });

  test('an indexer killed at any moment loses nothing and makes nothing twice', async () => {
    const photos = people(15);
    const clean = await create({ session_id: 'clean', photos });
    const first = await startIndexer();
    await ended(clean.body.job_id);
    await first[Symbol.asyncDispose]();

    const { body } = await create({ session_id: 'killed', photos });
    for (let kill = 0; kill < 3; kill += 1) {
      const indexer = await startIndexer();
      const { indexed } = await look(body.job_id);
      await until(body.job_id, (job) => job.indexed > indexed || job.ended_at !== null);
      indexer.child.kill('SIGKILL');
      await indexer.exited;
      // What a dead indexer had taken goes to another once its heartbeat is stale; a minute less to wait.
      await database.query(
        `update facepass_queue.job set heartbeat_on = heartbeat_on - interval '1 minute' where state = 'active'`,
      );
    }
    await startIndexer();
    const job = await ended(body.job_id);
    assert.deepEqual([job.state, job.total, job.indexed], ['finished', 15, 15]);
    assert.deepEqual(await facesOf('killed'), await facesOf('clean'));
    const { rows } = await database.query('select photo_count, face_count from sessions where session_id = $1', [
      'killed',
    ]);
    assert.deepEqual(rows, [{ photo_count: 15, face_count: 15 }]);
  });

  test('an indexer that is told to stop gives back at once what it works on', async () => {
    const { body } = await create({ session_id: 'stopped', photos: people(8) });
    const indexer = await startIndexer();
    await until(body.job_id, (job) => job.indexed > 0);
    indexer.child.kill('SIGTERM');
    assert.equal(await indexer.exited, 0);
    const { rows } = await database.query(
      `select count(*)::integer as held from facepass_queue.job where state = 'active'`,
    );
    assert.equal(rows[0].held, 0);
    await startIndexer();
    assert.equal((await ended(body.job_id)).indexed, 8);
  });

  test('a session erased while its job runs stays erased, and the rest is cancelled', async () => {
    const { body } = await create({ session_id: 'erased', photos: people(30) });
    await startIndexer();
    await until(body.job_id, (job) => job.indexed > 0);
    assert.equal((await service.call('DELETE', '/api/v1/index/erased', { key: KEY })).status, 200);
    const job = await ended(body.job_id);
    assert.equal(job.state, 'cancelled');
    assert.ok(job.cancelled > 0);
    assert.deepEqual(await facesOf('erased'), []);
    assert.equal(
      (await service.call('POST', `/api/v1/jobs/${body.job_id}/retry`, { key: KEY })).body.code,
      'job_cancelled',
    );
  });

  test('a photo erased while its job waits does not come back', async () => {
    await service.call('POST', '/api/v1/index', { key: KEY, json: { session_id: 'one gone', ...people(1)[0] } });
    const { body } = await create({ session_id: 'one gone', photos: people(2) });
    await service.call('DELETE', '/api/v1/index/one%20gone/photos/photo%200', { key: KEY });
    await startIndexer();
    const job = await ended(body.job_id);
    assert.deepEqual([job.indexed, job.cancelled], [1, 1]);
    assert.deepEqual(
      (await facesOf('one gone')).map(({ photo_id }) => photo_id),
      ['photo 1'],
    );
  });

  test('sessions take turns: ten photos do not wait for the hundreds before them', async () => {
    const large = await create({ session_id: 'large', photos: people(200) });
    await startIndexer({ INDEXER_CONCURRENCY: '1' });
    await until(large.body.job_id, (job) => job.indexed > 0);
    const small = await create({ session_id: 'small', photos: people(3) });
    await ended(small.body.job_id);
    const { body } = await service.call('DELETE', `/api/v1/jobs/${large.body.job_id}`, { key: KEY });
    assert.ok(body.indexed < 100, `${body.indexed} of the large job came first`);
    assert.equal(body.state, 'cancelled');
    assert.equal(body.pending, 0);
    await delay(1500);
    assert.ok((await look(large.body.job_id)).indexed <= body.indexed + 1);
  });

  test('a prefix is listed page by page, and only photos are taken', async () => {
    const keys = Array.from({ length: 13 }, (_, n) => `wedding/IMG_${String(n).padStart(4, '0')}.JPG`);
    for (const [n, key] of keys.entries())
      bucket.objects.set(`/photos/${key}`, bucket.objects.get(`/photos/person ${n % PEOPLE}.jpg`)!);
    bucket.objects.set('/photos/wedding/notes.txt', Buffer.from('notes'));
    const { body } = await create({ session_id: 'listed', s3_prefix: 'wedding/' });
    assert.equal(body.state, 'listing');
    await startIndexer();
    const job = await ended(body.job_id);
    assert.deepEqual([job.state, job.total, job.indexed], ['finished', 13, 13]);
    assert.deepEqual(
      (await facesOf('listed')).map(({ photo_id }) => photo_id),
      keys,
    );
    const none = await create({ session_id: 'nothing', s3_prefix: 'nobody/' });
    assert.deepEqual([(await ended(none.body.job_id)).state, (await look(none.body.job_id)).total], ['finished', 0]);
  });

  test('a bucket that may not be listed ends the job with its code, and a retry lists it again', async () => {
    bucket.faults.set('/photos/', Array(3).fill('denied'));
    bucket.faults.set('/photos', Array(3).fill('denied'));
    const { body } = await create({ session_id: 'denied', s3_prefix: 'person ' });
    await startIndexer();
    const job = await ended(body.job_id);
    assert.deepEqual([job.state, job.code], ['failed', 's3_access_denied']);
    bucket.faults.clear();
    await service.call('POST', `/api/v1/jobs/${body.job_id}/retry`, { key: KEY });
    assert.deepEqual([(await ended(body.job_id)).state, (await look(body.job_id)).indexed], ['finished', PEOPLE]);
  });

  test('an Idempotency-Key makes one job of two requests, and refuses other content', async () => {
    const headers = { 'Idempotency-Key': randomUUID() };
    const request = { session_id: 'idempotent', photos: people(2) };
    const [one, two] = await Promise.all([create(request, headers), create(request, headers)]);
    assert.equal(one.body.job_id, two.body.job_id);
    assert.equal((await create(request, headers)).body.job_id, one.body.job_id);
    const other = await create({ ...request, photos: people(3) }, headers);
    assert.deepEqual([other.status, other.body.code], [409, 'idempotency_key_reused']);
    const { rows } = await database.query(`select count(*)::integer as jobs from jobs where session_id = 'idempotent'`);
    assert.equal(rows[0].jobs, 1);
  });

  test('100,000 photos come as lines, and the memory of the API stays flat', { timeout: 300_000 }, async (t) => {
    // A process of its own: the one of this test makes the lines.
    await using api = await startApiProcess({
      DATABASE_URL: service.database.url,
      DATABASE_POOL_SIZE: service.database.engine === 'embedded' ? '1' : '10',
      ...s3Environment(bucket),
    });
    const memory = async () =>
      Number(/^process_resident_memory_bytes (\d+)/m.exec(await (await fetch(`${api.metricsUrl}/metrics`)).text())![1]);
    const send = async (session: string, count: number) => {
      const answer = await callApi(api.url, 'POST', '/api/v1/jobs', {
        key: KEY,
        headers: { 'Content-Type': 'application/x-ndjson' },
        body: linesOfPhotos(session, count),
        duplex: 'half',
      });
      assert.deepEqual([answer.status, answer.body.total, answer.body.pending], [202, count, count]);
      const cancelled = await callApi(api.url, 'DELETE', `/api/v1/jobs/${answer.body.job_id}`, { key: KEY });
      assert.equal(cancelled.body.cancelled, count);
    };
    await send('streamed before', 10_000);
    const before = await memory();
    let peak = before;
    const sampler = setInterval(() => void memory().then((bytes) => (peak = Math.max(peak, bytes))), 100);
    const began = performance.now();
    await send('streamed', 100_000).finally(() => clearInterval(sampler));
    const seconds = (performance.now() - began) / 1000;
    t.diagnostic(`${Math.round(100_000 / seconds)} photos/s; resident ${mib(before)} MiB, peak ${mib(peak)} MiB`);
    assert.ok(peak - before < 64 * 1024 * 1024, `${mib(peak - before)} MiB more`);
  });

  test('PgBouncer in transaction mode may stand between', { skip: noPgbouncer }, async () => {
    await using pooler = await startPgBouncer(service.database.url, { pool_mode: 'transaction' });
    await using api = await startApiProcess({ DATABASE_URL: pooler.url, ...s3Environment(bucket) });
    const photos = people(20);
    const { status, body } = await callApi(api.url, 'POST', '/api/v1/jobs', {
      key: KEY,
      json: { session_id: 'pooled', photos },
    });
    assert.equal(status, 202);
    await startIndexer({ DATABASE_URL: pooler.url });
    assert.equal((await ended(body.job_id)).indexed, 20);
  });

  test('a bad line names itself, and leaves no job', async () => {
    const send = (body: string) =>
      service.call('POST', '/api/v1/jobs', { key: KEY, headers: { 'Content-Type': 'application/x-ndjson' }, body });
    const head = JSON.stringify({ session_id: 'bad lines' });
    const photo = JSON.stringify(people(1)[0]);
    assert.match((await send(`${head}\n${photo}\n{"photo_id":"a"}\n`)).body.detail, /line 3: s3_key/);
    assert.equal((await send(`${head}\n{`)).body.code, 'malformed_body');
    assert.match((await send(`${head}\n`)).body.detail, /photos: must be 1 to 100000/);
    assert.equal((await send(`${head}\n${photo.padEnd(20_000)}\n`)).body.code, 'body_too_large');
    assert.equal((await send(`{"session":1}\n`)).body.code, 'invalid_parameter');
    const { rows } = await database.query(`select count(*)::integer as jobs from jobs where session_id = 'bad lines'`);
    assert.equal(rows[0].jobs, 0);
  });

  test('neither or both of photos and a prefix are refused, and unknown jobs are not found', async () => {
    for (const more of [{}, { photos: people(1), s3_prefix: 'a/' }, { photos: [] }])
      assert.equal((await create({ session_id: 's', ...more })).body.code, 'invalid_parameter');
    for (const [method, path] of [
      ['GET', ''],
      ['GET', '/photos'],
      ['GET', '/events'],
      ['POST', '/retry'],
      ['DELETE', ''],
    ] as const) {
      const answer = await service.call(method, `/api/v1/jobs/${randomUUID()}${path}`, { key: KEY });
      assert.deepEqual([answer.status, answer.body.code], [404, 'job_not_found']);
    }
    assert.equal((await service.call('GET', '/api/v1/jobs/7', { key: KEY })).body.code, 'invalid_parameter');
    assert.equal((await service.call('GET', '/api/v1/jobs?session_id=s')).body.code, 'api_key_required');
    assert.equal((await service.call('GET', '/api/v1/jobs?session_id=s', { key: INDEX_KEY })).status, 200);
  });

  test('the events of a job tell its progress until it has ended', async () => {
    const { body } = await create({ session_id: 'events', photos: people(2) });
    const events = callApi(service.url, 'GET', `/api/v1/jobs/${body.job_id}/events`, { key: KEY });
    await startIndexer();
    const answer = await events;
    assert.match(answer.headers.get('content-type')!, /^text\/event-stream/);
    const told = [...answer.body.matchAll(/^event: job\ndata: (.*)$/gm)].map(([, data]) =>
      jobSchema.parse(JSON.parse(data)),
    );
    assert.deepEqual([told[0]!.state, told.at(-1)!.state, told.at(-1)!.indexed], ['running', 'finished', 2]);
  });

  test('what was queued and called off is in the audit log, with the key’s name', async () => {
    const { body } = await create({ session_id: 'audited', photos: people(1) });
    await service.call('DELETE', `/api/v1/jobs/${body.job_id}`, { key: INDEX_KEY });
    const { rows } = await database.query(
      `select actor, action from audit_log where session_id = 'audited' order by id`,
    );
    assert.deepEqual(rows, [
      { actor: 'photographer', action: 'create_job' },
      { actor: 'indexer', action: 'cancel_job' },
    ]);
  });

  test('the indexer’s metrics and probes tell what waits', async () => {
    const { body } = await create({
      session_id: 'measured',
      photos: [...people(1), { photo_id: 'gone', s3_key: 'gone.jpg' }],
    });
    const indexer = await startIndexer();
    await ended(body.job_id);
    assert.equal((await fetch(`${indexer.metricsUrl}/readyz`)).status, 200);
    const metrics = await (await fetch(`${indexer.metricsUrl}/metrics`)).text();
    assert.match(metrics, /^facepass_job_photos_total\{state="indexed"\} 1$/m);
    assert.match(metrics, /^facepass_job_photos_total\{state="failed"\} 1$/m);
    assert.match(metrics, /^facepass_job_photos_pending \d+$/m);
  });
});

function linesOfPhotos(session_id: string, count: number): ReadableStream<Uint8Array> {
  let next = 0;
  return new ReadableStream({
    pull(controller) {
      if (next === 0) controller.enqueue(Buffer.from(`${JSON.stringify({ session_id })}\n`));
      const lines = Array.from({ length: Math.min(500, count - next) }, () =>
        JSON.stringify({ photo_id: `photo ${next++}`, s3_key: `wedding/IMG_${next}.jpg` }),
      );
      controller.enqueue(Buffer.from(`${lines.join('\n')}\n`));
      if (next === count) controller.close();
    },
  });
}

function mib(bytes: number): number {
  return Math.round(bytes / 1024 / 1024);
}
