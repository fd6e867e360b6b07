import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEvents } from './metrics.ts';

test('a process that has had no call is a series at zero, for the alert that compares the processes', async () => {
  const { registry, callEnded } = createEvents({
    queueCapacity: 1,
    queueDepth: () => 0,
    inFlight: () => 0,
    workersReady: () => 1,
  });
  const series = async () =>
    (await registry.metrics()).split('\n').filter((line) => line.startsWith('facepass_inference_requests_total'));
  assert.deepEqual(await series(), ['facepass_inference_requests_total{code="OK"} 0']);
  callEnded('OK');
  assert.deepEqual(await series(), ['facepass_inference_requests_total{code="OK"} 1']);
});
