import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decide } from './decide.ts';
import { initialStatus, type GateResult, type Status } from '@facepass/contracts/facepass';
import { weightsOf, type JobState, type Observation, type Pair } from './observation.ts';
import { gate, READY, seen, specOf, stable, START } from '../tests/world.ts';

const seed = Number(process.env['FACEPASS_TEST_SEED'] ?? Date.now() % 2 ** 31);
const settings = { seed, numRuns: 400 } as const;
console.log(`seed ${seed} (FACEPASS_TEST_SEED repeats it)`);

const REVISIONS = ['blue', 'green', 'red'];

/**
 * One moment: what changed, and what there is to see; `isApplied` false: the operator was killed before it wrote the
 * route.
 */
interface Moment {
  minutes: number;
  wanted: string;
  pairs: Record<string, Pair>;
  migration: JobState['state'];
  smokeTest: JobState['state'];
  accepted: boolean;
  isApplied: boolean;
  counted: Observation['counted'];
  gates: GateResult['result'];
  paused: boolean;
  abort: boolean;
  request: { name: string; number: number } | null;
}

const pair: fc.Arbitrary<Pair> = fc
  .record({
    full: fc.boolean(),
    ready: fc.boolean(),
    fits: fc.constantFrom(true, true, false, null),
    quiet: fc.boolean(),
    refused: fc.integer({ min: 0, max: 19 }),
  })
  .map(({ full, ready, fits, quiet, refused }) => ({
    full: full && ready,
    serving: ready,
    pods: ready ? 4 : 0,
    schemaFits: fits,
    quiet,
    refusal: refused === 0 ? 'invalid' : null,
    message: '',
  }));

const mostly = <Value>(usual: Value, ...others: Value[]) =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) });
const healthyMostly = fc.oneof({ weight: 3, arbitrary: fc.constant(READY) }, { weight: 1, arbitrary: pair });

const moment: fc.Arbitrary<Moment> = fc.record({
  minutes: fc.integer({ min: 0, max: 40 }),
  wanted: mostly('green', 'blue', 'red'),
  pairs: fc.record({ blue: healthyMostly, green: healthyMostly, red: healthyMostly }),
  migration: mostly<JobState['state']>('succeeded', 'running', 'failed', 'absent'),
  smokeTest: mostly<JobState['state']>('succeeded', 'running', 'failed', 'absent'),
  accepted: mostly(true, false),
  isApplied: mostly(true, false),
  counted: fc.oneof(
    fc.constant(null),
    fc.record({ candidate: fc.integer({ min: 0, max: 1000 }), total: fc.constant(1000) }),
  ),
  gates: mostly<GateResult['result']>('pass', 'hold', 'fail'),
  paused: mostly(false, true),
  abort: mostly(false, true),
  request: fc.option(
    fc.record({
      name: fc.constantFrom('abort', 'promote', 'rollback', 'retry'),
      number: fc.integer({ min: 1, max: 8 }),
    }),
    { freq: 6 },
  ),
});

/** A share as it should be, three times of four. */
function countedAt(status: Status, { counted, minutes }: Moment): Observation['counted'] {
  return minutes % 4 === 0 ? counted : { candidate: status.weight * 10, total: 1000 };
}

function observationOf(status: Status, now: number, moment: Moment, routed: Record<string, number>): Observation {
  return seen(status, {
    now,
    wanted: moment.wanted,
    pairs: moment.pairs,
    migration: { state: moment.migration, hasStarted: true, message: '' },
    smokeTest: { state: moment.smokeTest, hasStarted: true, message: '' },
    route: { weights: routed, accepted: moment.accepted, unknownKind: false, message: '' },
    counted: countedAt(status, moment),
    gates: [gate(moment.gates)],
    spec: specOf({ paused: moment.paused, abort: moment.abort }),
    annotations: moment.request ? { [`facepass.dev/${moment.request.name}`]: String(moment.request.number) } : {},
  });
}

/** Walks through moments; `visit` sees each step. Gives the last state. */
function walk(
  start: Status,
  moments: Moment[],
  visit: (before: Status, after: Status, observation: Observation) => void,
): { status: Status; now: number; routed: Record<string, number> } {
  let status = start;
  let now = START;
  let routed = weightsOf(start);
  for (const one of moments) {
    now += one.minutes * 60_000;
    const observation = observationOf(status, now, one, routed);
    const before = status;
    status = decide(observation).status;
    visit(before, status, observation);
    if (one.isApplied) routed = weightsOf(status);
  }
  return { status, now, routed };
}

const starts = fc.constantFrom(initialStatus(), stable());
const moments = fc.array(moment, { minLength: 1, maxLength: 60 });

test('sends no traffic to a revision without a ready pod', () => {
  fc.assert(
    fc.property(starts, moments, (start, walkOf) => {
      walk(start, walkOf, (before, after, { pairs }) => {
        const [was, is] = [weightsOf(before), weightsOf(after)];
        for (const revision of REVISIONS) {
          const isRaised = (is[revision] ?? 0) > (was[revision] ?? 0);
          const nobodyElse = REVISIONS.filter((other) => (was[other] ?? 0) > 0).every(
            (other) => !pairs[other]?.serving,
          );
          if (isRaised)
            assert.ok(
              pairs[revision]?.serving || (nobodyElse && Object.keys(was).length > 0),
              `${revision}: ${was[revision] ?? 0} → ${is[revision]} in ${before.phase} → ${after.phase}`,
            );
        }
      });
    }),
    settings,
  );
});

