import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { connectFaceClient } from './grpc-client.ts';
import { startInferenceProcess } from './inference-process.ts';
import { largePhoto, samplePhoto } from './photos.ts';

test('SIGTERM: health says so, photos under work and in the queue are finished, new calls are refused, exit code 0', async () => {
  await using server = await startInferenceProcess({ INFERENCE_WORKERS: '1' });
  using client = connectFaceClient(server.address);
  using watcher = connectFaceClient(server.address);
  const healths: number[] = [];
  const watching = (async () => {
    for await (const health of watcher.watchHealth()) {
      healths.push(health);
      if (health === 2) return;
    }
  })();
  await client.checkHealth();
  const photo = await largePhoto();
  const held = [1, 2, 3].map(() => client.detectFaces(photo));
  await server.metricReaches('facepass_inference_queue_depth', (depth) => depth === 2);

  server.child.kill('SIGTERM');
  await server.logged('stopping');
  await watching;
  assert.deepEqual(healths, [1, 2]);
  using late = connectFaceClient(server.address);
  await assert.rejects(late.detectFaces(await samplePhoto(1)), { code: status.UNAVAILABLE });
  for (const { faces } of await Promise.all(held)) assert.ok(faces.length > 0);
  assert.equal(await server.exited, 0);
});

test('calls that outlive the age of their connection are answered, and later ones find a new connection', async () => {
  await using server = await startInferenceProcess({ INFERENCE_WORKERS: '1', GRPC_MAX_CONNECTION_AGE_MS: '1000' });
  using client = connectFaceClient(server.address);
  const photo = await largePhoto();
  const held = [1, 2].map(() => client.detectFaces(photo));
  for (const { faces } of await Promise.all(held)) assert.ok(faces.length > 0);
  assert.ok((await client.detectFaces(await samplePhoto(1))).faces.length > 0);
});

test('wrong configuration ends the process with code 78 and names every mistake', async () => {
  await assert.rejects(
    startInferenceProcess({ INFERENCE_WORKERS: 'many', INFERENCE_LISTEN: 'here' }),
    /code 78[^]*INFERENCE_LISTEN[^]*INFERENCE_WORKERS/,
  );
  await assert.rejects(startInferenceProcess({ MODEL_PACK: 'no-such-pack' }), /code 78[^]*MODEL_PACK/);
});
