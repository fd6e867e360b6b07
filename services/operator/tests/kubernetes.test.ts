import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { applyObjects } from '../objects/apply.ts';
import { connectToCluster, KubernetesError, type Cluster, type KubernetesObject } from '../kubernetes/cluster.ts';
import { createMetrics } from '../metrics.ts';
import { initialStatus, type Facepass } from '@facepass/contracts/facepass';
import { FACEPASS, LEASE, SERVICE } from '../kubernetes/kinds.ts';
import { competeForLease, NotLeader } from '../kubernetes/lease.ts';
import { desiredObjects } from '../objects/desired.ts';
import { revisionDataOf, revisionNameOf } from '../objects/revision.ts';
import { keepWatching } from '../watch.ts';

const missing = process.env['KUBECONFIG'] ? false : 'needs a cluster: set KUBECONFIG';
const root = join(import.meta.dirname, '../../..');
const namespace = `facepass-operator-${randomUUID().slice(0, 8)}`;
const noCluster = null as unknown as Cluster;
const cluster = missing ? noCluster : connectToCluster({ timeoutMs: 8000 });
const logger = pino({ level: 'silent' });

before(() => {
  if (missing) return;
  kubectl('apply', '--server-side', '--force-conflicts', '-f', join(root, 'charts/facepass-operator/files/crd.yaml'));
  kubectl('wait', '--for=condition=Established', 'crd/facepasses.facepass.dev', '--timeout=30s');
  kubectl('create', 'namespace', namespace);
});

after(() => {
  if (!missing) kubectl('delete', 'namespace', namespace, '--wait=false');
});

test('the API server sets defaults and rejects contradictions', { skip: missing }, async (t) => {
  const made = await cluster.create<Facepass>(FACEPASS, facepass('defaults'));
  assert.deepEqual(
    made.spec.traffic.steps.map(({ weight }) => weight),
    [10, 50, 100],
  );
  assert.deepEqual(made.spec.traffic.share, { tolerance: 5, minRequests: 300, deadline: '5m' });
  assert.deepEqual(
    [made.spec.rollback, made.spec.deadlines, made.spec.gates, made.spec.paused],
    [{ window: '24h' }, { ready: '15m', route: '2m' }, [], false],
  );
  assert.deepEqual(made.spec.api.template, facepass('x').spec.api.template, 'templates are kept as they are');

  const wrong: [title: string, change: (spec: any) => void, rule: RegExp][] = [
    [
      'steps that do not end at 100',
      (spec) => (spec.traffic.steps = [{ weight: 10 }, { weight: 50 }]),
      /the last step must have the weight 100/,
    ],
    [
      'steps that fall',
      (spec) => (spec.traffic.steps = [{ weight: 50 }, { weight: 10 }, { weight: 100 }]),
      /must ascend/,
    ],
    [
      'steps that repeat',
      (spec) => (spec.traffic.steps = [{ weight: 10 }, { weight: 10 }, { weight: 100 }]),
      /must ascend/,
    ],
    ['a weight beyond 100', (spec) => (spec.traffic.steps = [{ weight: 101 }]), /should be less than or equal to 100/],
    ['a hold that is no duration', (spec) => (spec.traffic.steps = [{ weight: 100, hold: 'soon' }]), /should match/],
    ['a gate without a limit', (spec) => (spec.gates = [{ name: 'a', query: 'x' }]), /either max or maxRatioToActive/],
    [
      'a gate with two limits',
      (spec) => (spec.gates = [{ name: 'a', query: 'x', max: 1, maxRatioToActive: 1 }]),
      /either max or maxRatioToActive/,
    ],
    [
      'two gates of one name',
      (spec) =>
        (spec.gates = [
          { name: 'a', query: 'x', max: 1 },
          { name: 'a', query: 'y', max: 1 },
        ]),
      /Duplicate value/,
    ],
    ['a gateway mode without a gateway', (spec) => delete spec.traffic.route, /needs route.parentRefs/],
    [
      'a size and an autoscaler',
      (spec) => (spec.api = { ...spec.api, replicas: 2, autoscaling: { minReplicas: 1, maxReplicas: 2 } }),
      /exclude each other/,
    ],
    [
      'fewest more than most',
      (spec) => (spec.api = { ...spec.api, autoscaling: { minReplicas: 3, maxReplicas: 2 } }),
      /minReplicas is larger/,
    ],
  ];
  for (const [title, change, rule] of wrong) {
    await t.test(title, async () => {
      const one = facepass('wrong');
      change(one.spec);
      await assert.rejects(
        cluster.create(FACEPASS, one),
        (error: KubernetesError) => error.status === 422 && rule.test(error.message),
      );
    });
  }
  await t.test('a name too long', () =>
    assert.rejects(cluster.create(FACEPASS, facepass('n'.repeat(41))), /more than 40 characters/),
  );
  await t.test('a way back from Gateway to Selector', async () => {
    const changed = { ...made, spec: { ...made.spec, traffic: { ...made.spec.traffic, mode: 'Selector' as const } } };
    await assert.rejects(cluster.replace(FACEPASS, changed), /cannot change from Gateway to Selector/);
  });
});

