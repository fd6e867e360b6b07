import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { root, sh, until } from '../../../../charts/tests/cluster.ts';
import { good } from './candidates.ts';
import { objectsOfReleases } from './objects.ts';
import type { Scenario } from './operator.test.ts';
import { facepassIsGone } from './outages.ts';
import { requestsByRevision, shareOf } from './shares.ts';
import { NAME, NAMESPACE, OPERATOR, type Stage } from './stage.ts';
import { assertWeightsOnlyRise, followStory, tell, type Story } from './story.ts';

const ROUNDS = 10;
const LONG_WINDOW = '--set release.rollbackWindow=10m';
const SHORT_STEPS = `--set-json 'release.traffic.steps=[{"weight":10,"hold":"1s"},{"weight":50,"hold":"1s"},{"weight":100,"hold":"1s"}]' --set release.traffic.share.minRequests=20`;
const SLOW_STEPS = `--set-json 'release.traffic.steps=[{"weight":10,"hold":"15s"},{"weight":50,"hold":"15s"},{"weight":100,"hold":"4s"}]'`;

export function lifecycleTests(scenario: Scenario): void {
  scenario(
    'a helm upgrade in the middle of a release: the same template changes nothing, another supersedes it',
    upgradedInTheMiddle,
    { inCore: false },
  );
  scenario(
    'ten releases and ten rollbacks in a row, without a failed request or a leftover object',
    releasesAndRollbacks,
    { inCore: false },
  );
  scenario('the command line pauses, resumes, promotes and aborts', steeredByCommandLine, { inCore: false });
  scenario(
    'an uninstall of the operator in the middle of a release moves no traffic, and one of the Facepass leaves nothing',
    uninstalled,
  );
  scenario(
    'without a Gateway API a Service goes over with all requests at once, and back, and the status says so',
    flippedBySelector,
    { inCore: false },
  );
}

async function upgradedInTheMiddle(stage: Stage, report: (line: string) => void): Promise<void> {
  using story = await followStory(stage.kubernetes);
  await using load = stage.load();
  await stage.release(good('first'), SLOW_STEPS);
  const { candidate: first } = await story.reaches('10 %', 120, ({ weight }) => weight === 10);
  await stage.release(good('first'), SLOW_STEPS, '--set release.rollbackWindow=6s');
  await delay(5000);
  assert.deepEqual(
    [story.status().candidate?.revision, story.status().weight],
    [first!.revision, 10],
    'the release goes on',
  );
  await stage.release(good('second'));
  const { candidate: second } = await story.reaches(
    'another candidate',
    60,
    ({ candidate }) => candidate !== undefined && candidate.revision !== first!.revision,
  );
  await story.reaches(
    'the second is released',
    180,
    ({ phase, active }) => phase === 'Stable' && active.revision === second!.revision,
  );
  await until(
    'only the active pair is left',
    90,
    async () => (await objectsOfReleases(stage.kubernetes)).strangers.length === 0,
  );
  await load.stop();
  report(tell(story.chapters));
  report(`${load.answered} answered, ${load.failures.length} failed`);
  assert.deepEqual(load.failures, []);
  for (const { revision } of [first!, second!]) assertWeightsOnlyRise(story, revision);
}

