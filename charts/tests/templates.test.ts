import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';

const run = promisify(execFile);
const charts = fileURLToPath(new URL('..', import.meta.url));
const snapshots = new URL('snapshots/', import.meta.url);
const helmMissing = await run('helm', ['version']).then(
  () => false,
  () => 'helm is not on the PATH',
);
const clusterMissing = await run('kubectl', ['version', '--request-timeout=3s']).then(
  () => false,
  () => 'no cluster answers kubectl',
);
/** `CHART/VALUES` for each file of values in the chart's ci folder. */
const matrix = ['facepass', 'facepass-operator'].flatMap((chart) =>
  readdirSync(`${charts}/${chart}/ci`).map((file) => `${chart}/${file.replace('-values.yaml', '')}`),
);

function filesOf(values: string): { chart: string; file: string } {
  const [chart, name] = values.split('/');
  return { chart: `${charts}/${chart}`, file: `${charts}/${chart}/ci/${name}-values.yaml` };
}

async function render(values: string, ...settings: string[]): Promise<string> {
  const { chart, file } = filesOf(values);
  const more = settings.flatMap((setting) => ['--set', setting]);
  const { stdout } = await run(
    'helm',
    ['template', 'faces', chart, '--kube-version', '1.34.0', '--namespace', 'photos', '--values', file, ...more],
    { maxBuffer: 1 << 24 },
  );
  return stdout;
}

async function objectsOf(values: string, ...settings: string[]): Promise<KubernetesObject[]> {
  return parseAllDocuments(await render(values, ...settings), { merge: true })
    .map((document) => document.toJS() as KubernetesObject)
    .filter(Boolean);
}

/** Why helm refuses these values. */
async function refusal(values: string, ...settings: string[]): Promise<string> {
  try {
    await render(values, ...settings);
  } catch (error) {
    return (error as { stderr: string }).stderr;
  }
  return 'accepted';
}

for (const values of matrix) {
  test(`${values}: helm lint finds nothing`, { skip: helmMissing }, async () => {
    const { chart, file } = filesOf(values);
    const { stdout } = await run('helm', ['lint', '--strict', chart, '--values', file]);
    assert.match(stdout, /0 chart\(s\) failed/);
  });

  test(`${values}: what is rendered is what was reviewed`, { skip: helmMissing }, async () => {
    // The resource's definition is a file as it stands.
    const settings = values.startsWith('facepass-operator/') ? ['crds.install=false'] : [];
    const rendered = (await render(values, ...settings))
      .replaceAll(/fp_\w{40}/g, 'fp_KEY')
      .replaceAll(/\b\w{32}\b(?=@|$)/gm, 'PASSWORD')
      .replaceAll(/helm.sh\/chart: .*/g, 'helm.sh/chart: CHART');
    const file = new URL(`${values}.yaml`, snapshots);
    if (process.env['UPDATE_SNAPSHOTS']) writeFileSync(file, rendered);
    assert.equal(
      rendered,
      readFileSync(file, 'utf8'),
      'UPDATE_SNAPSHOTS=1 npm run test:charts writes the snapshots anew',
    );
  });

  test(
    `${values}: the API server accepts every object that it knows`,
    { skip: helmMissing || clusterMissing },
    async () => {
      const { stdout: known } = await run('kubectl', ['api-resources', '--no-headers', '-o', 'name']);
      const objects = (await objectsOf(values)).filter((object) => known.includes(resourceOf(object)));
      assert.ok(objects.length >= 6);
      const list = JSON.stringify({
        apiVersion: 'v1',
        kind: 'List',
        items: objects.map((object) => ({
          ...object,
          metadata: { ...object.metadata, ...(isOfCluster(object) ? {} : { namespace: 'default' }) },
        })),
      });
      const kubectl = run('kubectl', ['apply', '--dry-run=server', '-f', '-'], { maxBuffer: 1 << 24 });
      kubectl.child.stdin?.end(list);
      await kubectl;
    },
  );

  test(
    `${values}: every pod keeps to the restricted standard and only the operator's holds a token`,
    { skip: helmMissing },
    async () => {
      const pods = (await objectsOf(values)).flatMap(podsOf);
      assert.ok(pods.length >= 1);
      for (const pod of pods) {
        assert.equal(pod.automountServiceAccountToken, values.startsWith('facepass-operator/'));
        assert.equal(pod.securityContext.runAsNonRoot, true);
        assert.equal(pod.securityContext.seccompProfile.type, 'RuntimeDefault');
        for (const container of [...pod.containers, ...(pod.initContainers ?? [])]) {
          assert.deepEqual(container.securityContext, {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          });
          assert.ok(
            container.resources.requests.memory && container.resources.limits.memory,
            `${container.name} has no memory limit`,
          );
        }
      }
    },
  );
}