test('writes the status only to the version of the resource that was read', { skip: missing }, async () => {
  const made = await cluster.create<Facepass>(FACEPASS, facepass('status'));
  const status = {
    ...initialStatus(),
    release: 7,
    conditions: [
      {
        type: 'Ready',
        status: 'True' as const,
        reason: 'Serving',
        message: '',
        lastTransitionTime: '2026-11-23T12:00:00Z',
      },
    ],
  };
  const written = await cluster.replace<Facepass>(FACEPASS, { ...made, status }, 'status');
  assert.deepEqual(written.status, status, 'no field of the status is dropped by the schema');
  assert.equal(written.metadata.generation, made.metadata.generation);
  await assert.rejects(cluster.replace(FACEPASS, { ...made, status: initialStatus() }, 'status'), { status: 409 });
});

test('applies unchanged objects only once', { skip: missing }, async () => {
  const made = await cluster.create<Facepass>(FACEPASS, facepass('apply'));
  const { desired, status } = planOf(made);
  const hands = { cluster, assertHeld: async () => undefined, owner: ownerOf(made) };
  assert.deepEqual([...(await applyObjects(hands, desired, [], status, false))], []);
  const first = await liveObjects(desired);
  await applyObjects(hands, desired, first, status, true);
  const second = await liveObjects(desired);
  for (const [place, object] of second.entries())
    assert.equal(
      object.metadata.generation,
      first[place]?.metadata.generation,
      `${object.kind} ${object.metadata.name}`,
    );

  // A field of another owner stays, a field of the operator's is put right.
  kubectl('-n', namespace, 'label', 'service', 'apply-api', 'team=photos');
  kubectl(
    '-n',
    namespace,
    'patch',
    'service',
    'apply-api',
    '--type=merge',
    '-p',
    '{"spec":{"selector":{"facepass.dev/revision":"stolen"}}}',
  );
  let writes = 0;
  const counting = {
    cluster: { ...cluster, apply: (...call: Parameters<Cluster['apply']>) => ((writes += 1), cluster.apply(...call)) },
    assertHeld: async () => undefined,
    owner: ownerOf(made),
  };
  await applyObjects(counting, desired, await liveObjects(desired), status, false);
  assert.equal(writes, 1);
  const service = (await cluster.get(SERVICE, namespace, 'apply-api')) as KubernetesObject & {
    spec: { selector: Record<string, string> };
  };
  assert.equal(service.metadata.labels?.['team'], 'photos');
  assert.equal(service.spec.selector['facepass.dev/revision'], status.active?.revision);
  assert.equal(service.metadata.ownerReferences?.[0]?.uid, made.metadata.uid);
});

test('writes the other objects when one is rejected', { skip: missing }, async () => {
  const made = await cluster.create<Facepass>(FACEPASS, facepass('refused'));
  const { desired, status } = planOf(made);
  const deployment = desired.find((one) => one.kind === 'Deployment') as KubernetesObject & {
    spec: { template: { spec: { containers: object[] } } };
  };
  deployment.spec.template.spec.containers = [{ name: 'NOT A NAME' }];
  const hands = { cluster, assertHeld: async () => undefined, owner: ownerOf(made) };
  const refusals = await applyObjects(hands, desired, [], status, false);
  assert.deepEqual([...refusals.keys()], [deployment.metadata.name]);
  assert.match(refusals.get(deployment.metadata.name) ?? '', /Invalid value: "NOT A NAME"/);
  assert.ok(await cluster.get(SERVICE, namespace, 'refused-api-preview'));
});