async function releasesAndRollbacks(stage: Stage, report: (line: string) => void): Promise<void> {
  using story = await followStory(stage.kubernetes);
  await using load = stage.load();
  const active = story.status().active.revision;
  const podsBefore = await podsOf(stage, active);
  const backMs: number[] = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    await stage.release(good(`round-${round}`), LONG_WINDOW, SHORT_STEPS);
    await story.reaches(
      `release of round ${round}`,
      150,
      ({ phase, active: now }) => phase === 'Retaining' && now.revision !== active,
    );
    const asked = Date.now();
    await facepass('rollback');
    await story.reaches(
      `rollback of round ${round}`,
      60,
      ({ phase, candidate, active: now }) => phase === 'Stable' && candidate === undefined && now.revision === active,
    );
    backMs.push(story.weights.at(-1)!.atMs - asked);
  }
  await until(
    'only the active pair is left',
    90,
    async () => (await objectsOfReleases(stage.kubernetes)).strangers.length === 0,
  );
  await load.stop();
  const { all } = await objectsOfReleases(stage.kubernetes);
  report(`${ROUNDS} releases, ${ROUNDS} rollbacks; from the command to 100 % of the earlier: ${backMs.join(', ')} ms`);
  report(
    `${load.answered} answered, ${load.failures.length} failed; p99 ${load.quantile(0.99)} ms; left: ${all.join(', ')}`,
  );
  assert.deepEqual(load.failures, []);
  assert.deepEqual(await podsOf(stage, active), podsBefore, 'no pod of the active revision was made anew or restarted');
}

async function steeredByCommandLine(stage: Stage, report: (line: string) => void): Promise<void> {
  using story = await followStory(stage.kubernetes);
  const active = story.status().active.revision;
  await using load = stage.load();
  await stage.release(good('steered'), LONG_WINDOW, SLOW_STEPS);
  await story.reaches('10 %', 120, ({ weight }) => weight === 10);
  await using paused = new AsyncDisposableStack();
  paused.defer(async () => void (await facepass('resume')));
  await facepass('pause');
  await story.reaches('paused', 20, ({ reason }) => reason === 'Paused');
  await delay(20_000);
  assert.equal(story.status().weight, 10, 'a paused release stays beyond its hold');
  report(await facepass('status'));
  await facepass('abort');
  await story.reaches(
    'aborted',
    60,
    ({ candidate, rejected }) => candidate === undefined && rejected?.reason === 'Aborted',
  );
  assert.deepEqual(story.weights.at(-1)?.byRevision, { [active]: 100 });
  assert.match(await facepass('abort'), /No release is in progress/);
  await facepass('resume');
  await stage.release(
    good('promoted'),
    LONG_WINDOW,
    '--set-json \'release.traffic.steps=[{"weight":10,"hold":"30m"},{"weight":100,"hold":"30m"}]\'',
  );
  const { candidate } = await story.reaches('10 % again', 120, ({ weight }) => weight === 10);
  await facepass('promote');
  await story.reaches(
    'promoted',
    60,
    ({ phase, active: now }) => phase === 'Retaining' && now.revision === candidate!.revision,
  );
  await facepass('promote');
  await story.reaches('the window is ended', 60, ({ phase }) => phase === 'Stable');
  await assert.rejects(facepass('rollback'), /Rollback is not possible/);
  await load.stop();
  report(tell(story.chapters));
  assert.deepEqual(load.failures, []);
}

async function uninstalled(stage: Stage, report: (line: string) => void): Promise<void> {
  using story = await followStory(stage.kubernetes);
  await using load = stage.load();
  await stage.release(good('orphaned'), SLOW_STEPS);
  const { candidate } = await story.reaches('50 %', 120, ({ weight }) => weight === 50);
  const weights = story.weights.at(-1)!.byRevision;
  await sh(`helm -n ${NAMESPACE} uninstall ${OPERATOR} --wait --timeout 2m`);
  await delay(10_000);
  assert.deepEqual(story.weights.at(-1)!.byRevision, weights, 'no traffic moved');
  await stage.installOperator();
  await story.reaches(
    'the release goes on and ends',
    120,
    ({ phase, active }) => phase === 'Stable' && active.revision === candidate!.revision,
  );
  await load.stop();
  report(
    `${load.answered} answered, ${load.failures.length} failed, ten seconds of them without an operator at ${JSON.stringify(weights)}`,
  );
  assert.deepEqual(load.failures, []);
  const shifts = story.weights.length;
  await sh(`helm -n ${NAMESPACE} uninstall faces --wait --timeout 2m`);
  await until(
    'the Facepass and all that it owned are gone',
    120,
    async () =>
      (await facepassIsGone(stage.kubernetes)) && (await objectsOfReleases(stage.kubernetes)).all.length === 0,
  );
  assertGoneAtOnce(story, shifts);
}