test('within a release the weight only rises or drops to 0', () => {
  fc.assert(
    fc.property(starts, moments, (start, walkOf) => {
      walk(start, walkOf, (before, after) => {
        assert.ok([0, 10, 50, 100].includes(after.weight));
        const sum = Object.values(weightsOf(after)).reduce((total, weight) => total + weight, 0);
        assert.equal(sum, after.active ? 100 : 0);
        if (before.candidate?.number === after.candidate?.number && before.candidate)
          assert.ok(after.weight >= before.weight || after.weight === 0);
        if (before.candidate?.verdict && after.candidate)
          assert.ok(after.weight <= before.weight, 'a verdict is never taken back');
        assert.notEqual(after.candidate?.revision, after.active?.revision ?? '');
        assert.notEqual(after.previous?.revision, after.active?.revision ?? '');
      });
    }),
    settings,
  );
});

test('gives a revision traffic only after its schema, pods and smoke test', () => {
  fc.assert(
    fc.property(starts, moments, (start, walkOf) => {
      const proven = new Map<number, Set<string>>();
      walk(start, walkOf, (before, after, { migration, smokeTest, pairs }) => {
        const { candidate, weight } = after;
        if (before.candidate && before.phase !== after.phase) {
          const proofs = proven.get(before.candidate.number) ?? new Set();
          if (before.phase === 'Migrating' && migration.state === 'succeeded') proofs.add('migration');
          if (before.phase === 'Starting' && pairs[before.candidate.revision]?.full) proofs.add('pods');
          if (before.phase === 'Testing' && smokeTest.state === 'succeeded') proofs.add('smoke test');
          proven.set(before.candidate.number, proofs);
        }
        if (candidate && !candidate.verdict && weight > 0)
          assert.deepEqual([...(proven.get(candidate.number) ?? [])], ['migration', 'pods', 'smoke test']);
      });
    }),
    settings,
  );
});

test('after any history, a failure ends with all traffic on the active revision', () => {
  fc.assert(
    fc.property(moments, (walkOf) => {
      let { status, now, routed } = walk(stable(), walkOf, () => undefined);
      // From here on a world in which every gate fails, and whatever else works.
      for (let round = 0; round < 40; round += 1) {
        now += 60_000;
        const wanted = status.candidate?.revision ?? status.rejected?.revision ?? 'red';
        ({ status } = decide(
          seen(status, {
            now,
            wanted,
            route: { weights: routed, accepted: true, unknownKind: false, message: '' },
            gates: [gate('fail')],
          }),
        ));
        routed = weightsOf(status);
      }
      assert.equal(status.candidate, undefined);
      assert.deepEqual(weightsOf(status), { [status.active?.revision ?? '']: 100 });
    }),
    settings,
  );
});

test('after any history, a good template is eventually released', () => {
  fc.assert(
    fc.property(moments, (walkOf) => {
      let { status, now, routed } = walk(stable(), walkOf, () => undefined);
      const isGivenUp =
        status.rejected?.revision === 'red' || (status.candidate?.verdict && status.candidate.revision === 'red');
      const wanted = isGivenUp ? 'green' : 'red';
      for (let round = 0; round < 120; round += 1) {
        now += 60_000;
        ({ status } = decide(
          seen(status, { now, wanted, route: { weights: routed, accepted: true, unknownKind: false, message: '' } }),
        ));
        routed = weightsOf(status);
      }
      assert.deepEqual(weightsOf(status), { [wanted]: 100 });
      assert.equal(status.candidate, undefined);
    }),
    settings,
  );
});

test('repeated identical observations reach a stable status', () => {
  fc.assert(
    fc.property(starts, moments, moment, (start, walkOf, last) => {
      let { status, now } = walk(start, walkOf, () => undefined);
      const seenStatuses: string[] = [];
      for (let round = 0; round < 25; round += 1) {
        status = decide({ ...observationOf(status, now, last, weightsOf(status)) }).status;
        seenStatuses.push(JSON.stringify(status));
      }
      assert.equal(seenStatuses.at(-1), seenStatuses.at(-2), `${status.phase} ${status.reason}`);
    }),
    settings,
  );
});

test('a release continues identically if the operator was killed before it wrote the route', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 200, maxLength: 200 }), (applied) => {
      let status = stable();
      let routed = weightsOf(status);
      for (const [look, isApplied] of applied.entries()) {
        ({ status } = decide(
          seen(status, {
            now: START + look * 30_000,
            route: { weights: routed, accepted: true, unknownKind: false, message: '' },
          }),
        ));
        // The route's deadline is four looks: a write that is lost for longer ends the release, as it should.
        if (isApplied || look % 3 === 0) routed = weightsOf(status);
      }
      assert.deepEqual(weightsOf(status), { green: 100 });
      assert.equal(status.phase, 'Retaining');
    }),
    settings,
  );
});
