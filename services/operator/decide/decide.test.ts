import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from './decide.ts';
import { initialStatus, type Status } from '@facepass/contracts/facepass';
import { weightsOf, type Observation } from './observation.ts';
import { gate, MINUTE, READY, releasing, retaining, seen, specOf, stable, START, UNREADY } from '../tests/world.ts';

/** One line a case: what is, what is seen, and what follows of it. */
interface Case {
  is: Status;
  sees?: Partial<Observation>;
  becomes: {
    phase: Status['phase'];
    reason?: string;
    weight?: number;
    active?: string | null;
    candidate?: string | null;
    verdict?: string | null;
  };
}

const after = (minutes: number): Partial<Observation> => ({ now: START + minutes * MINUTE });
const pairs = (green: Observation['pairs'][string], blue = READY) => ({ pairs: { blue, green } });

const CASES: Record<string, Case> = {
  // Beginning.
  'nothing to do is nothing done': {
    is: stable(),
    sees: { wanted: 'blue' },
    becomes: { phase: 'Stable', reason: 'Stable', active: 'blue', candidate: null },
  },
  'a changed template begins a release': {
    is: stable(),
    becomes: { phase: 'Migrating', candidate: 'green', weight: 0 },
  },
  'a changed template waits while paused': {
    is: stable(),
    sees: { spec: specOf({ paused: true }) },
    becomes: { phase: 'Stable', reason: 'Paused', candidate: null },
  },
  'a changed template waits while abort is true': {
    is: stable(),
    sees: { spec: specOf({ abort: true }) },
    becomes: { phase: 'Stable', reason: 'Aborted', candidate: null },
  },
  'abort when idle is nothing': {
    is: stable(),
    sees: { wanted: 'blue', spec: specOf({ abort: true }), annotations: { 'facepass.dev/abort': '1' } },
    becomes: { phase: 'Stable', reason: 'Stable', active: 'blue' },
  },
  'a migration that would contract is not begun': {
    is: stable(),
    sees: { refused: { reason: 'ContractRefused', message: '' } },
    becomes: { phase: 'Stable', reason: 'ContractRefused', candidate: null },
  },
  'a template that was given up is not tried again': {
    is: stable({ rejected: rejected() }),
    becomes: { phase: 'Stable', reason: 'GateFailed', candidate: null },
  },
  'a template that was given up is tried again when asked': {
    is: stable({ rejected: rejected() }),
    sees: { annotations: { 'facepass.dev/retry': '2' } },
    becomes: { phase: 'Migrating', candidate: 'green' },
  },
  'a first release that was given up is tried again after a while': {
    is: stable({ active: undefined, rejected: rejected() }),
    sees: after(0),
    becomes: { phase: 'Migrating', candidate: 'green' },
  },
  'a first release that was given up is not tried again at once': {
    is: stable({ active: undefined, rejected: { ...rejected(), at: new Date(START).toISOString() } }),
    sees: after(1),
    becomes: { phase: 'Stable', candidate: null },
  },
  'a first release that was aborted stays so': {
    is: stable({ active: undefined, rejected: { ...rejected(), reason: 'Aborted' } }),
    becomes: { phase: 'Stable', candidate: null },
  },
  'a status that was lost goes on with what serves': {
    is: initialStatus(),
    sees: { served: 'green' },
    becomes: { phase: 'Stable', active: 'green', candidate: null },
  },
  'a release begun in the window ends the window': {
    is: retaining(),
    sees: { wanted: 'red' },
    becomes: { phase: 'Migrating', candidate: 'red', active: 'green' },
  },

  // Up to the first traffic.
  'pods wait for the migration': {
    is: releasing('Migrating'),
    sees: { migration: { state: 'running', hasStarted: true, message: '' } },
    becomes: { phase: 'Migrating', weight: 0 },
  },
  'a migrated schema lets the pods start': { is: releasing('Migrating'), becomes: { phase: 'Starting' } },
  'a failed migration ends the release': {
    is: releasing('Migrating'),
    sees: { migration: { state: 'failed', hasStarted: true, message: 'exit code 65' } },
    becomes: { phase: 'RollingBack', verdict: 'MigrationFailed', weight: 0 },
  },
  'no migration is no wait': {
    is: releasing('Migrating'),
    sees: { spec: specOf({ migration: undefined }), migration: { state: 'absent', hasStarted: true, message: '' } },
    becomes: { phase: 'Starting' },
  },
  'half a pair is not a pair': {
    is: releasing('Starting'),
    sees: pairs({ ...READY, full: false }),
    becomes: { phase: 'Starting', weight: 0 },
  },
  'a migration whose pod does not start is given as long as other pods': {
    is: releasing('Migrating'),
    sees: { migration: { state: 'running', hasStarted: false, message: 'ErrImagePull' }, ...after(16) },
    becomes: { phase: 'RollingBack', verdict: 'NotReady', weight: 0 },
  },
  'a migration that runs may take its own time': {
    is: releasing('Migrating'),
    sees: { migration: { state: 'running', hasStarted: true, message: '' }, ...after(16) },
    becomes: { phase: 'Migrating', weight: 0 },
  },
  'a smoke test whose pod does not start ends the release': {
    is: releasing('Testing'),
    sees: { smokeTest: { state: 'running', hasStarted: false, message: 'exceeded quota' }, ...after(16) },
    becomes: { phase: 'RollingBack', verdict: 'NotReady' },
  },
  'a release does not begin while somebody else has the name of its Service': {
    is: stable(),
    sees: { foreign: 'Service faces-api belongs to the Helm release faces: it is left as it is' },
    becomes: { phase: 'Stable', reason: 'NotOwned', candidate: null },
  },
  'a hold that nobody watched goes on where it was': {
    is: releasing('Shifting', { step: 2, weight: 50 }),
    sees: {
      ...after(11),
      status: releasing('Shifting', { step: 2, weight: 50, judgedAt: new Date(START + MINUTE).toISOString() }),
    },
    becomes: { phase: 'Shifting', weight: 50, reason: 'Hold' },
  },
  'a hold that was watched is over': {
    is: releasing('Shifting', { step: 2, weight: 50 }),
    sees: {
      ...after(11),
      status: releasing('Shifting', {
        step: 2,
        weight: 50,
        judgedAt: new Date(START + 11 * MINUTE - 2000).toISOString(),
      }),
    },
    becomes: { phase: 'Shifting', weight: 100 },
  },
  'steps edited under way are taken by their weight': {
    is: releasing('Shifting', { step: 1, weight: 10 }),
    sees: { spec: withSteps([30, 60, 100].map((weight) => ({ weight, hold: '5m' }))), ...after(6) },
    becomes: { phase: 'Shifting', weight: 30 },
  },
  'a step that was taken away keeps its hold': {
    is: releasing('Shifting', { step: 2, weight: 60, hold: '10m' }),
    sees: { spec: withSteps([{ weight: 100, hold: '30m' }]), ...after(9) },
    becomes: { phase: 'Shifting', weight: 60, reason: 'Hold' },
  },
  'and its end': {
    is: releasing('Shifting', { step: 2, weight: 60, hold: '10m' }),
    sees: { spec: withSteps([{ weight: 100, hold: '30m' }]), ...after(11) },
    becomes: { phase: 'Shifting', weight: 100 },
  },
  'a candidate that is polled past the route goes when its bound is over': {
    is: failed(),
    sees: { ...pairs({ ...READY, quiet: false }), ...after(3) },
    becomes: { phase: 'Stable', candidate: null },
  },
  'until then it is waited for': {
    is: failed(),
    sees: { ...pairs({ ...READY, quiet: false }), ...after(1) },
    becomes: { phase: 'RollingBack', candidate: 'green' },
  },
  'a full pair is tested': { is: releasing('Starting'), becomes: { phase: 'Testing', weight: 0 } },
  'pods that never are ready end the release': {
    is: releasing('Starting'),
    sees: { ...pairs(UNREADY), ...after(16) },
    becomes: { phase: 'RollingBack', verdict: 'NotReady' },
  },
  'pods may take their time while paused': {
    is: releasing('Starting'),
    sees: { ...pairs(UNREADY), ...after(16), spec: specOf({ paused: true }) },
    becomes: { phase: 'Starting' },
  },
  'a refused template ends the release': {
    is: releasing('Starting'),
    sees: pairs({ ...UNREADY, refusal: 'spec is invalid' }),
    becomes: { phase: 'RollingBack', verdict: 'InvalidTemplate' },
  },
  'a failed smoke test ends the release': {
    is: releasing('Testing'),
    sees: { smokeTest: { state: 'failed', hasStarted: true, message: 'no match' } },
    becomes: { phase: 'RollingBack', verdict: 'SmokeTestFailed', weight: 0 },
  },
  'a smoke test that runs is waited for': {
    is: releasing('Testing'),
    sees: { smokeTest: { state: 'running', hasStarted: true, message: '' } },
    becomes: { phase: 'Testing', weight: 0 },
  },
  'a pair that shrank after its test gets no traffic': {
    is: releasing('Testing'),
    sees: pairs({ ...READY, full: false }),
    becomes: { phase: 'Testing', weight: 0 },
  },
  'a passed smoke test gives the first share': { is: releasing('Testing'), becomes: { phase: 'Shifting', weight: 10 } },
  'the first release of all needs no steps': {
    is: releasing('Testing', { active: undefined }),
    becomes: { phase: 'Stable', active: 'green', candidate: null },
  },

  // Shifting.
  'a share holds for its time': {
    is: releasing('Shifting'),
    sees: after(4),
    becomes: { phase: 'Shifting', weight: 10, reason: 'Hold' },
  },
  'a share that held is raised': {
    is: releasing('Shifting'),
    sees: after(5),
    becomes: { phase: 'Shifting', weight: 50 },
  },
  'a share that held is not raised while paused': {
    is: releasing('Shifting'),
    sees: { ...after(5), spec: specOf({ paused: true }) },
    becomes: { phase: 'Shifting', weight: 10, reason: 'Paused' },
  },
  'the last share that held ends the release': {
    is: releasing('Shifting', { step: 3, weight: 100 }),
    sees: after(30),
    becomes: { phase: 'Retaining', active: 'green', candidate: null, weight: 0 },
  },
  'a gate without an answer holds': {
    is: releasing('Shifting'),
    sees: { ...after(20), gates: [gate('hold')] },
    becomes: { phase: 'Shifting', weight: 10, reason: 'GateHolds' },
  },
  'a gate that was not asked holds': {
    is: releasing('Shifting'),
    sees: { ...after(20), gates: [] },
    becomes: { phase: 'Shifting', weight: 10, reason: 'GateHolds' },
  },
  'a gate without an answer for long ends the release where that is wanted': {
    is: releasing('Shifting'),
    sees: {
      ...after(36),
      gates: [gate('hold')],
      spec: specOf({ gates: [{ ...specOf().gates[0]!, noData: 'RollBack' }] }),
    },
    becomes: { phase: 'RollingBack', verdict: 'GateNoData', weight: 0 },
  },
  'a gate without an answer holds for ever where nothing else is wanted': {
    is: releasing('Shifting'),
    sees: { ...after(600), gates: [gate('hold')] },
    becomes: { phase: 'Shifting', weight: 10 },
  },
  'a gate that fails ends the release at once': {
    is: releasing('Shifting'),
    sees: { ...after(1), gates: [gate('fail')] },
    becomes: { phase: 'RollingBack', verdict: 'GateFailed', weight: 0, active: 'blue' },
  },
  'a gate that fails ends the release while paused, too': {
    is: releasing('Shifting'),
    sees: { gates: [gate('fail')], spec: specOf({ paused: true }) },
    becomes: { phase: 'RollingBack', verdict: 'GateFailed', weight: 0 },
  },
  'a gate that fails at 100 % ends the release': {
    is: releasing('Shifting', { step: 3, weight: 100 }),
    sees: { gates: [gate('fail')] },
    becomes: { phase: 'RollingBack', verdict: 'GateFailed', weight: 0, active: 'blue' },
  },
  'a candidate without a ready pod ends the release': {
    is: releasing('Shifting'),
    sees: pairs(UNREADY),
    becomes: { phase: 'RollingBack', verdict: 'CandidateNotReady', weight: 0 },
  },
  'a candidate short of a pod gets no more': {
    is: releasing('Shifting'),
    sees: { ...after(5), ...pairs({ ...READY, full: false }) },
    becomes: { phase: 'Shifting', weight: 10 },
  },
  'a route that is not accepted is waited for': {
    is: releasing('Shifting'),
    sees: { ...after(20), route: pending() },
    becomes: { phase: 'Shifting', weight: 10, reason: 'RouteNotAccepted' },
  },
  'a route that is not accepted for long ends the release': {
    is: releasing('Shifting', { routePendingSince: new Date(START).toISOString() }),
    sees: { ...after(3), route: pending() },
    becomes: { phase: 'RollingBack', verdict: 'RouteNotAccepted', weight: 0 },
  },
  'a cluster without the Gateway API is named as such': {
    is: releasing('Shifting'),
    sees: { route: { ...pending(), unknownKind: true } },
    becomes: { phase: 'Shifting', reason: 'NoGatewayApi' },
  },
  'a share that is not observed holds': {
    is: releasing('Shifting'),
    sees: { ...after(20), counted: { candidate: 500, total: 1000 } },
    becomes: { phase: 'Shifting', weight: 10, reason: 'WeightNotObserved' },
  },
  'a share that is not observed for long ends the release': {
    is: releasing('Shifting', { shareOffSince: new Date(START).toISOString() }),
    sees: { ...after(6), counted: { candidate: 500, total: 1000 } },
    becomes: { phase: 'RollingBack', verdict: 'WeightNotObserved', weight: 0 },
  },
  'a doubt about the share outlives a lull': {
    is: decide(
      seen(releasing('Shifting', { shareOffSince: new Date(START).toISOString() }), {
        ...after(1),
        counted: { candidate: 0, total: 0 },
      }),
    ).status,
    sees: { ...after(6), counted: { candidate: 500, total: 1000 } },
    becomes: { phase: 'RollingBack', verdict: 'WeightNotObserved' },
  },
  'no traffic is no observation': {
    is: releasing('Shifting'),
    sees: { ...after(20), counted: { candidate: 0, total: 0 } },
    becomes: { phase: 'Shifting', weight: 10, reason: 'TooFewRequests' },
  },
  'no traffic never is a verdict': {
    is: releasing('Shifting'),
    sees: { ...after(6000), counted: { candidate: 0, total: 0 } },
    becomes: { phase: 'Shifting', weight: 10 },
  },
  'promote skips holds and silent gates': {
    is: releasing('Shifting'),
    sees: { gates: [gate('hold')], annotations: { 'facepass.dev/promote': '2' } },
    becomes: { phase: 'Shifting', weight: 100 },
  },
  'promote of another release is nothing': {
    is: releasing('Shifting'),
    sees: { annotations: { 'facepass.dev/promote': '1' } },
    becomes: { phase: 'Shifting', weight: 10 },
  },
  'promote does not skip a gate that fails': {
    is: releasing('Shifting'),
    sees: { gates: [gate('fail')], annotations: { 'facepass.dev/promote': '2' } },
    becomes: { phase: 'RollingBack', verdict: 'GateFailed' },
  },
  'abort ends the release': {
    is: releasing('Shifting'),
    sees: { spec: specOf({ abort: true }) },
    becomes: { phase: 'RollingBack', verdict: 'Aborted', weight: 0 },
  },
  'abort by its number ends the release': {
    is: releasing('Starting'),
    sees: { annotations: { 'facepass.dev/abort': '2' } },
    becomes: { phase: 'RollingBack', verdict: 'Aborted' },
  },
  'abort of another release is nothing': {
    is: releasing('Starting'),
    sees: { annotations: { 'facepass.dev/abort': '1' } },
    becomes: { phase: 'Testing' },
  },
  'another template supersedes the candidate': {
    is: releasing('Shifting'),
    sees: { wanted: 'red' },
    becomes: { phase: 'RollingBack', verdict: 'Superseded', weight: 0 },
  },
  'the active template supersedes the candidate': {
    is: releasing('Shifting'),
    sees: { wanted: 'blue' },
    becomes: { phase: 'RollingBack', verdict: 'Superseded', weight: 0 },
  },
  'steps lowered under way lower no weight': {
    is: releasing('Shifting', { step: 2, weight: 50, hold: '15m' }),
    sees: {
      ...after(11),
      spec: withSteps([
        { weight: 5, hold: '1m' },
        { weight: 10, hold: '1m' },
        { weight: 20, hold: '1m' },
        { weight: 100, hold: '1m' },
      ]),
      counted: { candidate: 500, total: 1000 },
    },
    becomes: { phase: 'Shifting', weight: 50 },
  },
  'a selector goes from 0 to 100': {
    is: releasing('Testing'),
    sees: { spec: specOf({ traffic: { ...specOf().traffic, mode: 'Selector' } }) },
    becomes: { phase: 'Shifting', weight: 100 },
  },

  // Going back.
  'the candidate stays until the route is accepted': {
    is: failed(),
    sees: { route: pending() },
    becomes: { phase: 'RollingBack', candidate: 'green', weight: 0 },
  },
  'the candidate stays while it gets requests': {
    is: failed(),
    sees: { ...pairs({ ...READY, quiet: false }), route: pending(), ...after(10) },
    becomes: { phase: 'RollingBack', candidate: 'green', reason: 'TrafficNotMoved' },
  },
  'a candidate without traffic goes': {
    is: failed(),
    becomes: { phase: 'Stable', candidate: null, active: 'blue', reason: 'GateFailed' },
  },
  'a candidate goes when the gateway is gone and nobody calls it': {
    is: failed(),
    sees: { ...after(3), route: { ...pending(), weights: { blue: 100 } } },
    becomes: { phase: 'Stable', candidate: null },
  },
  'a candidate that never had traffic goes at once': {
    is: failed({ step: 0 }),
    sees: { route: pending() },
    becomes: { phase: 'Stable', candidate: null },
  },
  'traffic does not go back to pods that are not ready': {
    is: releasing('Shifting'),
    sees: { gates: [gate('fail')], ...pairs(READY, UNREADY) },
    becomes: { phase: 'RollingBack', weight: 10 },
  },
  'traffic goes back when they are ready': {
    is: failed({ weight: 10 }),
    sees: { ...pairs({ ...READY, quiet: false }) },
    becomes: { phase: 'RollingBack', weight: 0 },
  },

  // The window.
  'the earlier revision is kept for its window': {
    is: retaining(),
    sees: after(59),
    becomes: { phase: 'Retaining', active: 'green' },
  },
  'the earlier revision goes when its window is over': {
    is: retaining(),
    sees: after(61),
    becomes: { phase: 'Retiring', active: 'green' },
  },
  'the earlier revision stays while paused': {
    is: retaining(),
    sees: { ...after(61), spec: specOf({ paused: true }) },
    becomes: { phase: 'Retaining' },
  },
  'the earlier revision stays while it gets requests': {
    is: retaining(),
    sees: { ...after(61), pairs: { green: READY, blue: { ...READY, quiet: false } } },
    becomes: { phase: 'Retaining', reason: 'TrafficNotMoved' },
  },
  'and goes when it is called past the route for longer than a route takes': {
    is: retaining(),
    sees: { ...after(63), pairs: { green: READY, blue: { ...READY, quiet: false } } },
    becomes: { phase: 'Retiring' },
  },
  'promote ends the window': {
    is: retaining(),
    sees: { annotations: { 'facepass.dev/promote': '2' } },
    becomes: { phase: 'Retiring' },
  },
  'scaled down pods are waited for': { is: retaining({ phase: 'Retiring' }), becomes: { phase: 'Retiring' } },
  'without pods the earlier revision is removed': {
    is: retaining({ phase: 'Retiring' }),
    sees: { pairs: { green: READY, blue: { ...UNREADY, pods: 0 } } },
    becomes: { phase: 'Stable' },
  },
  'a rollback is weights only': {
    is: retaining(),
    sees: { annotations: { 'facepass.dev/rollback': '2' } },
    becomes: { phase: 'RollingBack', active: 'blue', candidate: 'green', verdict: 'RolledBack', weight: 0 },
  },
  'the earlier template is a rollback': {
    is: retaining(),
    sees: { wanted: 'blue' },
    becomes: { phase: 'RollingBack', active: 'blue', candidate: 'green', verdict: 'RolledBack' },
  },
  'a rollback is refused when the schema no longer fits': {
    is: retaining(),
    sees: {
      annotations: { 'facepass.dev/rollback': '2' },
      pairs: { green: READY, blue: { ...READY, schemaFits: false } },
    },
    becomes: { phase: 'Retaining', active: 'green', candidate: null },
  },
  'a rollback is refused to pods that are not ready': {
    is: retaining(),
    sees: { annotations: { 'facepass.dev/rollback': '2' }, pairs: { green: READY, blue: UNREADY } },
    becomes: { phase: 'Retaining', active: 'green' },
  },
  'a rollback after the window is refused': {
    is: stable(),
    sees: { wanted: 'blue', annotations: { 'facepass.dev/rollback': '1' } },
    becomes: { phase: 'Stable', active: 'blue' },
  },
};

