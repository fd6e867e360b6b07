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
  'stays Stable when nothing changed': {
    is: stable(),
    sees: { wanted: 'blue' },
    becomes: { phase: 'Stable', reason: 'Stable', active: 'blue', candidate: null },
  },
  'begins a release when the template changes': {
    is: stable(),
    becomes: { phase: 'Migrating', candidate: 'green', weight: 0 },
  },
  'does not begin a release while paused': {
    is: stable(),
    sees: { spec: specOf({ paused: true }) },
    becomes: { phase: 'Stable', reason: 'Paused', candidate: null },
  },
  'does not begin a release while abort is true': {
    is: stable(),
    sees: { spec: specOf({ abort: true }) },
    becomes: { phase: 'Stable', reason: 'Aborted', candidate: null },
  },
  'ignores abort while idle': {
    is: stable(),
    sees: { wanted: 'blue', spec: specOf({ abort: true }), annotations: { 'facepass.dev/abort': '1' } },
    becomes: { phase: 'Stable', reason: 'Stable', active: 'blue' },
  },
  'does not begin a migration that would contract': {
    is: stable(),
    sees: { refused: { reason: 'ContractRefused', message: '' } },
    becomes: { phase: 'Stable', reason: 'ContractRefused', candidate: null },
  },
  'does not retry an abandoned template': {
    is: stable({ rejected: rejected() }),
    becomes: { phase: 'Stable', reason: 'GateFailed', candidate: null },
  },
  'retries an abandoned template on request': {
    is: stable({ rejected: rejected() }),
    sees: { annotations: { 'facepass.dev/retry': '2' } },
    becomes: { phase: 'Migrating', candidate: 'green' },
  },
  'retries an abandoned first release after a pause': {
    is: stable({ active: undefined, rejected: rejected() }),
    sees: after(0),
    becomes: { phase: 'Migrating', candidate: 'green' },
  },
  'does not retry an abandoned first release at once': {
    is: stable({ active: undefined, rejected: { ...rejected(), at: new Date(START).toISOString() } }),
    sees: after(1),
    becomes: { phase: 'Stable', candidate: null },
  },
  'does not retry an aborted first release': {
    is: stable({ active: undefined, rejected: { ...rejected(), reason: 'Aborted' } }),
    becomes: { phase: 'Stable', candidate: null },
  },
  'adopts the serving revision after the status was lost': {
    is: initialStatus(),
    sees: { served: 'green' },
    becomes: { phase: 'Stable', active: 'green', candidate: null },
  },
  'a new release ends the rollback window': {
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
  'starts pods after the migration': { is: releasing('Migrating'), becomes: { phase: 'Starting' } },
  'rolls back after a failed migration': {
    is: releasing('Migrating'),
    sees: { migration: { state: 'failed', hasStarted: true, message: 'exit code 65' } },
    becomes: { phase: 'RollingBack', verdict: 'MigrationFailed', weight: 0 },
  },
  'skips Migrating without a migration': {
    is: releasing('Migrating'),
    sees: { spec: specOf({ migration: undefined }), migration: { state: 'absent', hasStarted: true, message: '' } },
    becomes: { phase: 'Starting' },
  },
  'does not test a pair of which half is ready': {
    is: releasing('Starting'),
    sees: pairs({ ...READY, full: false }),
    becomes: { phase: 'Starting', weight: 0 },
  },
  'fails a migration whose pod does not start within the ready deadline': {
    is: releasing('Migrating'),
    sees: { migration: { state: 'running', hasStarted: false, message: 'ErrImagePull' }, ...after(16) },
    becomes: { phase: 'RollingBack', verdict: 'NotReady', weight: 0 },
  },
  'does not apply the ready deadline to a running migration': {
    is: releasing('Migrating'),
    sees: { migration: { state: 'running', hasStarted: true, message: '' }, ...after(16) },
    becomes: { phase: 'Migrating', weight: 0 },
  },
  'rolls back when the pod of the smoke test does not start': {
    is: releasing('Testing'),
    sees: { smokeTest: { state: 'running', hasStarted: false, message: 'exceeded quota' }, ...after(16) },
    becomes: { phase: 'RollingBack', verdict: 'NotReady' },
  },
  'does not begin a release while another owner has the name of its Service': {
    is: stable(),
    sees: { foreign: 'Service faces-api belongs to the Helm release faces; not changed' },
    becomes: { phase: 'Stable', reason: 'NotOwned', candidate: null },
  },
  'resumes a hold that was not observed': {
    is: releasing('Shifting', { step: 2, weight: 50 }),
    sees: {
      ...after(11),
      status: releasing('Shifting', { step: 2, weight: 50, judgedAt: new Date(START + MINUTE).toISOString() }),
    },
    becomes: { phase: 'Shifting', weight: 50, reason: 'Hold' },
  },
  'ends a hold that was observed': {
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
  'takes steps edited during a release by their weight': {
    is: releasing('Shifting', { step: 1, weight: 10 }),
    sees: { spec: withSteps([30, 60, 100].map((weight) => ({ weight, hold: '5m' }))), ...after(6) },
    becomes: { phase: 'Shifting', weight: 30 },
  },
  'a removed step keeps its hold': {
    is: releasing('Shifting', { step: 2, weight: 60, hold: '10m' }),
    sees: { spec: withSteps([{ weight: 100, hold: '30m' }]), ...after(9) },
    becomes: { phase: 'Shifting', weight: 60, reason: 'Hold' },
  },
  'and the end of its hold': {
    is: releasing('Shifting', { step: 2, weight: 60, hold: '10m' }),
    sees: { spec: withSteps([{ weight: 100, hold: '30m' }]), ...after(11) },
    becomes: { phase: 'Shifting', weight: 100 },
  },
  'removes a candidate called outside the route after the route deadline': {
    is: failed(),
    sees: { ...pairs({ ...READY, quiet: false }), ...after(3) },
    becomes: { phase: 'Stable', candidate: null },
  },
  'waits for it until then': {
    is: failed(),
    sees: { ...pairs({ ...READY, quiet: false }), ...after(1) },
    becomes: { phase: 'RollingBack', candidate: 'green' },
  },
  'tests a full pair': { is: releasing('Starting'), becomes: { phase: 'Testing', weight: 0 } },
  'rolls back when pods never become ready': {
    is: releasing('Starting'),
    sees: { ...pairs(UNREADY), ...after(16) },
    becomes: { phase: 'RollingBack', verdict: 'NotReady' },
  },
  'does not apply the ready deadline while paused': {
    is: releasing('Starting'),
    sees: { ...pairs(UNREADY), ...after(16), spec: specOf({ paused: true }) },
    becomes: { phase: 'Starting' },
  },
  'rolls back when the template is rejected': {
    is: releasing('Starting'),
    sees: pairs({ ...UNREADY, refusal: 'spec is invalid' }),
    becomes: { phase: 'RollingBack', verdict: 'InvalidTemplate' },
  },
  'rolls back after a failed smoke test': {
    is: releasing('Testing'),
    sees: { smokeTest: { state: 'failed', hasStarted: true, message: 'no match' } },
    becomes: { phase: 'RollingBack', verdict: 'SmokeTestFailed', weight: 0 },
  },
  'waits for a running smoke test': {
    is: releasing('Testing'),
    sees: { smokeTest: { state: 'running', hasStarted: true, message: '' } },
    becomes: { phase: 'Testing', weight: 0 },
  },
  'gives no traffic to a pair that shrank after its test': {
    is: releasing('Testing'),
    sees: pairs({ ...READY, full: false }),
    becomes: { phase: 'Testing', weight: 0 },
  },
  'takes the first step after a passed smoke test': {
    is: releasing('Testing'),
    becomes: { phase: 'Shifting', weight: 10 },
  },
  'the first release takes no steps': {
    is: releasing('Testing', { active: undefined }),
    becomes: { phase: 'Stable', active: 'green', candidate: null },
  },

  // Shifting.
  'holds a weight for its time': {
    is: releasing('Shifting'),
    sees: after(4),
    becomes: { phase: 'Shifting', weight: 10, reason: 'Hold' },
  },
  'raises a weight after its hold': {
    is: releasing('Shifting'),
    sees: after(5),
    becomes: { phase: 'Shifting', weight: 50 },
  },
  'does not raise a weight while paused': {
    is: releasing('Shifting'),
    sees: { ...after(5), spec: specOf({ paused: true }) },
    becomes: { phase: 'Shifting', weight: 10, reason: 'Paused' },
  },
  'completes the release after the last hold': {
    is: releasing('Shifting', { step: 3, weight: 100 }),
    sees: after(30),
    becomes: { phase: 'Retaining', active: 'green', candidate: null, weight: 0 },
  },
  'holds while a gate has no data': {
    is: releasing('Shifting'),
    sees: { ...after(20), gates: [gate('hold')] },
    becomes: { phase: 'Shifting', weight: 10, reason: 'GateHolds' },
  },
  'holds while a gate was not evaluated': {
    is: releasing('Shifting'),
    sees: { ...after(20), gates: [] },
    becomes: { phase: 'Shifting', weight: 10, reason: 'GateHolds' },
  },
  'rolls back after the noDataDeadline of a gate with noData RollBack': {
    is: releasing('Shifting'),
    sees: {
      ...after(36),
      gates: [gate('hold')],
      spec: specOf({ gates: [{ ...specOf().gates[0]!, noData: 'RollBack' }] }),
    },
    becomes: { phase: 'RollingBack', verdict: 'GateNoData', weight: 0 },
  },
  'holds forever while a gate with noData Hold has no data': {
    is: releasing('Shifting'),
    sees: { ...after(600), gates: [gate('hold')] },
    becomes: { phase: 'Shifting', weight: 10 },
  },
  'rolls back at once when a gate fails': {
    is: releasing('Shifting'),
    sees: { ...after(1), gates: [gate('fail')] },
    becomes: { phase: 'RollingBack', verdict: 'GateFailed', weight: 0, active: 'blue' },
  },
  'rolls back when a gate fails while paused': {
    is: releasing('Shifting'),
    sees: { gates: [gate('fail')], spec: specOf({ paused: true }) },
    becomes: { phase: 'RollingBack', verdict: 'GateFailed', weight: 0 },
  },
  'rolls back when a gate fails at 100 %': {
    is: releasing('Shifting', { step: 3, weight: 100 }),
    sees: { gates: [gate('fail')] },
    becomes: { phase: 'RollingBack', verdict: 'GateFailed', weight: 0, active: 'blue' },
  },
  'rolls back when the candidate has no ready pod': {
    is: releasing('Shifting'),
    sees: pairs(UNREADY),
    becomes: { phase: 'RollingBack', verdict: 'CandidateNotReady', weight: 0 },
  },
  'does not raise the weight of a candidate short of a pod': {
    is: releasing('Shifting'),
    sees: { ...after(5), ...pairs({ ...READY, full: false }) },
    becomes: { phase: 'Shifting', weight: 10 },
  },
  'waits for a route that is not accepted': {
    is: releasing('Shifting'),
    sees: { ...after(20), route: pending() },
    becomes: { phase: 'Shifting', weight: 10, reason: 'RouteNotAccepted' },
  },
  'rolls back when the route is not accepted within its deadline': {
    is: releasing('Shifting', { routePendingSince: new Date(START).toISOString() }),
    sees: { ...after(3), route: pending() },
    becomes: { phase: 'RollingBack', verdict: 'RouteNotAccepted', weight: 0 },
  },
  'names a cluster without the Gateway API': {
    is: releasing('Shifting'),
    sees: { route: { ...pending(), unknownKind: true } },
    becomes: { phase: 'Shifting', reason: 'NoGatewayApi' },
  },
  'holds while the weight is not observed': {
    is: releasing('Shifting'),
    sees: { ...after(20), counted: { candidate: 500, total: 1000 } },
    becomes: { phase: 'Shifting', weight: 10, reason: 'WeightNotObserved' },
  },
  'rolls back when the weight is not observed within its deadline': {
    is: releasing('Shifting', { shareOffSince: new Date(START).toISOString() }),
    sees: { ...after(6), counted: { candidate: 500, total: 1000 } },
    becomes: { phase: 'RollingBack', verdict: 'WeightNotObserved', weight: 0 },
  },
  'remembers a wrong share across a lull': {
    is: decide(
      seen(releasing('Shifting', { shareOffSince: new Date(START).toISOString() }), {
        ...after(1),
        counted: { candidate: 0, total: 0 },
      }),
    ).status,
    sees: { ...after(6), counted: { candidate: 500, total: 1000 } },
    becomes: { phase: 'RollingBack', verdict: 'WeightNotObserved' },
  },
  'observes no share without traffic': {
    is: releasing('Shifting'),
    sees: { ...after(20), counted: { candidate: 0, total: 0 } },
    becomes: { phase: 'Shifting', weight: 10, reason: 'TooFewRequests' },
  },
  'never rolls back for lack of traffic': {
    is: releasing('Shifting'),
    sees: { ...after(6000), counted: { candidate: 0, total: 0 } },
    becomes: { phase: 'Shifting', weight: 10 },
  },
  'promote skips holds and gates without data': {
    is: releasing('Shifting'),
    sees: { gates: [gate('hold')], annotations: { 'facepass.dev/promote': '2' } },
    becomes: { phase: 'Shifting', weight: 100 },
  },
  'ignores promote of another release': {
    is: releasing('Shifting'),
    sees: { annotations: { 'facepass.dev/promote': '1' } },
    becomes: { phase: 'Shifting', weight: 10 },
  },
  'promote does not skip a failing gate': {
    is: releasing('Shifting'),
    sees: { gates: [gate('fail')], annotations: { 'facepass.dev/promote': '2' } },
    becomes: { phase: 'RollingBack', verdict: 'GateFailed' },
  },
  'abort rolls back': {
    is: releasing('Shifting'),
    sees: { spec: specOf({ abort: true }) },
    becomes: { phase: 'RollingBack', verdict: 'Aborted', weight: 0 },
  },
  'abort by release number rolls back': {
    is: releasing('Starting'),
    sees: { annotations: { 'facepass.dev/abort': '2' } },
    becomes: { phase: 'RollingBack', verdict: 'Aborted' },
  },
  'ignores abort of another release': {
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
  'lowered steps do not lower the current weight': {
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
  'a selector switches from 0 to 100': {
    is: releasing('Testing'),
    sees: { spec: specOf({ traffic: { ...specOf().traffic, mode: 'Selector' } }) },
    becomes: { phase: 'Shifting', weight: 100 },
  },

  // Going back.
  'keeps the candidate until the route is accepted': {
    is: failed(),
    sees: { route: pending() },
    becomes: { phase: 'RollingBack', candidate: 'green', weight: 0 },
  },
  'keeps the candidate while it gets requests': {
    is: failed(),
    sees: { ...pairs({ ...READY, quiet: false }), route: pending(), ...after(10) },
    becomes: { phase: 'RollingBack', candidate: 'green', reason: 'TrafficNotMoved' },
  },
  'removes a candidate without traffic': {
    is: failed(),
    becomes: { phase: 'Stable', candidate: null, active: 'blue', reason: 'GateFailed' },
  },
  'removes a candidate without requests when the gateway is gone': {
    is: failed(),
    sees: { ...after(3), route: { ...pending(), weights: { blue: 100 } } },
    becomes: { phase: 'Stable', candidate: null },
  },
  'removes a candidate that never had traffic at once': {
    is: failed({ step: 0 }),
    sees: { route: pending() },
    becomes: { phase: 'Stable', candidate: null },
  },
  'does not return traffic to pods that are not ready': {
    is: releasing('Shifting'),
    sees: { gates: [gate('fail')], ...pairs(READY, UNREADY) },
    becomes: { phase: 'RollingBack', weight: 10 },
  },
  'returns traffic once they are ready': {
    is: failed({ weight: 10 }),
    sees: { ...pairs({ ...READY, quiet: false }) },
    becomes: { phase: 'RollingBack', weight: 0 },
  },

  // The window.
  'keeps the previous revision for its window': {
    is: retaining(),
    sees: after(59),
    becomes: { phase: 'Retaining', active: 'green' },
  },
  'retires the previous revision after its window': {
    is: retaining(),
    sees: after(61),
    becomes: { phase: 'Retiring', active: 'green' },
  },
  'keeps the previous revision while paused': {
    is: retaining(),
    sees: { ...after(61), spec: specOf({ paused: true }) },
    becomes: { phase: 'Retaining' },
  },
  'keeps the previous revision while it gets requests': {
    is: retaining(),
    sees: { ...after(61), pairs: { green: READY, blue: { ...READY, quiet: false } } },
    becomes: { phase: 'Retaining', reason: 'TrafficNotMoved' },
  },
  'retires it when it is called outside the route beyond the route deadline': {
    is: retaining(),
    sees: { ...after(63), pairs: { green: READY, blue: { ...READY, quiet: false } } },
    becomes: { phase: 'Retiring' },
  },
  'promote ends the window': {
    is: retaining(),
    sees: { annotations: { 'facepass.dev/promote': '2' } },
    becomes: { phase: 'Retiring' },
  },
  'waits for pods to terminate': { is: retaining({ phase: 'Retiring' }), becomes: { phase: 'Retiring' } },
  'removes the previous revision once it has no pods': {
    is: retaining({ phase: 'Retiring' }),
    sees: { pairs: { green: READY, blue: { ...UNREADY, pods: 0 } } },
    becomes: { phase: 'Stable' },
  },
  'a rollback only shifts weights': {
    is: retaining(),
    sees: { annotations: { 'facepass.dev/rollback': '2' } },
    becomes: { phase: 'RollingBack', active: 'blue', candidate: 'green', verdict: 'RolledBack', weight: 0 },
  },
  'rolls back when the previous template returns': {
    is: retaining(),
    sees: { wanted: 'blue' },
    becomes: { phase: 'RollingBack', active: 'blue', candidate: 'green', verdict: 'RolledBack' },
  },
  'refuses a rollback when the schema no longer fits': {
    is: retaining(),
    sees: {
      annotations: { 'facepass.dev/rollback': '2' },
      pairs: { green: READY, blue: { ...READY, schemaFits: false } },
    },
    becomes: { phase: 'Retaining', active: 'green', candidate: null },
  },
  'refuses a rollback to pods that are not ready': {
    is: retaining(),
    sees: { annotations: { 'facepass.dev/rollback': '2' }, pairs: { green: READY, blue: UNREADY } },
    becomes: { phase: 'Retaining', active: 'green' },
  },
  'refuses a rollback after the window': {
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

test('reports a release of three steps in status and events', () => {
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

test('a release by selector switches from 0 to 100 at once and completes', () => {
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

test('a release starts at step 0', () => {
  const { status } = decide(seen(stable({ step: 3, weight: 100 })));
  assert.deepEqual([status.phase, status.step, status.weight], ['Migrating', 0, 0]);
});

test('only revisions with traffic have a weight', () => {
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

test('reports a refused rollback once', () => {
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

test('conditions answer common questions', () => {
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
