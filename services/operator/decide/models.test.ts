import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { initialStatus, REQUEST, type GateResult, type Status } from '@facepass/contracts/facepass';
import { gate, MINUTE, READY, seen, specOf, START } from '../tests/world.ts';
import { decide } from './decide.ts';
import { modelRefusal } from './models.ts';
import { weightsOf } from './observation.ts';

const seed = Number(process.env['FACEPASS_TEST_SEED'] ?? Date.now() % 2 ** 31);
console.log(`seed ${seed} (FACEPASS_TEST_SEED repeats it)`);

test('a revision comes after another if each serves the model of the sessions that the other begins', () => {
  for (const [active, wanted] of [
    [undefined, 'sface'],
    ['sface', undefined],
    ['sface', 'sface'],
    ['sface', 'sface,arcface'],
    ['sface,arcface', 'arcface,sface'],
    ['arcface,sface', 'arcface'],
  ])
    assert.equal(modelRefusal(active, wanted), null, `${active} then ${wanted}`);
  assert.match(modelRefusal('sface', 'arcface,sface')!.message, /Release sface,arcface first/);
  assert.match(modelRefusal('sface', 'arcface')!.message, /sessions of arcface without an answer/);
  assert.match(modelRefusal('sface,arcface', 'arcface')!.message, /Release arcface,sface first/);
});

const PACKS = ['sface', 'mobilefacenet', 'arcface'];
const served = fc.shuffledSubarray(PACKS, { minLength: 1 }).map((packs) => packs.join());

type Deed =
  | { deed: 'release'; packs: string }
  | { deed: 'index' | 'erase'; which: number }
  | { deed: 'look'; minutes: number; times: number; gates: GateResult['result'] }
  | { deed: 'rollback' | 'abort' };

const deed: fc.Arbitrary<Deed> = fc.oneof(
  fc.record({ deed: fc.constant('release' as const), packs: served }),
  fc.record({ deed: fc.constantFrom('index' as const, 'erase' as const), which: fc.nat(99) }),
  {
    weight: 6,
    arbitrary: fc.record({
      deed: fc.constant('look' as const),
      minutes: fc.integer({ min: 0, max: 60 }),
      times: fc.constantFrom(1, 1, 2, 12),
      gates: fc.constantFrom<GateResult['result']>('pass', 'pass', 'pass', 'pass', 'pass', 'fail'),
    }),
  },
  fc.record({ deed: fc.constantFrom('rollback' as const, 'abort' as const) }),
);

/** A revision has the name of its packs. */
const packsOf = (revision: string) => revision.split(',');

test('in any order of releases, rollbacks, index calls and erasures, what gets traffic serves the model of each session', () => {
  let begun = 0;
  let released = 0;
  fc.assert(
    fc.property(fc.array(deed, { minLength: 20, maxLength: 120 }), (deeds) => {
      let status: Status = initialStatus();
      let wanted = 'sface';
      let now = START;
      const sessions: string[] = [];
      const look = (gates: GateResult['result'], request?: string) => {
        const isLeft = sessions.some((model) => !packsOf(status.candidate?.revision ?? wanted).includes(model));
        status = decide(
          seen(status, {
            now,
            wanted,
            spec: specOf({ model: { pack: wanted } }),
            refused: status.active?.revision === wanted ? null : modelRefusal(status.active?.model, wanted),
            pairs: Object.fromEntries(
              [wanted, status.active, status.candidate, status.previous].flatMap((one) =>
                one ? [[typeof one === 'string' ? one : one.revision, READY]] : [],
              ),
            ),
            migration: { state: isLeft ? 'failed' : 'succeeded', hasStarted: true, message: '' },
            gates: [gate(gates)],
            annotations: request ? { [request]: String(status.candidate?.number ?? status.active?.number) } : {},
          }),
        ).status;
        for (const revision of Object.keys(weightsOf(status)))
          for (const model of sessions)
            assert.ok(packsOf(revision).includes(model), `${revision} gets traffic, a session is of ${model}`);
      };
      for (const one of deeds) {
        const serving = Object.keys(weightsOf(status));
        if (one.deed === 'release') wanted = one.packs;
        else if (one.deed === 'index' && serving.length > 0)
          begun = sessions.push(packsOf(serving[one.which % serving.length]!)[0]!) && begun + 1;
        else if (one.deed === 'erase') sessions.splice(one.which % (sessions.length || 1), 1);
        else if (one.deed === 'look') {
          for (let time = 0; time < one.times; time++) {
            now += one.minutes * MINUTE;
            look(one.gates);
          }
        } else if (one.deed === 'rollback' || one.deed === 'abort') look('pass', REQUEST[one.deed]);
      }
      released = Math.max(released, status.history.filter(({ result }) => result === 'succeeded').length);
    }),
    { seed, numRuns: 150 },
  );
  assert.ok(begun > 100 && released > 2, `${begun} sessions, ${released} releases in one run`);
});