for (const [title, { is, sees, becomes }] of Object.entries(CASES)) {
  test(title, () => {
    const before = structuredClone(is);
    const { status } = decide(seen(is, sees));
    assert.deepEqual(is, before, 'the status before is not touched');
    assert.equal(status.phase, becomes.phase, status.message);
    if (becomes.reason !== undefined) assert.equal(status.reason, becomes.reason);
    if (becomes.weight !== undefined) assert.equal(status.weight, becomes.weight);
    if (becomes.active !== undefined) assert.equal(status.active?.revision ?? null, becomes.active);
    if (becomes.candidate !== undefined) assert.equal(status.candidate?.revision ?? null, becomes.candidate);
    if (becomes.verdict !== undefined) assert.equal(status.candidate?.verdict?.reason ?? null, becomes.verdict);
  });
}

test('a release of three steps, as people see it', () => {
  const told: string[] = [];
  let status = stable();
  for (let minute = 0; minute <= 60; minute += 1) {
    const decided = decide(seen(status, after(minute)));
    status = decided.status;
    told.push(...decided.events.map(({ reason }) => reason));
    if (status.phase === 'Retaining') break;
  }
  assert.deepEqual(told, ['ReleaseStarted', 'WeightSet', 'WeightSet', 'WeightSet', 'ReleaseSucceeded']);
  assert.deepEqual(
    status.history.map(({ number, result }) => [number, result]),
    [[2, 'succeeded']],
  );
  assert.equal(status.previous?.revision, 'blue');
  assert.deepEqual(weightsOf(status), { green: 100 });
});

