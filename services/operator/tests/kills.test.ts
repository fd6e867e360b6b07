import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import type { KubernetesObject } from '../kubernetes/cluster.ts';
import { createMetrics } from '../metrics.ts';
import type { Facepass, Spec, Status } from '@facepass/contracts/facepass';
import { LABEL } from '../kubernetes/kinds.ts';
import { mayStay } from '../objects/desired.ts';
import { createReconciler } from '../reconcile.ts';
import { createMemoryCluster, Killed, type MemoryCluster } from './memory-cluster.ts';
import { specOf } from './world.ts';

const FAST = [
  { weight: 10, hold: '4s' },
  { weight: 50, hold: '4s' },
  { weight: 100, hold: '4s' },
];
const KEY = 'photos/faces';
/** All writes take a minute: FACEPASS_TEST_KILLS=all. */
const STRIDE = process.env['FACEPASS_TEST_KILLS'] === 'all' ? 1 : 5;
const FIRST = 1 + (Date.now() % STRIDE);
const metrics = createMetrics();

/** What a test does to the resource, once a condition on its status holds. */
interface Deed {
  when: (status: Status | undefined) => boolean;
  change: (facepass: Facepass) => void;
}

const RELEASE: Deed = {
  when: (status) => status?.phase === 'Stable' && status.active?.number === 1,
  change: (facepass) => setImage(facepass, 'two'),
};
const ROLLBACK: Deed = {
  when: (status) => status?.phase === 'Retaining',
  change: ({ metadata }) => (metadata.annotations = { 'facepass.dev/rollback': '2' }),
};
const PROMOTE: Deed = {
  when: (status) => status?.phase === 'Retaining',
  change: ({ metadata }) => (metadata.annotations = { 'facepass.dev/promote': '2' }),
};
const ABORT: Deed = { when: (status) => status?.weight === 50, change: ({ spec }) => (spec.abort = true) };
const UPGRADE: Deed = { when: (status) => status?.weight === 50, change: (facepass) => setImage(facepass, 'three') };

const STORIES: Record<
  string,
  { deeds: Deed[]; window?: string; brokenRevision?: boolean; serves: string; results: string[] }
> = {
  'a good release': { deeds: [RELEASE], serves: 'two', results: ['succeeded', 'succeeded'] },
  'a release and its window': { deeds: [RELEASE], window: '2s', serves: 'two', results: ['succeeded', 'succeeded'] },
  'a release and a rollback': {
    deeds: [RELEASE, ROLLBACK],
    serves: 'one',
    results: ['rolled_back', 'succeeded', 'succeeded'],
  },
  'a release that is aborted': { deeds: [RELEASE, ABORT], serves: 'one', results: ['rolled_back', 'succeeded'] },
  'a release superseded by another': {
    deeds: [RELEASE, UPGRADE],
    serves: 'three',
    results: ['succeeded', 'superseded', 'succeeded'],
  },
  'a release whose migration fails': {
    deeds: [RELEASE],
    brokenRevision: true,
    serves: 'one',
    results: ['rolled_back', 'succeeded'],
  },
};

for (const [title, story] of Object.entries(STORIES)) {
  test(`${title} ends identically wherever the operator is killed`, { timeout: 120_000 }, async (t) => {
    const whole = await play(story, null);
    assert.equal(whole.image, story.serves);
    assert.deepEqual(whole.results, story.results);
    assert.deepEqual(whole.leftOver, []);
    let kills = 0;
    for (let at = FIRST; at <= whole.writes; at += STRIDE) {
      const when = Math.floor(at / STRIDE) % 2 === 0 ? 'before' : 'after';
      const end = await play(story, { at, when });
      kills += end.kills;
      assert.deepEqual(
        { ...end, writes: 0, kills: 0 },
        { ...whole, writes: 0, kills: 0 },
        `killed ${when} write ${at} of ${whole.writes}`,
      );
    }
    assert.ok(kills >= Math.floor(whole.writes / STRIDE), 'each run was killed once');
    t.diagnostic(`${kills} kills before or after one of ${whole.writes} writes, from write ${FIRST} on`);
  });
}

