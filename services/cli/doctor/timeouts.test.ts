import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TIMEOUT_DEFAULTS } from '@facepass/contracts/timeouts';
import { examineTimeouts } from './timeouts.ts';

test('the defaults of the timeouts fit each other', () => {
  assert.deepEqual(examineTimeouts(TIMEOUT_DEFAULTS), [{ what: 'timeouts' }]);
  assert.deepEqual(examineTimeouts({}), []);
});

test('a timeout that contradicts a default or another one is named with its value and a fix', () => {
  const [drain, ...others] = examineTimeouts({ DRAIN_DELAY_MS: 60_000, DRAIN_TIMEOUT_MS: 20_000 });
  assert.match(drain?.fault ?? '', /DRAIN_DELAY_MS is 60000 and DRAIN_TIMEOUT_MS is 20000, so the API exits before/);
  assert.match(drain?.mend ?? '', /Lower DRAIN_DELAY_MS to 20000, or raise DRAIN_TIMEOUT_MS/);
  assert.equal(others.length, 1, 'nor is there time for a search');
  const faultsOf = (set: Parameters<typeof examineTimeouts>[0]) => examineTimeouts(set).map(({ what }) => what);
  assert.deepEqual(faultsOf({ INFERENCE_INDEX_TIMEOUT_MS: 10_000 }), [
    'timeouts INFERENCE_TIMEOUT_MS and INFERENCE_INDEX_TIMEOUT_MS',
    'timeouts INFERENCE_IMAGE_TIMEOUT_MS and INFERENCE_INDEX_TIMEOUT_MS',
  ]);
  assert.deepEqual(faultsOf({ INFERENCE_TIMEOUT_MS: 42_000 }), ['timeouts INFERENCE_TIMEOUT_MS and DRAIN_TIMEOUT_MS']);
  assert.deepEqual(faultsOf({ S3_TRANSFER_TIMEOUT_MS: 1000 }), [
    'timeouts S3_CONNECT_TIMEOUT_MS and S3_TRANSFER_TIMEOUT_MS',
    'timeouts S3_REQUEST_TIMEOUT_MS and S3_TRANSFER_TIMEOUT_MS',
  ]);
});