test('a release by a selector goes from 0 to 100 at once, and ends', () => {
  const told: string[] = [];
  const spec = specOf({ traffic: { ...specOf().traffic, mode: 'Selector' } });
  let status = stable();
  for (let minute = 0; minute <= 60 && status.phase !== 'Retaining'; minute += 1) {
    const decided = decide(seen(status, { ...after(minute), spec, counted: null }));
    status = decided.status;
    told.push(...decided.events.map(({ reason }) => reason));
  }
  assert.deepEqual(told, ['ReleaseStarted', 'WeightSet', 'ReleaseSucceeded']);
  assert.equal(status.conditions.find(({ type }) => type === 'RouteAccepted')?.reason, 'Selector');
});

test('a release begins before its first step', () => {
  const { status } = decide(seen(stable({ step: 3, weight: 100 })));
  assert.deepEqual([status.phase, status.step, status.weight], ['Migrating', 0, 0]);
});

test('only revisions that get something have a weight', () => {
  assert.deepEqual(weightsOf(initialStatus()), {});
  assert.deepEqual(weightsOf(stable()), { blue: 100 });
  assert.deepEqual(weightsOf(releasing('Shifting', { weight: 0 })), { blue: 100 });
  assert.deepEqual(weightsOf(releasing('Shifting', { weight: 10 })), { blue: 90, green: 10 });
  assert.deepEqual(weightsOf(releasing('Shifting', { weight: 100 })), { green: 100 });
});

