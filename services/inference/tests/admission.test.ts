import assert from 'node:assert/strict';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { getPriority } from 'node:os';
import { test } from 'node:test';
import { status, type ServiceError } from '@grpc/grpc-js';
import { RETRY_AFTER_TRAILER } from '@facepass/contracts/trailers';
import { connectFaceClient } from './grpc-client.ts';
import { startInferenceProcess } from './inference-process.ts';
import { samplePhoto } from './photos.ts';
import { faultFile } from './worker-fault.ts';

test('a full server refuses at once, says when to come back, and still answers health checks', async () => {
  const { fault, environment } = await faultFile();
  await using server = await startInferenceProcess({
    INFERENCE_WORKERS: '1',
    INFERENCE_QUEUE_LIMIT: '2',
    ...environment,
  });
  using client = connectFaceClient(server.address);
  await client.detectFaces(await samplePhoto(1));
  const photo = await samplePhoto(1);
  await writeFile(fault, 'hold');
  const admitted = [1, 2, 3].map(() => client.detectFaces(photo));
  await server.metricReaches('facepass_inference_queue_depth', (depth) => depth === 2);
  const refusal = await client.detectFaces(photo).then(
    () => assert.fail('a fourth photo was let in'),
    (error: ServiceError) => error,
  );
  assert.equal(refusal.code, status.RESOURCE_EXHAUSTED);
  assert.ok(Number(refusal.metadata.get(RETRY_AFTER_TRAILER)[0]) > 0);
  assert.equal(await client.checkHealth(), 1);
  assert.equal(await server.metric('facepass_inference_refused_total{reason="queue_full"}'), 1);
  assert.equal(await server.metric('facepass_inference_queue_capacity'), 2);
  await rm(fault);
  for (const { faces } of await Promise.all(admitted)) assert.ok(faces.length > 0);
  assert.ok((await client.detectFaces(await samplePhoto(1))).faces.length > 0);
});

test('photos whose caller left or whose deadline passed cost no work', async () => {
  const { fault, environment } = await faultFile();
  await using server = await startInferenceProcess({
    INFERENCE_WORKERS: '1',
    INFERENCE_QUEUE_LIMIT: '8',
    ...environment,
  });
  using client = connectFaceClient(server.address);
  const photo = await samplePhoto(1);
  await writeFile(fault, 'hold');
  const worked = [1, 2, 3, 4, 5, 6].map(() => client.detectFaces(photo));
  const leaving = new AbortController();
  const cancelled = assert.rejects(client.detectFaces(photo, { signal: leaving.signal }), { code: status.CANCELLED });
  await server.metricReaches('facepass_inference_queue_depth', (depth) => depth === 6);
  const expired = assert.rejects(client.detectFaces(photo, { deadlineMs: 10_000 }), { code: status.DEADLINE_EXCEEDED });
  await server.metricReaches('facepass_inference_queue_depth', (depth) => depth === 7);
  leaving.abort();
  await Promise.all([cancelled, expired]);
  await server.metricReaches('facepass_inference_dropped_total', (dropped) => dropped === 2);
  await rm(fault);
  await Promise.all(worked);
  await server.metricReaches('facepass_inference_requests_total{code="OK"}', (answered) => answered === 6);
  assert.equal(await server.metric('facepass_inference_stage_seconds_count{stage="detect"}'), 6);
  await server.metricReaches('facepass_inference_requests_total{code="CANCELLED"}', (calls) => calls === 1);
  await server.metricReaches('facepass_inference_requests_total{code="DEADLINE_EXCEEDED"}', (calls) => calls === 1);
});

test('memory is bounded by the places, not by the callers', async () => {
  await using server = await startInferenceProcess({ INFERENCE_WORKERS: '1', INFERENCE_QUEUE_LIMIT: '2' });
  const clients = Array.from({ length: 30 }, () => connectFaceClient(server.address));
  await clients[0]!.detectFaces(await samplePhoto(1));
  const before = await server.metric('process_resident_memory_bytes');
  const padded = Buffer.concat([await samplePhoto(1), Buffer.alloc(8 * 1024 * 1024, 'x')]);
  for (const flood of [1, 2]) {
    const ends = await Promise.allSettled(clients.map((client) => client.detectFaces(padded)));
    const refused = ends.filter(
      (end) => end.status === 'rejected' && (end.reason as ServiceError).code === status.RESOURCE_EXHAUSTED,
    );
    assert.ok(refused.length > 0, `flood ${flood} was let in`);
  }
  const growth = ((await server.metric('process_resident_memory_bytes')) - before) / 1024 / 1024;
  assert.ok(growth < 240, `grew by ${Math.round(growth)} MB, as much as the 30 photos of a flood weigh`);
  assert.ok(
    (await server.metric('nodejs_heap_space_size_total_bytes{space="new"}')) < 4e6,
    'the nursery grew: long pauses',
  );
  for (const client of clients) client[Symbol.dispose]();
});

test(
  'the worker threads give way to the thread that answers',
  { skip: process.platform === 'linux' ? false : 'only Linux has a priority for each thread' },
  async () => {
    await using server = await startInferenceProcess({ INFERENCE_WORKERS: '2' });
    const threads = await readdir(`/proc/${server.child.pid}/task`);
    const main = getPriority(server.child.pid!);
    assert.equal(main, getPriority());
    const lowered = threads.filter((thread) => getPriority(Number(thread)) === Math.min(19, main + 5));
    assert.ok(lowered.length >= 2, `${lowered.length} threads give way`);
  },
);

test(
  'a system that forbids a change of priority is served, and one line says so',
  { skip: process.platform === 'linux' ? false : 'only Linux has a priority for each thread' },
  async () => {
    const { fault, environment } = await faultFile();
    await writeFile(fault, 'no priority');
    await using server = await startInferenceProcess({ INFERENCE_WORKERS: '2', ...environment });
    using client = connectFaceClient(server.address);
    assert.ok((await client.detectFaces(await samplePhoto(1))).faces.length > 0);
    assert.equal(
      (await server.logged('workers keep normal priority: health checks may be late under full load'))['reason'],
      'setPriority is not allowed',
    );
  },
);
