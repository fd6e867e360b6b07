import assert from 'node:assert/strict';
import { test } from 'node:test';
import { initialStatus, type Status } from '@facepass/contracts/facepass';
import { drawRelease, lineOf, type ShownFacepass } from './release-picture.ts';

const NOW = new Date('2026-11-23T22:00:00Z');
const spec = {
  traffic: {
    steps: [
      { weight: 10, hold: '1m' },
      { weight: 50, hold: '1m' },
      { weight: 100, hold: '1m' },
    ],
  },
};
const at = '2026-11-23T20:00:00Z';
const shifting: Status = {
  ...initialStatus(),
  phase: 'Shifting',
  reason: 'GateHolds',
  message: 'gate errors: 19 of 20 samples',
  trafficMode: 'Gateway',
  schemaVersion: 3,
  step: 2,
  steps: 3,
  weight: 50,
  observedWeight: 48.7,
  observedRequests: 812,
  stepDeadline: '2026-11-23T22:01:30Z',
  active: { revision: '1a2b3c4d', model: 'sface', number: 5, since: at },
  candidate: { revision: '5e6f7a8b', model: 'sface', number: 7, startedAt: at },
  gates: [
    { name: 'errors', result: 'hold', message: '19 of 20 samples', query: 'errors', at },
    { name: 'search-duration-p95', result: 'pass', value: 0.12345, limit: 0.5, message: '', query: 'duration', at },
  ],
  history: [
    {
      number: 6,
      revision: '99999999',
      result: 'rolled_back',
      reason: 'GateFailed',
      message: '',
      startedAt: '2026-11-23T20:00:00Z',
      finishedAt: '2026-11-23T20:01:00Z',
    },
  ],
};
const facepass = (status?: Status, more: object = {}): ShownFacepass => ({
  metadata: { name: 'photos', namespace: 'events', generation: 3 },
  spec: { ...spec, ...more },
  status,
});

test('a release in progress shows its shares, its step and what it waits for', () => {
  assert.equal(
    drawRelease(facepass(shifting), NOW),
    `photos in events · Gateway mode · schema 3

  active     1a2b3c4d  sface     ████████████░░░░░░░░░░░░  50 %
  candidate  5e6f7a8b  sface     ████████████░░░░░░░░░░░░  50 %   observed 48.7 % of 812 requests

  ✓ Migrating  ✓ Starting  ✓ Testing  ✓ 10 %  ▸ 50 %  · 100 %
Shifting (GateHolds): gate errors: 19 of 20 samples  (90 s until its deadline)

gates
  … errors               19 of 20 samples
  ✓ search-duration-p95  0.123 (maximum 0.5)

earlier releases
  #6  99999999  rolled back (GateFailed)  2026-11-23T20:01:00Z, after 60 s`,
  );
  assert.equal(
    lineOf(facepass(shifting)),
    'Shifting 5e6f7a8b 50 % (observed 48.7 %) GateHolds: gate errors: 19 of 20 samples',
  );
});

test('a release that is paused, late, rolling back or not yet reconciled says so', () => {
  assert.match(drawRelease(facepass(shifting, { paused: true }), NOW), /^PAUSED {2}Shifting/m);
  assert.match(
    drawRelease(facepass({ ...shifting, stepDeadline: '2026-11-23T21:59:00Z' }), NOW),
    /60 s past its deadline/,
  );
  assert.match(drawRelease(facepass({ ...shifting, phase: 'RollingBack' }), NOW), /^ {2}◂ RollingBack$/m);
  assert.match(drawRelease(facepass(), NOW), /has not reconciled it yet/);
});

test('without a release the active revision has all traffic, and no steps are shown', () => {
  const { candidate, gates, history, ...rest } = shifting;
  const picture = drawRelease(
    facepass({
      ...rest,
      gates: [],
      history: [],
      phase: 'Stable',
      reason: 'Stable',
      weight: 0,
      message: 'revision 1a2b3c4d has all the traffic',
    }),
    NOW,
  );
  assert.ok(candidate && gates && history);
  assert.match(picture, /active {5}1a2b3c4d {2}sface {5}█{24} 100 %/);
  assert.match(picture, /^Stable: revision/m);
  assert.doesNotMatch(picture, /candidate|gates|Migrating/);
});