test('no Deployment with an autoscaler states replicas', { skip: helmMissing }, async () => {
  const objects = await objectsOf('facepass/production');
  const scaled = objects
    .filter((object) => object.kind === 'HorizontalPodAutoscaler')
    .map((object) => object.spec.scaleTargetRef.name);
  assert.deepEqual(scaled, ['faces-facepass-api', 'faces-facepass-inference', 'faces-facepass-indexer']);
  for (const object of objects)
    if (object.kind === 'Deployment' && scaled.includes(object.metadata.name))
      assert.equal('replicas' in object.spec, false);
});

test(
  'no secret is a variable of a pod that people are let into: each is a file, which is read anew',
  { skip: helmMissing },
  async () => {
    for (const values of matrix) {
      const containers = (await objectsOf(values))
        .flatMap(podsOf)
        .flatMap((pod) => [...pod.containers, ...(pod.initContainers ?? [])]);
      // The trial's PostgreSQL takes its first password so; other images than the official one know no other way.
      const own = containers.filter(({ name }) => name !== 'postgres');
      assert.doesNotMatch(JSON.stringify(own), /secretKeyRef/, values);
    }
  },
);

test(
  'rendered twice it is the same wherever the Secrets are given, so that GitOps tools see no drift',
  { skip: helmMissing },
  async () => {
    const given = [
      'api.keys.existingSecret=keys',
      'api.keys.smokeTestSecret=smoke',
      'postgres.embedded.existingSecret=database',
      'redis.embedded.existingSecret=redis',
    ];
    for (const values of matrix) {
      const settings = values.startsWith('facepass/') ? given : [];
      assert.equal(await render(values, ...settings), await render(values, ...settings), values);
    }
  },
);