test('a pause stops the clock of a step', () => {
  let status = decide(seen(releasing('Shifting'), { ...after(1), spec: specOf({ paused: true }) })).status;
  assert.equal(status.stepDeadline, undefined);
  status = decide(seen(status, after(61))).status;
  assert.equal(status.weight, 10, 'one of five minutes is over');
  status = decide(seen(status, after(64))).status;
  assert.equal(status.weight, 10);
  assert.equal(decide(seen(status, after(65))).status.weight, 50);
});

test('a refused rollback is told once', () => {
  const sees = {
    annotations: { 'facepass.dev/rollback': '2' },
    pairs: { green: READY, blue: { ...READY, schemaFits: false } },
  };
  const before = decide(seen(retaining())).status;
  const first = decide(seen(before, sees));
  assert.deepEqual(
    first.events.map(({ reason }) => reason),
    ['SchemaDoesNotFit'],
  );
  assert.equal(first.status.conditions.find(({ type }) => type === 'RollbackPossible')?.reason, 'SchemaDoesNotFit');
  assert.deepEqual(decide(seen(first.status, sees)).events, []);
});

test('the conditions say what a person asks for', () => {
  const condition = (status: Status, type: string) => status.conditions.find((one) => one.type === type);
  const released = decide(seen(stable(), { wanted: 'blue' })).status;
  assert.equal(condition(released, 'Released')?.status, 'True');
  assert.equal(condition(released, 'Ready')?.status, 'True');
  const held = decide(seen(releasing('Shifting'), { ...after(20), gates: [gate('hold')] })).status;
  assert.deepEqual(
    [
      condition(held, 'Released')?.status,
      condition(held, 'GatesPassing')?.status,
      condition(held, 'WeightObserved')?.status,
    ],
    ['False', 'Unknown', 'True'],
  );
  assert.deepEqual(
    condition(
      decide(seen(releasing('Shifting'), { counted: { candidate: 500, total: 1000 } })).status,
      'WeightObserved',
    )?.reason,
    'WeightNotObserved',
  );
  const accepted = (status: Status, changes: Partial<Observation> = {}) =>
    condition(decide(seen(status, changes)).status, 'RouteAccepted')?.reason;
  assert.equal(accepted(initialStatus()), 'NothingServes');
  assert.equal(accepted(releasing('Shifting')), 'Accepted');
  assert.equal(accepted(releasing('Shifting'), { route: pending() }), 'RouteNotAccepted');
  assert.equal(accepted(releasing('Shifting'), { route: { ...pending(), unknownKind: true } }), 'NoGatewayApi');
  const unready = decide(seen(stable(), { wanted: 'blue', pairs: { blue: UNREADY } })).status;
  assert.equal(condition(unready, 'Ready')?.status, 'False');
  const later = decide(seen(released, { wanted: 'blue', ...after(5) })).status;
  assert.equal(
    condition(later, 'Ready')?.lastTransitionTime,
    condition(released, 'Ready')?.lastTransitionTime,
    'a time changes only with its status',
  );
});

function rejected() {
  return { revision: 'green', number: 2, reason: 'GateFailed', message: '', at: '2026-11-23T11:00:00Z' };
}

function pending() {
  return { weights: { blue: 90, green: 10 }, accepted: false, unknownKind: false, message: 'not accepted' };
}

function failed(changes: Partial<Status> = {}): Status {
  const status = releasing('RollingBack', { step: 1, weight: 0, ...changes });
  status.candidate!.verdict = { reason: 'GateFailed', message: '', at: '2026-11-23T12:00:00Z', result: 'rolled_back' };
  return status;
}

function withSteps(steps: { weight: number; hold: string }[]) {
  return specOf({ traffic: { ...specOf().traffic, steps } });
}