test('names an object of another owner and does not change it until it is handed over', { skip: missing }, async () => {
  const made = await cluster.create<Facepass>(FACEPASS, facepass('strange'));
  const { desired, status } = planOf(made);
  const hands = { cluster, assertHeld: async () => undefined, owner: ownerOf(made) };
  const service = (annotations: Record<string, string>) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'strange-api', namespace, labels: { app: 'photos' }, annotations },
    spec: { selector: { app: 'photos' }, ports: [{ port: 80 }] },
  });
  await cluster.create(SERVICE, service({ 'meta.helm.sh/release-name': 'faces' }));
  const present = async () =>
    (await cluster.get(SERVICE, namespace, 'strange-api')) as KubernetesObject & { spec: { selector: object } };
  const refusals = await applyObjects(hands, desired, [], status, true);
  assert.deepEqual(
    [...refusals],
    [['strange-api', 'Service strange-api belongs to the Helm release faces; not changed']],
  );
  assert.deepEqual((await present()).spec.selector, { app: 'photos' });
  assert.equal((await present()).metadata.ownerReferences, undefined);
  assert.ok(await cluster.get(SERVICE, namespace, 'strange-api-preview'), 'the others are written');

  kubectl('-n', namespace, 'annotate', 'service', 'strange-api', 'facepass.dev/adopt=strange');
  assert.deepEqual([...(await applyObjects(hands, desired, [], status, true))], []);
  assert.equal((await present()).metadata.ownerReferences?.[0]?.uid, made.metadata.uid);

  // Given back: no label and no owner any more. It is not taken again.
  kubectl(
    '-n',
    namespace,
    'annotate',
    'service',
    'strange-api',
    'facepass.dev/adopt-',
    'meta.helm.sh/release-name=faces',
  );
  kubectl('-n', namespace, 'label', 'service', 'strange-api', 'facepass.dev/name-');
  kubectl(
    '-n',
    namespace,
    'patch',
    'service',
    'strange-api',
    '--type=json',
    '-p',
    '[{"op":"remove","path":"/metadata/ownerReferences"}]',
  );
  assert.deepEqual([...(await applyObjects(hands, desired, [], status, true)).keys()], ['strange-api']);
});

test('a process that lost its Lease stops writing', { skip: missing, timeout: 120_000 }, async () => {
  const config = { namespace, name: 'lost', holder: 'first', durationMs: 10_000, renewDeadlineMs: 8000, retryMs: 200 };
  const changes: string[] = [];
  await using first = compete('first');
  await until(() => first.leadership.isLeader());
  await first.leadership.assertHeld();
  await using second = compete('second');
  const renewed = new Set<string>();
  while (renewed.size < 4) renewed.add((await leaseOf(config.name)).spec.renewTime);
  assert.equal(second.leadership.isLeader(), false, 'one that renews is left alone');

  // Somebody else's name in the Lease, while the first one's clock says that it still holds.
  await giveLeaseTo('third');
  await assert.rejects(async () => {
    for (;;) await first.leadership.assertHeld();
  }, NotLeader);
  assert.equal(first.leadership.isLeader(), false);
  const fenced = await cluster.create<Facepass>(FACEPASS, facepass('fenced'));
  await assert.rejects(
    applyObjects(
      { cluster, assertHeld: first.leadership.assertHeld, owner: ownerOf(fenced) },
      planOf(fenced).desired,
      [],
      initialStatus(),
      false,
    ),
    NotLeader,
  );
  assert.equal(await cluster.get(SERVICE, namespace, 'fenced-api-preview'), null);

  await until(() => first.leadership.isLeader() || second.leadership.isLeader());
  assert.ok(!(first.leadership.isLeader() && second.leadership.isLeader()));
  assert.ok(changes.filter((change) => change.endsWith('true')).length >= 2);

  /** Again where the holder has renewed it meanwhile. */
  async function giveLeaseTo(holderIdentity: string): Promise<void> {
    const lease = (await cluster.get(LEASE, namespace, config.name)) as KubernetesObject & { spec: object };
    try {
      await cluster.replace(LEASE, { ...lease, spec: { ...lease.spec, holderIdentity } } as KubernetesObject);
    } catch (error) {
      if ((error as KubernetesError).status !== 409) throw error;
      await giveLeaseTo(holderIdentity);
    }
  }

  function compete(holder: string) {
    const stop = new AbortController();
    const leadership = competeForLease(
      cluster,
      { ...config, holder },
      { onChange: (isLeader) => changes.push(`${holder} ${isLeader}`), onError: () => undefined },
      stop.signal,
    );
    return {
      leadership,
      async [Symbol.asyncDispose]() {
        stop.abort();
        await leadership.ended;
      },
    };
  }
});

