import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { sh, until } from '../../../../charts/tests/cluster.ts';
import { failing, good } from './candidates.ts';
import type { Kubernetes } from './kubernetes.ts';
import { objectsOfReleases } from './objects.ts';
import type { Scenario } from './operator.test.ts';
import { NAMESPACE, OPERATOR, type Stage } from './stage.ts';
import { assertWeightsOnlyRise, FACEPASS, followStory, tell, type Story } from './story.ts';

const LEASE = `/apis/coordination.k8s.io/v1/namespaces/${NAMESPACE}/leases/${OPERATOR}`;
/** Long enough for a gate to be asked many times, short enough for a test. */
const OUTAGE_MS = 20_000;
const LEAST_KILLS = 10;
/**
 * A leader may work so long at one step before it is killed there once more. After `LEAST_KILLS` only a new step brings
 * a kill: one leader must see five quiet seconds before a pair goes.
 */
const LEADS_MS = 3_000;

export function outageTests(scenario: Scenario): void {
  scenario(
    'Prometheus stopped for a while holds the release, and it goes on after',
    async (stage, report) => {
      using story = await followStory(stage.kubernetes);
      await using load = stage.load();
      await stage.release(
        good('outage'),
        `--set-json 'release.traffic.steps=[{"weight":10,"hold":"8s"},{"weight":50,"hold":"4s"},{"weight":100,"hold":"4s"}]'`,
      );
      const { candidate } = await story.reaches('10 %', 120, ({ weight }) => weight === 10);
      await sh(`kubectl -n ${NAMESPACE} scale deployment/prometheus --replicas=0`);
      await story.reaches(
        'the gates hold',
        60,
        ({ reason, gates }) => reason === 'GateHolds' && gates!.every(({ result }) => result === 'hold'),
      );
      await delay(OUTAGE_MS);
      assert.equal(story.status().weight, 10, 'the weight stays');
      await sh(`kubectl -n ${NAMESPACE} scale deployment/prometheus --replicas=1`);
      await story.reaches(
        'the release is over',
        180,
        ({ phase, active }) => phase === 'Stable' && active.revision === candidate!.revision,
      );
      await load.stop();
      report(tell(story.chapters));
      report(`${load.answered} answered, ${load.failures.length} failed`);
      assert.deepEqual(load.failures, []);
    },
    { inCore: false },
  );

  scenario(
    'the operator killed at every step: the release ends as ever',
    (stage, report) => survivesKills(stage, 'good', report),
    { inCore: false },
  );
  scenario(
    'the operator killed at every step of a bad release: it is taken back as ever',
    (stage, report) => survivesKills(stage, 'bad', report),
    { inCore: false },
  );
}

async function survivesKills(stage: Stage, kind: 'good' | 'bad', report: (line: string) => void): Promise<void> {
  await sh(
    `kubectl -n ${NAMESPACE} patch deployment ${OPERATOR} --type merge -p '{"spec":{"template":{"spec":{"shareProcessNamespace":true}}}}' && kubectl -n ${NAMESPACE} rollout status deployment/${OPERATOR} --timeout=2m`,
  );
  using story = await followStory(stage.kubernetes);
  const active = story.status().active.revision;
  await using load = stage.load();
  await stage.release(kind === 'good' ? good('killed') : failing());
  const { candidate } = await story.reaches('a candidate', 60, (status) => status.candidate !== undefined);
  const over = ({ phase, candidate: current }: { phase: string; candidate?: unknown }) =>
    phase === 'Stable' && current === undefined;
  const killedAt: string[] = [];
  const giveUp = Date.now() + 400_000;
  for (let seen = '', leadsSince = 0; !over(story.status()) && Date.now() < giveUp; await delay(50)) {
    const moment = momentOf(story);
    if (moment === seen && (killedAt.length >= LEAST_KILLS || Date.now() - leadsSince < LEADS_MS)) continue;
    seen = moment;
    if (await killLeader(stage.kubernetes)) killedAt.push(moment);
    leadsSince = Date.now();
  }
  await until(
    'only the active pair is left',
    120,
    async () => (await objectsOfReleases(stage.kubernetes)).strangers.length === 0,
  );
  await load.stop();
  report(tell(story.chapters));
  report(`${killedAt.length} kills; ${load.answered} answered, ${load.failures.length} failed`);
  report(`killed at:\n${killedAt.join('\n')}`);
  assert.equal(story.status().active.revision, kind === 'good' ? candidate!.revision : active);
  assertWeightsOnlyRise(story, candidate!.revision);
  assert.ok(killedAt.length >= LEAST_KILLS, `${killedAt.length} kills`);
  const last = story.status().active.revision;
  assert.deepEqual(story.weights.at(-1)?.byRevision, { [last]: 100 });
  if (kind === 'good') assert.deepEqual(load.failures, []);
  else {
    assert.equal(story.status().rejected?.reason, 'GateFailed');
    assert.deepEqual(load.failedSince(story.weights.at(-1)!.atMs + 2_000), []);
  }
}

/** What the operator has just written: the kill that follows comes between this write and its next. */
function momentOf(story: Story): string {
  const { phase, step, weight } = story.status();
  return `${phase} ${step} ${weight} ${JSON.stringify(story.weights.at(-1)?.byRevision)}`;
}

/**
 * SIGKILL to the process that holds the Lease, and a new pod instead of the restart that the kubelet would delay more
 * each time.
 */
async function killLeader(kubernetes: Kubernetes): Promise<boolean> {
  const { spec } = await kubernetes.read<{ spec: { holderIdentity?: string } }>(LEASE);
  const pod = spec.holderIdentity;
  if (!pod) return false;
  const script = `for (const pid of require('fs').readdirSync('/proc').filter(Number)) { try { if (require('fs').readFileSync('/proc/' + pid + '/cmdline', 'utf8').includes('operator/main.ts')) process.kill(pid, 'SIGKILL') } catch {} }`;
  // The command ends with the container it runs in, and so may fail for having done its work.
  await sh(`kubectl -n ${NAMESPACE} exec ${pod} -- node -e "$SCRIPT"`, { SCRIPT: script }).catch(() => '');
  const killed = await until('the process is gone', 10, async () => {
    const { status } = await kubernetes.read<{ status: ContainerStates }>(
      `/api/v1/namespaces/${NAMESPACE}/pods/${pod}`,
    );
    return status.containerStatuses?.some(({ state, lastState }) =>
      [state.terminated, lastState.terminated].some((end) => end?.exitCode === 137),
    );
  }).catch(() => false);
  await sh(`kubectl -n ${NAMESPACE} delete pod ${pod} --force --grace-period=0 2>/dev/null`);
  await until('another leads', 60, async () => {
    const lease = await kubernetes.read<{ spec: { holderIdentity?: string } }>(LEASE);
    return Boolean(lease.spec.holderIdentity) && lease.spec.holderIdentity !== pod;
  });
  return Boolean(killed);
}

interface ContainerStates {
  containerStatuses?: {
    state: { terminated?: { exitCode: number } };
    lastState: { terminated?: { exitCode: number } };
  }[];
}

export async function facepassIsGone(kubernetes: Kubernetes): Promise<boolean> {
  return kubernetes.get(FACEPASS).then(
    () => false,
    (error: Error) => error.message.includes(' 404 '),
  );
}