test('what a platform sets of its own reaches every pod it is for', { skip: helmMissing }, async () => {
  const own = [
    'pods.securityContext.runAsUser=null',
    'pods.securityContext.runAsGroup=null',
    'pods.securityContext.fsGroup=null',
    'pods.caBundle.configMap=bank-ca',
    'pods.proxy.https=http://proxy.example.com:3128',
    'pods.runtimeClassName=gvisor',
    'global.imageRegistry=mirror.example.com',
    'global.imagePullSecrets[0]=mirror',
    ...['api', 'indexer', 'inference', 'migration'].flatMap((part) => [
      `${part}.extraVolumes[0].name=own`,
      `${part}.extraVolumeMounts[0].name=own`,
      `${part}.extraVolumeMounts[0].mountPath=/own`,
      `${part}.initContainers[0].name=before`,
    ]),
    'api.sidecars[0].name=beside',
    'inference.topologySpreadConstraints[0].topologyKey=rack',
    'extraObjects[0].kind=ConfigMap',
    'extraObjects[0].metadata.name=faces-own',
  ];
  const objects = await objectsOf('facepass/production', ...own);
  const pods = objects.filter(({ kind }) => ['Deployment', 'Job'].includes(kind)).map(({ spec }) => spec.template.spec);
  assert.equal(pods.length, 4);
  for (const pod of pods) {
    assert.deepEqual(pod.securityContext, { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    assert.equal(pod.runtimeClassName, 'gvisor');
    assert.deepEqual(
      pod.imagePullSecrets.map(({ name }: { name: string }) => name),
      ['registry', 'mirror'],
    );
    assert.equal(pod.initContainers[0].name, 'before');
    const [container] = pod.containers;
    assert.match(container.image, /^mirror\.example\.com\/facepass-/);
    const variables = Object.fromEntries(
      container.env.map(({ name, value }: { name: string; value: string }) => [name, value]),
    );
    assert.equal(variables['NODE_EXTRA_CA_CERTS'], '/etc/facepass/ca/ca.crt');
    assert.equal(variables['HTTPS_PROXY'], 'http://proxy.example.com:3128');
    for (const name of ['own', 'ca-bundle']) {
      assert.ok(pod.volumes.some((volume: { name: string }) => volume.name === name));
      assert.ok(container.volumeMounts.some((mount: { name: string }) => mount.name === name));
    }
  }
  assert.equal(pods[0].containers[1].name, 'beside');
  assert.deepEqual(pods[2].topologySpreadConstraints, [{ topologyKey: 'rack' }]);
  assert.ok(objects.some(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === 'faces-own'));
});

test('two releases whose names would be cut to the same are refused', { skip: helmMissing }, async () => {
  const named = async (name: string, ...settings: string[]) =>
    run('helm', [
      'template',
      name,
      `${charts}/facepass`,
      '--kube-version',
      '1.34.0',
      '--set',
      'postgres.existingSecret=db',
      ...settings,
    ]).then(
      () => 'accepted',
      (error: { stderr: string }) => error.stderr,
    );
  assert.match(await named('a'.repeat(49)), /at most 40 characters, so that no two releases share a name/);
  assert.match(await named('2026-gala'), /must begin with a letter/);
  assert.equal(await named('2026-gala', '--set', 'fullnameOverride=gala'), 'accepted');
  assert.equal(await named('a'.repeat(31)), 'accepted');
});

test('the migration Job is no hook and its name changes with what it runs', { skip: helmMissing }, async () => {
  const job = async (...settings: string[]) =>
    (await objectsOf('facepass/trial', ...settings)).find((object) => object.kind === 'Job');
  const [before, after] = [await job(), await job('image.tag=0.2.0')];
  assert.equal(before?.metadata.annotations, undefined);
  assert.match(before?.metadata.name ?? '', /^faces-facepass-migrate-1-[0-9a-f]{8}$/);
  assert.notEqual(before?.metadata.name, after?.metadata.name);
});

test('no route leads to the metrics', { skip: helmMissing }, async () => {
  for (const values of ['facepass/production', 'facepass/sidecar'])
    for (const object of await objectsOf(values))
      if (['HTTPRoute', 'Ingress'].includes(object.kind)) {
        const paths = JSON.stringify(object.spec);
        assert.match(paths, /\/api\//);
        assert.doesNotMatch(paths, /metrics|livez|readyz/);
      }
});

test('blue-green mode renders one Facepass of the pods that plain mode deploys', { skip: helmMissing }, async () => {
  const [plain, blueGreen] = [
    await objectsOf('facepass/production'),
    await objectsOf('facepass/production', 'release.mode=blueGreen'),
  ];
  const { spec } = blueGreen.find((object) => object.kind === 'Facepass')!;
  const templateOf = (name: string) =>
    plain.find(
      (object) =>
        object.metadata.name.startsWith(`faces-facepass-${name}`) && ['Deployment', 'Job'].includes(object.kind),
    )?.spec.template;
  assert.deepEqual(spec.api.template, templateOf('api'));
  assert.deepEqual(spec.inference.template, templateOf('inference'));
  assert.deepEqual(spec.indexer.template, templateOf('indexer'));
  assert.deepEqual(spec.migration.template, templateOf('migrate'));
  assert.deepEqual(
    spec.traffic.route.matches,
    plain.find((object) => object.kind === 'HTTPRoute')!.spec.rules[0].matches,
  );
  assert.deepEqual(
    spec.api.autoscaling.metrics,
    plain.find((object) => object.kind === 'HorizontalPodAutoscaler')!.spec.metrics,
  );
  const kinds = new Set(blueGreen.map((object) => object.kind));
  for (const kind of ['Deployment', 'Job', 'HTTPRoute', 'HorizontalPodAutoscaler', 'Service'])
    assert.equal(kinds.has(kind), false, kind);
});

test('an indexer runs where a bucket is configured, and nowhere else', { skip: helmMissing }, async () => {
  const named = async (...settings: [string, ...string[]]) =>
    (await objectsOf(...settings)).filter(({ metadata }) => metadata.name === 'faces-facepass-indexer');
  const kinds = (objects: KubernetesObject[]) => objects.map(({ kind }) => kind).sort();
  assert.deepEqual(kinds(await named('facepass/production')), [
    'Deployment',
    'HorizontalPodAutoscaler',
    'NetworkPolicy',
    'PodDisruptionBudget',
    'ServiceAccount',
  ]);
  assert.deepEqual(kinds(await named('facepass/production', 'indexer.enabled=false')), []);
  assert.deepEqual(kinds(await named('facepass/production', 's3.bucket=')), []);
  assert.equal('replicas' in (await named('facepass/sidecar')).find(({ kind }) => kind === 'Deployment')!.spec, false);
  for (const values of ['facepass/blue-green', 'facepass/selector']) {
    const { spec } = (await objectsOf(values, 's3.bucket=')).find(({ kind }) => kind === 'Facepass')!;
    assert.equal('indexer' in spec, false, values);
  }
});

test('an indexer scales on the photos that wait, by KEDA or by an adapter', { skip: helmMissing }, async () => {
  const find = async (values: string, kind: string) =>
    (await objectsOf(values)).find((one) => one.kind === kind && one.metadata.name === 'faces-facepass-indexer')!.spec;
  const { metrics, ...sizes } = await find('facepass/production', 'HorizontalPodAutoscaler');
  assert.deepEqual([sizes.minReplicas, sizes.maxReplicas], [2, 6]);
  const { metric, target } = metrics[0].external;
  assert.deepEqual(metric, {
    name: 'facepass_job_photos_pending',
    selector: { matchLabels: { namespace: 'photos' } },
  });
  assert.deepEqual(target, { type: 'AverageValue', averageValue: '500' });
  const scaled = await find('facepass/sidecar', 'ScaledObject');
  assert.equal(scaled.scaleTargetRef.name, 'faces-facepass-indexer');
  assert.match(scaled.triggers[0].metadata.query, /facepass_job_photos_pending\{.*namespace="photos"\}/);
});

test('whether a release is paused or aborted is left to whoever watches it', { skip: helmMissing }, async () => {
  const { spec } = (await objectsOf('facepass/blue-green')).find((object) => object.kind === 'Facepass')!;
  assert.deepEqual(
    Object.keys(spec).filter((key) => ['paused', 'abort'].includes(key)),
    [],
  );
});

test(
  'the operator may write what it makes and nothing else, in its namespaces only',
  { skip: helmMissing },
  async () => {
    const objects = await objectsOf('facepass-operator/production');
    const roles = objects.filter((object) => object.kind === 'Role' && !object.metadata.name.endsWith('-leader'));
    assert.deepEqual(
      roles.map((role) => role.metadata.namespace),
      ['photos', 'photos-staging'],
    );
    for (const { rules } of roles) {
      const writable = rules!
        .filter(({ verbs }) => verbs.some((verb) => !['get', 'list', 'watch'].includes(verb)))
        .flatMap(({ resources }) => resources);
      assert.deepEqual(writable, [
        'facepasses/status',
        'deployments',
        'controllerrevisions',
        'services',
        'jobs',
        'horizontalpodautoscalers',
        'httproutes',
        'events',
      ]);
      assert.doesNotMatch(JSON.stringify(rules), /\*|secrets|configmaps/);
    }
    assert.equal(
      objects.some((object) => object.kind === 'ClusterRoleBinding'),
      false,
    );
    assert.equal(
      (await objectsOf('facepass-operator/cluster-wide')).filter((object) => object.kind === 'ClusterRoleBinding')
        .length,
      1,
    );
  },
);

test('the definition of the resource stays at an uninstall', { skip: helmMissing }, async () => {
  const definition = (await objectsOf('facepass-operator/default')).find(
    (object) => object.kind === 'CustomResourceDefinition',
  );
  assert.deepEqual(definition?.metadata.annotations?.['helm.sh/resource-policy'], 'keep');
  assert.equal(
    (await objectsOf('facepass-operator/default', 'crds.install=false')).some(
      (object) => object.kind === 'CustomResourceDefinition',
    ),
    false,
  );
});

const contradictions: [string, string[], RegExp][] = [
  ['facepass/trial', ['postgres.existingSecret=db'], /exclude each other: use the trial database or yours/],
  ['facepass/trial', ['postgres.embedded.enabled=false'], /No database: set postgres.existingSecret/],
  ['facepass/trial', ['redis.existingSecret=redis'], /exclude each other: use the trial Redis or yours/],
  ['facepass/sidecar', ['inference.autoscaling.enabled=true'], /a sidecar scales with its API pod/],
  ['facepass/sidecar', ['tls.enabled=true'], /over a UNIX socket inside the pod/],
  ['facepass/trial', ['tls.enabled=true'], /tls.enabled needs tls.existingSecret or/],
  ['facepass/trial', ['api.searchAccess=token'], /needs api.searchTokenSecret/],
  ['facepass/trial', ['ingress.enabled=true'], /at least one name in ingress.hosts/],
  ['facepass/trial', ['httpRoute.enabled=true'], /needs httpRoute.parentRefs/],
  [
    'facepass/trial',
    ['api.autoscaling.enabled=true', 'api.autoscaling.minReplicas=20'],
    /api.autoscaling.minReplicas is larger/,
  ],
  [
    'facepass/trial',
    ['inference.autoscaling.enabled=true', 'inference.autoscaling.minReplicas=20'],
    /inference.autoscaling.minReplicas is larger/,
  ],
  ['facepass/trial', ['indexer.autoscaling.minReplicas=20'], /indexer.autoscaling.minReplicas is larger/],
  ['facepass/trial', ['indexer.keda.enabled=true'], /needs indexer.keda.prometheusUrl/],
  ['facepass/sidecar', ['indexer.autoscaling.enabled=true'], /exclude each other: KEDA makes the autoscaler itself/],
  ['facepass/sidecar', ['skipCapabilityChecks=false'], /no KEDA/],
  [
    'facepass/blue-green',
    ['indexer.autoscaling.enabled=false', 'indexer.keda.enabled=true', 'indexer.keda.prometheusUrl=http://p'],
    /the operator sizes the indexer/,
  ],
  ['facepass/trial', ['monitoring.podMonitor.enabled=true'], /no Prometheus operator/],
  ['facepass/trial', ['httpRoute.enabled=true', 'httpRoute.parentRefs[0].name=public'], /no Gateway API/],
  ['facepass/trial', ['release.mode=blueGreen'], /needs httpRoute.enabled and httpRoute.parentRefs/],
  [
    'facepass/trial',
    ['release.mode=blueGreen', 'release.traffic.mode=Selector'],
    /install charts\/facepass-operator first/,
  ],
  ['facepass/blue-green', ['ingress.enabled=true', 'ingress.hosts[0]=x'], /would bypass the weights/],
  ['facepass/blue-green', ['release.traffic.mode=Selector'], /with a Gateway the operator shifts traffic by weights/],
  ['facepass/blue-green', ['migration.contract=true'], /nothing rolls back past a contraction/],
  ['facepass-operator/default', ['clusterWide=true', 'namespaces[0]=photos'], /exclude each other: every namespace/],
  ['facepass-operator/default', ['leaderElection.renewDeadlineMs=20000'], /could meet another leader/],
  ['facepass-operator/default', ['leaderElection.retryMs=10000'], /the leader cannot renew in time/],
  ['facepass-operator/default', ['monitoring.podMonitor.enabled=true'], /no Prometheus operator/],
];
for (const [values, settings, sentence] of contradictions)
  test(`rejects, and says why: ${settings.join(' ')}`, { skip: helmMissing }, async () =>
    assert.match(await refusal(values, ...settings), sentence),
  );

const malformed = [
  'api.replcas=2',
  'fullnameOverride=2gala',
  'pods.caBundle.file=x',
  'replicas=2',
  'api.replicas=-1',
  'api.replicas=two',
  'inference.mode=remote',
  'image.pullPolicy=Sometimes',
  'image.pullSecrets=one',
  'api.searchAccess=private',
  'api.trustProxy=true',
  'api.service.type=ExternalName',
  'api.service.port=70000',
  'api.image.digest=sha256:12',
  'api.env.lower=1',
  'postgres.poolSize=0',
  'postgres.embedded.storage=10GB',
  'postgres.embeded.enabled=true',
  'redis.url=redis://x',
  's3.endpoint=ftp://x',
  'telemetry.samplingRatio=2',
  'telemetry.otlpEndpoint=collector:4318',
  'logLevel=loud',
  'indexer.concurrency=0',
  'indexer.keda.prometheusUrl=prometheus:9090',
  'model.pack=../etc',
  'monitoring.podMonitor.interval=soon',
  'networkPolicy.egressPorts[0]=postgres',
  'tls.certManager.issuerRef.kind=Vault',
  'release.mode=canary',
  'release.traffic.steps[0].weight=0',
  'release.traffic.steps[0].hold=soon',
  'release.gates[0].name=Errors',
  'release.rollbackWindow=1d',
  'release.paused=true',
];
for (const setting of malformed)
  test(`refused by the schema: ${setting}`, { skip: helmMissing }, async () =>
    assert.match(await refusal('facepass/trial', setting), /values don't meet the specifications of the schema/),
  );

for (const setting of [
  'replcas=2',
  'replicas=-1',
  'namespaces[0]=Photos',
  'prometheus.url=prometheus:9090',
  'crds.keep=false',
  'logLevel=loud',
  'leaderElection.retryMs=1',
])
  test(`refused by the schema of the operator's chart: ${setting}`, { skip: helmMissing }, async () =>
    assert.match(
      await refusal('facepass-operator/default', setting),
      /values don't meet the specifications of the schema/,
    ),
  );

function podsOf({ kind, spec }: KubernetesObject): PodSpec[] {
  if (kind === 'Pod') return [spec as PodSpec];
  const holders =
    kind === 'Facepass' ? [spec.api, spec.inference, spec.indexer, spec.migration, spec.smokeTest] : [spec];
  return holders.flatMap((holder) => (holder?.template?.spec ? [holder.template.spec as PodSpec] : []));
}

function isOfCluster({ kind }: KubernetesObject): boolean {
  return kind.startsWith('Cluster') || kind === 'CustomResourceDefinition';
}

/** `deployments.apps` for a Deployment: the name under which `kubectl api-resources` lists it. */
function resourceOf({ apiVersion, kind }: KubernetesObject): string {
  const plural = kind.endsWith('y') ? `${kind.slice(0, -1)}ies` : kind.endsWith('s') ? `${kind}es` : `${kind}s`;
  const group = apiVersion.includes('/') ? `.${apiVersion.split('/')[0]}` : '';
  return `${plural.toLowerCase()}${group}\n`;
}

interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; annotations?: Record<string, string> };
  rules?: { resources: string[]; verbs: string[] }[];
  // Objects of many kinds: the assertions say what they expect.
  spec: any;
}

interface PodSpec {
  automountServiceAccountToken: boolean;
  securityContext: { runAsNonRoot: boolean; seccompProfile: { type: string } };
  containers: Container[];
  initContainers?: Container[];
}

interface Container {
  name: string;
  securityContext: object;
  resources: { requests: { memory?: string }; limits: { memory?: string } };
}