test(
  'a holder that cannot reach the API steps down before its Lease may be taken',
  { skip: missing, timeout: 120_000 },
  async () => {
    let isCut = false;
    const cut: Cluster = {
      ...cluster,
      get: (...call: Parameters<Cluster['get']>) =>
        (isCut ? Promise.reject(new KubernetesError(0, 'cut')) : cluster.get(...call)) as never,
    };
    const stop = new AbortController();
    const config = { namespace, name: 'cut', durationMs: 6000, renewDeadlineMs: 3000, retryMs: 100 };
    const changes: string[] = [];
    const compete = (through: Cluster, holder: string) =>
      competeForLease(
        through,
        { ...config, holder },
        { onChange: (isLeader) => changes.push(`${holder} ${isLeader}`), onError: () => undefined },
        stop.signal,
      );
    const leadership = compete(cut, 'first');
    await until(() => leadership.isLeader());
    const rival = compete(cluster, 'rival');
    isCut = true;
    await until(() => changes.includes('rival true'));
    assert.deepEqual(changes, ['first true', 'first false', 'rival true']);
    stop.abort();
    await Promise.all([leadership.ended, rival.ended]);
  },
);

test(
  'a watch outlives its ends, its errors and versions that are too old',
  { skip: missing, timeout: 120_000 },
  async () => {
    const stop = new AbortController();
    const seen: string[] = [];
    const calls = { list: 0, watch: 0 };
    const ends: ((error?: KubernetesError) => void)[] = [];
    const watched: Cluster = {
      ...cluster,
      list: (...call: Parameters<Cluster['list']>) => ((calls.list += 1), cluster.list(...call)) as never,
      watch: (resource, inNamespace, version, onEvent, _signal, labelSelector) => {
        calls.watch += 1;
        const end = new AbortController();
        const cutOff = new Promise<void>((resolve, reject) =>
          ends.push((error) => (end.abort(), error ? reject(error) : resolve())),
        );
        // The version 1 is long gone from etcd: the server itself answers 410.
        return Promise.race([
          cluster.watch(
            resource,
            inNamespace,
            calls.watch === 3 ? '1' : version,
            onEvent,
            AbortSignal.any([end.signal, stop.signal]),
            labelSelector,
          ),
          cutOff,
        ]);
      },
    };
    const metrics = createMetrics();
    const watching = keepWatching({
      cluster: watched,
      resource: FACEPASS,
      namespace,
      metrics,
      logger,
      signal: stop.signal,
      onList: () => undefined,
      onChange: (key) => seen.push(key),
    });
    const appears = async (name: string) => {
      await cluster.create(FACEPASS, facepass(name));
      await until(() => seen.includes(`${namespace}/${name}`));
    };
    await until(() => calls.watch === 1);
    await appears('watch-1');
    ends.at(-1)?.();
    await until(() => calls.watch === 2);
    assert.equal(calls.list, 1, 'an end as arranged goes on where it was');
    await appears('watch-2');
    ends.at(-1)?.();
    await until(() => calls.watch >= 4);
    assert.ok(calls.list >= 2, 'a version that is gone lists anew');
    await appears('watch-3');
    ends.at(-1)?.(new KubernetesError(0, 'connection reset'));
    await appears('watch-4');
    assert.match(
      await metrics.registry.metrics(),
      new RegExp(
        `facepass_operator_watch_synced_timestamp_seconds\\{namespace="${namespace}",kind="Facepass"\\} \\d{10}`,
      ),
    );
    stop.abort();
    await watching;
  },
);