/**
 * A Facepass of its own, since none goes from a route to a Service; requests come by the API server's proxy of the
 * Service, past the gateway.
 */
async function flippedBySelector(stage: Stage, report: (line: string) => void): Promise<void> {
  const selector = ['--set release.traffic.mode=Selector', '--set httpRoute.enabled=false', LONG_WINDOW];
  await sh(`helm -n ${NAMESPACE} uninstall faces --ignore-not-found --wait --timeout 2m`);
  await until(
    'an earlier Facepass is gone',
    120,
    async () =>
      (await facepassIsGone(stage.kubernetes)) && (await objectsOfReleases(stage.kubernetes)).all.length === 0,
  );
  await stage.release(good('before'), ...selector);
  await sh(`kubectl -n ${NAMESPACE} wait --for=condition=Released facepass/${NAME} --timeout=180s`);
  using story = await followStory(stage.kubernetes);
  const active = story.status().active.revision;
  await using load = stage.loadOfService();
  await stage.release(good('flipped'), ...selector);
  const { candidate } = await story.reaches('the smoke test', 120, ({ phase }) => phase === 'Testing');
  const before = (await requestsByRevision(stage.kubernetes))[candidate!.revision] ?? 0;
  const { trafficMode, observedWeight } = await story.reaches(
    'all requests are moved',
    120,
    ({ phase, active: now }) => phase === 'Retaining' && now.revision === candidate!.revision,
  );
  const share = await shareOf(stage.kubernetes, candidate!.revision, 200);
  await facepass('rollback');
  await story.reaches('rolled back', 60, ({ phase, active: now }) => phase === 'Stable' && now.revision === active);
  const shareBack = await shareOf(stage.kubernetes, active, 200);
  await until(
    'only the active pair is left',
    90,
    async () => (await objectsOfReleases(stage.kubernetes)).strangers.length === 0,
  );
  await load.stop();
  report(tell(story.chapters));
  report(
    `${load.answered} answered, ${load.failures.length} failed; of 200 each: ${share} to the candidate after, ${shareBack} to the earlier pair after the rollback`,
  );
  assert.deepEqual({ before, share, shareBack }, { before: 0, share: 1, shareBack: 1 });
  assert.deepEqual({ trafficMode, observedWeight }, { trafficMode: 'Selector', observedWeight: undefined });
  assert.deepEqual(story.weights, [], 'no route is made');
  assert.deepEqual(load.failures, []);
}

/** After the deletion the route is removed as it is: it gets no other weights first. */
function assertGoneAtOnce({ weights }: Story, shifts: number): void {
  assert.deepEqual(
    weights.slice(shifts).map(({ byRevision }) => byRevision),
    [{}],
  );
}

async function facepass(command: string): Promise<string> {
  return sh(`node ${root}services/cli/facepass.mjs release ${command} ${NAME} --namespace ${NAMESPACE}`);
}

/** Names, restarts and uids of a revision's pods. */
async function podsOf({ kubernetes }: Stage, revision: string): Promise<string[]> {
  const { items } = await kubernetes.read<{
    items: { metadata: { name: string; uid: string }; status: { containerStatuses?: { restartCount: number }[] } }[];
  }>(
    `/api/v1/namespaces/${NAMESPACE}/pods?labelSelector=facepass.dev%2Frevision%3D${revision},facepass.dev%2Fcomponent+in+(api,inference)`,
  );
  return items
    .map(
      ({ metadata, status }) =>
        `${metadata.name} ${metadata.uid} ${status.containerStatuses?.map(({ restartCount }) => restartCount)}`,
    )
    .sort();
}