test('polls after an early end of the window until the last requests stop, not only at the next resync', async () => {
  await using cluster = await createMemoryCluster();
  const first = facepassOf('10m');
  first.spec.traffic.steps = [
    { weight: 10, hold: '1s' },
    { weight: 100, hold: '0s' },
  ];
  cluster.put(first);
  let now = Date.parse('2026-11-23T12:00:00Z');
  const reconcile = createOperator(cluster, () => now);
  const deeds: Deed[] = [RELEASE, PROMOTE];
  const waits: (number | null)[] = [];
  for (let look = 0; look < 120 && (deeds.length > 0 || current(cluster).status?.phase !== 'Stable'); look += 1) {
    const again = await reconcile(KEY);
    const facepass = current(cluster);
    if (facepass.status?.reason === 'TrafficNotMoved') waits.push(again);
    if (deeds[0]?.when(facepass.status)) {
      deeds.shift()?.change(facepass);
      cluster.put(facepass);
    }
    cluster.tick(1000);
    now += again === 0 ? 100 : 2000;
  }
  assert.equal(current(cluster).status?.phase, 'Stable');
  assert.ok(waits.length > 0, 'the last requests were waited for');
  assert.deepEqual(
    waits.filter((ms) => ms === null || ms > 2000),
    [],
  );
});

/** Runs a story to its end, and what is there then. */
async function play(
  { deeds, window = '10m', brokenRevision = false }: (typeof STORIES)[string],
  kill: MemoryCluster['kill'],
) {
  await using cluster = await createMemoryCluster({
    jobFails: (job) => brokenRevision && /-migrate-2-/.test(job.metadata.name),
  });
  cluster.put(facepassOf(window));
  cluster.kill = kill;
  let now = Date.parse('2026-11-23T12:00:00Z');
  let reconcile = createOperator(cluster, () => now);
  let kills = 0;
  const open = [...deeds];
  for (let look = 0; look < 120; look += 1) {
    const again = await reconcile(KEY).catch((error: Error) => {
      if (!(error instanceof Killed)) throw error;
      return 0;
    });
    const wasKilled = cluster.isDead;
    if (wasKilled) {
      kills += 1;
      cluster.isDead = false;
      reconcile = createOperator(cluster, () => now);
    }
    const facepass = current(cluster);
    if (open[0]?.when(facepass.status)) {
      open.shift()?.change(facepass);
      cluster.put(facepass);
    } else if (open.length === 0 && !wasKilled && again !== 0 && isAtRest(facepass, window)) break;
    cluster.tick(1000);
    now += again === 0 ? 100 : 2000;
  }
  const { status } = current(cluster);
  const image = (
    cluster.objects.get(`Deployment/photos/faces-api-${status?.active?.revision}`)?.['spec'] as Spec['api'] | undefined
  )?.template.spec.containers[0]?.['image'];
  const kinds = ['ControllerRevision', 'Deployment', 'Service', 'Job', 'HTTPRoute', 'Pod'];
  return {
    image,
    phase: status?.phase,
    reason: status?.reason,
    results: status?.history.map((entry) => entry.result),
    rejected: status?.rejected?.reason,
    route: (cluster.objects.get('HTTPRoute/photos/faces')?.['spec'] as { rules: object } | undefined)?.rules,
    objects: kinds.flatMap((kind) => cluster.named(kind)),
    leftOver: [...cluster.objects.values()]
      .filter(
        (one) =>
          one.metadata.labels?.[LABEL.revision] && !mayStay(status!, one.kind, one.metadata.labels[LABEL.revision]!),
      )
      .map((one) => `${one.kind}/${one.metadata.name}`),
    events:
      [...cluster.objects.values()]
        .filter((one) => one.kind === 'Event')
        .map((one) => one['reason'])
        .filter((reason) => reason !== 'ReleaseStarted').length > 0,
    writes: cluster.writes,
    kills,
  };
}

function isAtRest({ status }: Facepass, window: string): boolean {
  if (!status || status.candidate) return false;
  return status.phase === 'Stable' ? status.release > 1 : status.phase === 'Retaining' && window !== '2s';
}

function createOperator(cluster: MemoryCluster, now: () => number) {
  return createReconciler({
    cluster,
    now,
    config: { podMetricsPort: cluster.metricsPort, resyncMs: 60_000, stepIntervalMs: 2000 },
    query: async () => 0,
    leadership: { isLeader: () => true, assertHeld: async () => undefined },
    metrics,
    logger: pino({ level: 'silent' }),
  });
}

function current(cluster: MemoryCluster): Facepass {
  return structuredClone(cluster.objects.get('Facepass/photos/faces')) as Facepass;
}

function facepassOf(window: string): KubernetesObject & Facepass {
  const traffic = { ...specOf().traffic, steps: FAST };
  const facepass = {
    apiVersion: 'facepass.dev/v1alpha1',
    kind: 'Facepass',
    metadata: { name: 'faces', namespace: 'photos', uid: 'f1' },
    spec: specOf({ traffic, rollback: { window }, gates: [] }),
  };
  setImage(facepass, 'one');
  return facepass;
}

function setImage({ spec }: Facepass, image: string): void {
  const template = { spec: { containers: [{ name: 'api', image }] } };
  for (const part of [spec.api, spec.inference, spec.migration]) if (part) part.template = structuredClone(template);
}
