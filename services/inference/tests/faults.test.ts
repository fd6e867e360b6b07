import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { connectFaceClient } from './grpc-client.ts';
import { startInferenceProcess } from './inference-process.ts';
import { largePhoto, samplePhoto } from './photos.ts';
import { faultFile } from './worker-fault.ts';

test('a worker that dies fails only the photo it held, and is replaced', async () => {
  const { fault, environment } = await faultFile();
  await using server = await startInferenceProcess({ INFERENCE_WORKERS: '2', ...environment });
  using client = connectFaceClient(server.address);
  const photo = await largePhoto();
  const other = client.detectFaces(photo);
  await server.metricReaches('facepass_inference_in_flight', (busy) => busy === 1);
  await writeFile(fault, 'on photo');
  await assert.rejects(client.detectFaces(photo), { code: status.UNAVAILABLE });
  await rm(fault);
  assert.ok((await other).faces.length > 0);
  await server.metricReaches('facepass_inference_workers_ready', (ready) => ready === 2);
  assert.equal(await server.metric('facepass_inference_worker_restarts_total'), 1);
  const answers = await Promise.all([1, 2, 3].map(async () => client.detectFaces(await samplePhoto(1))));
  for (const { faces } of answers) assert.ok(faces.length > 0);
});

test('a server whose only worker is gone says NOT_SERVING, and ends when no worker can start again', async () => {
  const { fault, environment } = await faultFile();
  await using server = await startInferenceProcess({ INFERENCE_WORKERS: '1', ...environment });
  using client = connectFaceClient(server.address);
  await writeFile(fault, 'on photo, on start');
  await assert.rejects(client.detectFaces(await samplePhoto(1)), { code: status.UNAVAILABLE });
  assert.equal(await client.checkHealth(), 2);
  await assert.rejects(client.detectFaces(await samplePhoto(1)), { code: status.UNAVAILABLE });
  assert.equal((await fetch(`http://127.0.0.1:${server.metricsPort}/readyz`)).status, 503);
  assert.equal(await server.exited, 1);
  assert.match(String(((await server.logged('unhandled error'))['err'] as Error).message), /times in a row/);
});

test('a photo over its time limit is given up, and its worker replaced, as often as it happens: no death of its own', async () => {
  await using server = await startInferenceProcess({ INFERENCE_WORKERS: '1', INFERENCE_IMAGE_TIMEOUT_MS: '100' });
  using client = connectFaceClient(server.address);
  const photo = await largePhoto();
  for (let timeouts = 1; timeouts <= 6; timeouts++) {
    await assert.rejects(client.detectFaces(photo), { code: status.DEADLINE_EXCEEDED, details: /100 ms/ });
    await server.metricReaches('facepass_inference_worker_restarts_total', (restarts) => restarts === timeouts);
    await server.metricReaches('facepass_inference_workers_ready', (ready) => ready === 1);
  }
});

test('a server killed mid-request leaves UNAVAILABLE, and serves again on the same UNIX socket', async () => {
  const socket = `unix:${join(await mkdtemp(join(tmpdir(), 'facepass-')), 'inference.sock')}`;
  using client = connectFaceClient(socket);
  {
    await using server = await startInferenceProcess({ INFERENCE_LISTEN: socket, INFERENCE_WORKERS: '1' });
    assert.equal(server.address, socket);
    const call = assert.rejects(client.detectFaces(await largePhoto()), { code: status.UNAVAILABLE });
    await server.metricReaches('facepass_inference_in_flight', (busy) => busy === 1);
    server.child.kill('SIGKILL');
    await call;
  }
  await using again = await startInferenceProcess({ INFERENCE_LISTEN: socket, INFERENCE_WORKERS: '1' });
  using fresh = connectFaceClient(socket);
  assert.ok((await fresh.detectFaces(await samplePhoto(1))).faces.length > 0);
  await assert.rejects(startInferenceProcess({ INFERENCE_LISTEN: socket }), /Another server is listening/);
  assert.equal(again.child.exitCode, null);
});

test('at the address of all, it is reached over IPv4 and IPv6, on both ports', async () => {
  await using server = await startInferenceProcess({ INFERENCE_LISTEN: '[::]:0', HOST: '', INFERENCE_WORKERS: '1' });
  const port = server.address.replace('[::]:', '');
  for (const host of ['127.0.0.1', '[::1]']) {
    using client = connectFaceClient(`${host}:${port}`);
    assert.equal(await client.checkHealth(), 1);
    assert.equal((await fetch(`http://${host}:${server.metricsPort}/readyz`)).status, 200);
  }
});