test(
  'a process leads, answers its probes, leaves a resource that is being deleted alone, and hands its Lease over when it is stopped',
  { skip: missing, timeout: 120_000 },
  async () => {
    await using stopping = await withFinalizer('leaving');
    const environment = {
      ...process.env,
      POD_NAMESPACE: namespace,
      POD_NAME: 'process',
      LEASE_NAME: 'process',
      METRICS_PORT: '0',
      HOST: '127.0.0.1',
    };
    const operator = spawn(process.execPath, [join(root, 'services/operator/main.ts')], {
      env: environment,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines: { msg: string; metrics_port?: number; name?: string }[] = [];
    await using _operator = { [Symbol.asyncDispose]: async () => void operator.kill('SIGKILL') };
    createInterface(operator.stdout).on('line', (line) => lines.push(JSON.parse(line)));
    await cluster.create(FACEPASS, facepass('led'));
    await until(() => lines.some(({ msg, name }) => /release 1 of revision/.test(msg) && name === 'led'));
    const url = `http://127.0.0.1:${lines.find(({ metrics_port }) => metrics_port)?.metrics_port}`;
    assert.equal((await fetch(`${url}/readyz`)).status, 200);
    const metrics = async () => (await fetch(`${url}/metrics`)).text();
    assert.match(await metrics(), /^facepass_operator_leader 1$/m);
    const noneYet = `facepass_operator_releases_total{namespace="${namespace}",name="led",result="rolled_back"} 0\n`;
    while (!(await metrics()).includes(noneYet)) await delay(20);
    assert.equal((await cluster.get<Facepass>(FACEPASS, namespace, stopping.name))?.status, undefined);

    const ended = once(operator, 'exit');
    operator.kill('SIGTERM');
    assert.deepEqual(await ended, [0, null]);
    const lease = (await cluster.get(LEASE, namespace, 'process')) as KubernetesObject & {
      spec: { holderIdentity: string };
    };
    assert.equal(lease.spec.holderIdentity, '');
  },
);

async function leaseOf(name: string) {
  return (await cluster.get(LEASE, namespace, name)) as KubernetesObject & { spec: { renewTime: string } };
}

/** A resource whose deletion waits for somebody. */
async function withFinalizer(name: string) {
  const made = facepass(name);
  await cluster.create(FACEPASS, {
    ...made,
    metadata: { ...made.metadata, finalizers: ['facepass.dev/test'] },
  } as Facepass);
  kubectl('-n', namespace, 'delete', 'facepass', name, '--wait=false');
  return {
    name,
    [Symbol.asyncDispose]: async () =>
      void kubectl(
        '-n',
        namespace,
        'patch',
        'facepass',
        name,
        '--type=merge',
        '-p',
        '{"metadata":{"finalizers":null}}',
      ),
  };
}

function ownerOf({ metadata }: Facepass): { name: string; uid: string } {
  return { name: metadata.name, uid: metadata.uid ?? '' };
}

function facepass(name: string): Facepass {
  const template = {
    metadata: { labels: { app: 'photos' }, annotations: { note: 'kept' } },
    spec: {
      containers: [{ name: 'api', image: 'none.invalid/none:1', ports: [{ name: 'http', containerPort: 8080 }] }],
      hostAliases: [{ ip: '10.0.0.1', hostnames: ['somewhere'] }],
    },
  };
  const spec = {
    api: { template },
    inference: { template },
    traffic: { mode: 'Gateway', route: { parentRefs: [{ name: 'none' }] } },
  };
  return {
    apiVersion: FACEPASS.apiVersion,
    kind: FACEPASS.kind,
    metadata: { name, namespace },
    spec,
  } as unknown as Facepass;
}

/** What a resource wants whose revision serves, without its route: the cluster may not know that kind. */
function planOf({ metadata, spec }: Facepass) {
  const data = revisionDataOf(spec);
  const revision = revisionNameOf(data);
  const status = { ...initialStatus(), active: { revision, number: 1, since: '2026-11-23T12:00:00Z' } };
  const plan = {
    owner: { name: metadata.name, namespace, uid: metadata.uid ?? '' },
    spec,
    status,
    revisions: { [revision]: data },
    activeSize: { api: 1, inference: 1 },
    ownSizes: {},
  };
  return { desired: desiredObjects(plan).filter((one) => one.kind !== 'HTTPRoute'), status };
}

async function liveObjects(desired: KubernetesObject[]): Promise<KubernetesObject[]> {
  return Promise.all(
    desired.map(
      async ({ apiVersion, kind, metadata }) =>
        (await cluster.get({ apiVersion, kind, plural: `${kind.toLowerCase()}s` }, namespace, metadata.name))!,
    ),
  );
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(20);
}

function kubectl(...args: string[]): string {
  return execFileSync('kubectl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}
