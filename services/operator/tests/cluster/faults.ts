import assert from 'node:assert/strict';
import { sh, until } from '../../../../charts/tests/cluster.ts';
import { failing, failingMigration, good, neverReady, slow, wrongModel, type Candidate } from './candidates.ts';
import { objectsOfReleases } from './objects.ts';
import type { Scenario } from './operator.test.ts';
import { NAMESPACE, type Stage } from './stage.ts';
import { assertWeightsOnlyRise, followStory, tell, type Story } from './story.ts';

/** A bad candidate, and how its release must end. */
interface Fault {
  title: string;
  candidate: () => Candidate;
  reason: string;
  /** The most of the requests that it ever gets, in per cent. */
  mostWeight: number;
  inCore?: boolean;
}

const FAULTS: Fault[] = [
  {
    title: 'a release whose API answers 500 is taken back from 10 %',
    candidate: failing,
    reason: 'GateFailed',
    mostWeight: 10,
  },
  {
    title: 'a release that is slow is taken back from 10 %',
    candidate: slow,
    reason: 'GateFailed',
    mostWeight: 10,
    inCore: false,
  },
  {
    title: 'a release whose model is wrong gets no request',
    candidate: wrongModel,
    reason: 'SmokeTestFailed',
    mostWeight: 0,
  },
  {
    title: 'a release that never becomes ready gets no request',
    candidate: neverReady,
    reason: 'NotReady',
    mostWeight: 0,
    inCore: false,
  },
  {
    title: 'a release whose migration fails gets no request',
    candidate: failingMigration,
    reason: 'MigrationFailed',
    mostWeight: 0,
  },
];

/** From the verdict to all requests on the active revision. */
const BACK_WITHIN_MS = 10_000;
/** A gateway may take a moment for the route that the API server has accepted; the test's looks twice a second. */
const GATEWAY_MS = 2_000;

export function faultTests(scenario: Scenario): void {
  for (const { title, candidate, reason, mostWeight, inCore } of FAULTS)
    scenario(title, (stage, report) => isTakenBack(stage, candidate(), reason, mostWeight, report), { inCore });

  scenario(
    'a gateway that accepts the route and ignores its weights stops the release before 50 %',
    async (stage, report) => {
      await sh(`kubectl -n ${NAMESPACE} annotate gateway public test-gateway/fault=ignore-weights`);
      try {
        await isTakenBack(stage, good('ignored-weights'), 'WeightNotObserved', 10, report);
      } finally {
        await sh(`kubectl -n ${NAMESPACE} annotate gateway public test-gateway/fault-`);
      }
    },
    { inCore: false },
  );
}

async function isTakenBack(
  stage: Stage,
  candidate: Candidate,
  reason: string,
  mostWeight: number,
  report: (line: string) => void,
): Promise<void> {
  using story = await followStory(stage.kubernetes);
  const active = story.status().active.revision;
  await using load = stage.load();
  await stage.release(candidate);
  const { candidate: begun } = await story.reaches('a candidate', 30, (status) => status.candidate !== undefined);
  const { rejected } = await story.reaches(
    'the release is given up',
    150,
    (status) => status.rejected?.revision === begun!.revision && status.candidate === undefined,
  );
  await until(
    'only the active pair is left',
    90,
    async () => (await objectsOfReleases(stage.kubernetes)).strangers.length === 0,
  );
  await load.stop();
  report(tell(story.chapters));
  assert.equal(rejected!.reason, reason);
  assert.equal(story.status().active.revision, active);
  assertWeightsOnlyRise(story, begun!.revision);
  assert.equal(Math.max(...story.weights.map(({ byRevision }) => byRevision[begun!.revision] ?? 0)), mostWeight);
  assert.deepEqual(story.weights.at(-1)?.byRevision, { [active]: 100 });
  const { verdictMs, backMs } = momentsOf(story, active);
  const after = load.failedSince(backMs + GATEWAY_MS);
  report(
    `verdict to ${active} at 100 %: ${backMs - verdictMs} ms; ${load.answered} answered; ${load.failures.length} failed before, ${after.length} after`,
  );
  assert.ok(backMs - verdictMs <= BACK_WITHIN_MS);
  assert.deepEqual(after, []);
  if (mostWeight === 0) assert.deepEqual(load.failures, []);
}

/** When the operator first said that the release goes back, and when the route had only the active revision. */
function momentsOf(story: Story, active: string): { verdictMs: number; backMs: number } {
  const verdictMs = story.chapters.find(({ phase }) => phase === 'RollingBack')?.atMs;
  assert.ok(verdictMs !== undefined, 'the phase RollingBack was seen');
  const shifted = story.weights.findLast(({ byRevision }) =>
    Object.keys(byRevision).some((revision) => revision !== active),
  );
  const back = shifted && story.weights[story.weights.indexOf(shifted) + 1];
  return { verdictMs, backMs: Math.max(verdictMs, back?.atMs ?? verdictMs) };
}
