import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startInferenceProcess } from '../../../services/inference/tests/inference-process.ts';
import { benchPhotos } from './photos.ts';
import { measureResponsiveness } from './responsiveness.ts';

test('health checks and refusals are timed while every place is taken, and hardly a photo of the probe meets a free one', async () => {
  await using server = await startInferenceProcess({ INFERENCE_WORKERS: '1', INFERENCE_QUEUE_LIMIT: '3' });
  const measured = await measureResponsiveness(server, { photos: benchPhotos(), places: 4, seconds: 2 });
  for (const values of [measured.healthMs, measured.refusalMs]) {
    assert.ok(values.length > 10, `${values.length} answers`);
    assert.ok(values.every((value) => value > 0));
  }
  assert.ok(measured.admitted < measured.refusalMs.length, `${measured.admitted} of the probe's photos were let in`);
  for (const value of [measured.loopP50Ms, measured.loopP99Ms, measured.ownDelayP99Ms])
    assert.ok(Number.isFinite(value));
});
