import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parse, parseAllDocuments } from 'yaml';

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

const render = (values: string, ...settings: string[]): Promise<string> => renderWith([], values, ...settings);

async function renderWith(options: string[], values: string, ...settings: string[]): Promise<string> {
  const { chart, file } = filesOf(values);
  const more = settings.flatMap((setting) => ['--set', setting]);
  const { stdout } = await run(
    'helm',
    [
      'template',
      'faces',
      chart,
      '--kube-version',
      '1.34.0',
      '--namespace',
      'photos',
      '--values',
      file,
      ...more,
      ...options,
    ],
    { maxBuffer: 1 << 24 },
  );
  return stdout;
}

async function objectsOf(values: string, ...settings: string[]): Promise<KubernetesObject[]> {
  return parseAllDocuments(await render(values, ...settings), { merge: true })
    .map((document) => document.toJS() as KubernetesObject)
    .filter(Boolean);
}

/** Why helm refuses these values, without a cluster or, `options` saying so, with one. */
async function refusal(options: string[], values: string, ...settings: string[]): Promise<string> {
  try {
    await renderWith(options, values, ...settings);
  } catch (error) {
    return (error as { stderr: string }).stderr;
  }
  return 'accepted';
}

for (const values of matrix) {
  test(`${values}: helm lint finds nothing`, { skip: helmMissing }, async () => {
    const { chart, file } = filesOf(values);
    const { stdout, stderr } = await run('helm', ['lint', '--strict', chart, '--values', file]);
    assert.match(stdout, /0 chart\(s\) failed/);
    assert.equal(stderr, '');
  });

  test(`${values}: the rendered objects match the reviewed snapshot`, { skip: helmMissing }, async () => {
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

/** Of a platform, for the pods of either chart. */
const PLATFORM_SETTINGS = [
  'pods.securityContext.runAsUser=null',
  'pods.securityContext.runAsGroup=null',
  'pods.securityContext.fsGroup=null',
  'pods.caBundle.configMap=bank-ca',
  'pods.proxy.https=http://proxy.example.com:3128',
  'pods.runtimeClassName=gvisor',
  'global.imageRegistry=mirror.example.com',
  'global.imagePullSecrets[0]=mirror',
];

test('platform settings reach every pod that they apply to', { skip: helmMissing }, async () => {
  const own = [
    ...PLATFORM_SETTINGS,
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
    assert.equal(variables['NODE_USE_ENV_PROXY'], '1');
    for (const name of ['own', 'ca-bundle']) {
      assert.ok(pod.volumes.some((volume: { name: string }) => volume.name === name));
      assert.ok(container.volumeMounts.some((mount: { name: string }) => mount.name === name));
    }
  }
  assert.equal(pods[0].containers[1].name, 'beside');
  assert.deepEqual(pods[2].topologySpreadConstraints, [{ topologyKey: 'rack' }]);
  assert.ok(objects.some(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === 'faces-own'));
});

/** Every kind of object that the charts make, in few renderings. */
const WHOLE: [string, ...string[]][] = [
  ['facepass/production', 'ingress.enabled=true', 'ingress.hosts[0]=x'],
  ['facepass/trial', 'monitoring.serviceMonitor.enabled=true'],
  ['facepass/blue-green'],
  ['facepass-operator/production'],
  ['facepass-operator/cluster-wide', 'monitoring.serviceMonitor.enabled=true'],
];

test('common annotations are on every object, beside its own, and on no pod', { skip: helmMissing }, async () => {
  for (const [values, ...settings] of WHOLE) {
    const annotated = ['commonAnnotations.team=photos', 'api.service.annotations.own=yes'];
    const objects = await objectsOf(values, ...settings, ...annotated.slice(0, values.startsWith('facepass/') ? 2 : 1));
    assert.ok(objects.length > 5);
    for (const object of objects.filter(({ kind }) => kind !== 'CustomResourceDefinition')) {
      assert.equal(object.metadata.annotations?.['team'], 'photos', `${object.kind} ${object.metadata.name}`);
      assert.ok(object.metadata.name);
      if (object.kind === 'Service' && object.metadata.name === 'faces-facepass-api')
        assert.equal(object.metadata.annotations?.['own'], 'yes');
      if (object.spec?.template) assert.equal(object.spec.template.metadata.annotations?.['team'], undefined);
    }
  }
});

test('the schema describes every value and no other', () => {
  for (const chart of ['facepass', 'facepass-operator']) {
    const schema = JSON.parse(readFileSync(`${charts}/${chart}/values.schema.json`, 'utf8')) as Schema;
    const values = parse(readFileSync(`${charts}/${chart}/values.yaml`, 'utf8')) as object;
    const [described, given] = [describedBy(schema, schema), leavesOf(values)];
    const isWithin = (path: string, other: string) => path === other || path.startsWith(`${other}.`);
    const lackedBy = (some: string[], others: string[]) =>
      some.filter((path) => !others.some((other) => isWithin(path, other) || isWithin(other, path)));
    // Of what Kubernetes gives a default (`resources`, `probes`), values name some keys only.
    const partly = /(^|\.)(resources|probes\.\w+)\./;
    assert.deepEqual(lackedBy(given, described), [], `${chart}: not in the schema`);
    assert.deepEqual(
      lackedBy(described, given).filter((path) => !partly.test(path)),
      [],
      `${chart}: not among the values`,
    );
  }
});

test('probes take their times from the values and what they ask from the chart', { skip: helmMissing }, async () => {
  const times = (part: string) => [
    `${part}probes.startup.failureThreshold=7`,
    `${part}probes.liveness.periodSeconds=33`,
    `${part}probes.readiness.timeoutSeconds=9`,
  ];
  const objects = [
    ...(await objectsOf('facepass/production', ...times('api.'), ...times('inference.'), ...times('indexer.'))),
    ...(await objectsOf('facepass-operator/default', ...times(''))),
  ];
  const containers = objects
    .filter(({ kind }) => kind === 'Deployment')
    .map(({ spec }) => spec.template.spec.containers[0]);
  assert.equal(containers.length, 4);
  for (const { name, startupProbe, livenessProbe, readinessProbe } of containers) {
    assert.deepEqual(startupProbe.httpGet, { path: name === 'inference' ? '/readyz' : '/livez', port: 'metrics' });
    assert.deepEqual([startupProbe.periodSeconds, startupProbe.failureThreshold], [1, 7]);
    assert.deepEqual(livenessProbe, {
      httpGet: { path: '/livez', port: 'metrics' },
      periodSeconds: 33,
      timeoutSeconds: 5,
    });
    assert.deepEqual(readinessProbe, {
      httpGet: { path: '/readyz', port: 'metrics' },
      periodSeconds: name === 'indexer' ? 5 : 2,
      timeoutSeconds: 9,
    });
  }
});

test('filters and timeouts of the route are the same in both modes', { skip: helmMissing }, async () => {
  const own = [
    'httpRoute.filters[0].type=RequestHeaderModifier',
    'httpRoute.filters[0].requestHeaderModifier.remove[0]=x-internal',
    'httpRoute.timeouts.request=60s',
  ];
  const plain = (await objectsOf('facepass/production', ...own)).find(({ kind }) => kind === 'HTTPRoute')!;
  const blueGreen = (await objectsOf('facepass/blue-green', ...own)).find(({ kind }) => kind === 'Facepass')!;
  const expected = {
    filters: [{ type: 'RequestHeaderModifier', requestHeaderModifier: { remove: ['x-internal'] } }],
    timeouts: { request: '60s' },
  };
  for (const { filters, timeouts } of [plain.spec.rules[0], blueGreen.spec.traffic.route])
    assert.deepEqual({ filters, timeouts }, expected);
});

test('the paths of an Ingress are of one type where the controller knows no other', { skip: helmMissing }, async () => {
  const types = async (...settings: string[]) => {
    const { spec } = (await objectsOf('facepass/sidecar', ...settings)).find(({ kind }) => kind === 'Ingress')!;
    return new Set(spec.rules[0].http.paths.map(({ pathType }: { pathType: string }) => pathType));
  };
  assert.deepEqual(await types(), new Set(['Prefix', 'Exact']));
  assert.deepEqual(await types('ingress.pathType=ImplementationSpecific'), new Set(['ImplementationSpecific']));
});

test('a ServiceMonitor scrapes what a PodMonitor does, in the same way', { skip: helmMissing }, async () => {
  const scraping = ['scrapeTimeout=10s', 'relabelings[0].action=labeldrop', 'metricRelabelings[0].action=drop'];
  const monitored = async (values: string, kind: string) => {
    const key = `monitoring.${kind[0]!.toLowerCase()}${kind.slice(1)}`;
    const settings = [`${key}.enabled=true`, ...scraping.map((one) => `${key}.${one}`)];
    const objects = await objectsOf(values, ...settings);
    const { spec } = objects.find((object) => object.kind === kind)!;
    return { objects, spec, endpoints: spec.podMetricsEndpoints ?? spec.endpoints };
  };
  for (const values of ['facepass/trial', 'facepass/sidecar', 'facepass-operator/default']) {
    const [byPod, byService] = [await monitored(values, 'PodMonitor'), await monitored(values, 'ServiceMonitor')];
    assert.deepEqual(byService.endpoints, byPod.endpoints);
    for (const endpoint of byPod.endpoints) {
      assert.equal(endpoint.scrapeTimeout, '10s');
      assert.deepEqual(endpoint.metricRelabelings, [{ action: 'drop' }]);
      assert.equal(endpoint.relabelings[0].targetLabel, 'job');
      assert.deepEqual(endpoint.relabelings.at(-1), { action: 'labeldrop' });
    }
    const service = byService.objects.find(
      ({ kind, metadata }) => kind === 'Service' && isSelected(byService.spec.selector.matchLabels, metadata.labels!),
    )!;
    assert.equal(service.spec.publishNotReadyAddresses, true);
    const templates = byService.objects.filter(({ spec }) => spec?.template?.spec).map(({ spec }) => spec.template);
    const scraped = templates.filter(({ metadata }) => isSelected(service.spec.selector, metadata.labels));
    const ports = new Set(service.spec.ports.map(({ targetPort }: { targetPort: string }) => targetPort));
    for (const { spec } of scraped.filter(({ metadata }) => !/postgres|redis/.test(JSON.stringify(metadata.labels))))
      assert.ok(spec.containers.some((container: any) => container.ports.some(({ name }: any) => ports.has(name))));
    assert.ok(scraped.length >= 1);
  }
});

test(
  'KEDA scales inference on the photos that wait, in the place of the chart’s autoscaler',
  { skip: helmMissing },
  async () => {
    const keda = ['keda.enabled=true', 'keda.prometheusUrl=http://prometheus:9090'];
    const objects = await objectsOf(
      'facepass/production',
      'inference.autoscaling.enabled=false',
      'inference.autoscaling.queuedPhotosPerPod=6',
      ...keda.map((one) => `inference.${one}`),
    );
    const { spec } = objects.find(({ kind }) => kind === 'ScaledObject')!;
    assert.deepEqual(spec.scaleTargetRef, { name: 'faces-facepass-inference' });
    assert.equal(spec.advanced.horizontalPodAutoscalerConfig.name, 'faces-facepass-inference');
    assert.match(spec.triggers[0].metadata.query, /facepass_inference_queue_depth\{.*namespace="photos"\}/);
    assert.equal(spec.triggers[0].metadata.threshold, '6');
    assert.deepEqual(
      objects.filter(({ kind }) => kind === 'HorizontalPodAutoscaler').map(({ metadata }) => metadata.name),
      ['faces-facepass-api', 'faces-facepass-indexer'],
    );
  },
);

test(
  'a changed bundle of authorities rolls the pods that read it',
  { skip: helmMissing || clusterMissing },
  async () => {
    const name = `ca-${Date.now().toString(36)}`;
    const annotationOf = async (content: string) => {
      await run('kubectl', ['-n', 'default', 'delete', 'configmap', name, '--ignore-not-found']);
      await run('kubectl', ['-n', 'default', 'create', 'configmap', name, `--from-literal=ca.crt=${content}`]);
      const options = [
        '--dry-run=server',
        '--namespace',
        'default',
        '--set',
        `pods.caBundle.configMap=${name}`,
        '-o',
        'json',
      ];
      const values = ['--values', `${charts}/facepass/ci/trial-values.yaml`];
      const { stdout } = await run('helm', ['install', 'faces', `${charts}/facepass`, ...values, ...options], {
        maxBuffer: 1 << 24,
      });
      const { manifest } = JSON.parse(stdout) as { manifest: string };
      const deployments = parseAllDocuments(manifest, { merge: true })
        .map((document) => document.toJS() as KubernetesObject)
        .filter((object) => object?.kind === 'Deployment' && !object.metadata.name.endsWith('redis'));
      return deployments.map(({ spec }) => spec.template.metadata.annotations['checksum/ca-bundle'] as string);
    };
    try {
      const [before, after] = [await annotationOf('one'), await annotationOf('two')];
      assert.equal(before.length, 2);
      for (const [index, checksum] of before.entries()) {
        assert.match(checksum, /^[0-9a-f]{64}$/);
        assert.notEqual(checksum, after[index]);
      }
    } finally {
      await run('kubectl', ['-n', 'default', 'delete', 'configmap', name, '--ignore-not-found']);
    }
  },
);

test('platform settings reach the operator', { skip: helmMissing }, async () => {
  const objects = await objectsOf(
    'facepass-operator/production',
    ...PLATFORM_SETTINGS,
    'extraVolumes[0].name=own',
    'extraVolumeMounts[0].name=own',
    'extraVolumeMounts[0].mountPath=/own',
    'initContainers[0].name=before',
    'sidecars[0].name=beside',
    'topologySpreadConstraints[0].topologyKey=rack',
    'podDisruptionBudget.maxUnavailable=50%',
  );
  const { spec } = objects.find(({ kind }) => kind === 'Deployment')!.spec.template;
  assert.deepEqual(spec.securityContext, { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
  assert.equal(spec.runtimeClassName, 'gvisor');
  assert.deepEqual(
    spec.imagePullSecrets.map(({ name }: { name: string }) => name),
    ['registry', 'mirror'],
  );
  const [container, beside] = spec.containers;
  assert.deepEqual([spec.initContainers[0].name, beside.name], ['before', 'beside']);
  assert.match(container.image, /^mirror\.example\.com\/facepass-operator:/);
  for (const list of [container.volumeMounts, spec.volumes])
    assert.deepEqual(
      list.map(({ name }: { name: string }) => name),
      ['own', 'prometheus-token', 'ca-bundle'],
    );
  const variables = container.env.map(({ name }: { name: string }) => name);
  for (const name of ['NODE_EXTRA_CA_CERTS', 'NODE_USE_ENV_PROXY', 'HTTPS_PROXY']) assert.ok(variables.includes(name));
  assert.equal(objects.find(({ kind }) => kind === 'PodDisruptionBudget')!.spec.maxUnavailable, '50%');
});

test('rejects release names that would be truncated to the same name', { skip: helmMissing }, async () => {
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

test('no time ends a Job that a GitOps tool would make again', { skip: helmMissing }, async () => {
  const [value] = ['migration.ttlSecondsAfterFinished'];
  const times = async (values: string, ...settings: string[]) =>
    (await objectsOf(values, ...settings))
      .flatMap(({ kind, spec }) => (kind === 'Job' ? [spec] : kind === 'Facepass' ? [spec.migration] : []))
      .map(({ ttlSecondsAfterFinished }) => ttlSecondsAfterFinished as unknown);
  for (const values of ['facepass/trial', 'facepass/blue-green']) {
    assert.deepEqual(await times(values), [259200]);
    assert.deepEqual(await times(values, `${value}=0`), [0]);
    assert.deepEqual(await times(values, `${value}=null`), [undefined]);
  }
});

test('the migration Job is not a hook, and its name changes with its contents', { skip: helmMissing }, async () => {
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

test('renders an indexer only if a bucket is configured', { skip: helmMissing }, async () => {
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
  ['facepass/sidecar', ['logLevel=debug'], /no KEDA/],
  [
    'facepass/blue-green',
    ['indexer.autoscaling.enabled=false', 'indexer.keda.enabled=true', 'indexer.keda.prometheusUrl=http://p'],
    /indexer.keda.enabled with release.mode=blueGreen: the operator sizes/,
  ],
  ['facepass/trial', ['monitoring.podMonitor.enabled=true'], /no Prometheus operator/],
  ['facepass/trial', ['monitoring.serviceMonitor.enabled=true'], /no Prometheus operator/],
  ['facepass/production', ['monitoring.serviceMonitor.enabled=true'], /every process would be scraped twice/],
  ['facepass/trial', ['inference.keda.enabled=true'], /needs inference.keda.prometheusUrl/],
  [
    'facepass/trial',
    ['inference.keda.enabled=true', 'inference.autoscaling.enabled=true'],
    /exclude each other: KEDA makes the autoscaler itself/,
  ],
  [
    'facepass/blue-green',
    ['inference.keda.enabled=true', 'inference.keda.prometheusUrl=http://p'],
    /inference.keda.enabled with release.mode=blueGreen: the operator sizes/,
  ],
  [
    'facepass/trial',
    ['inference.keda.enabled=true', 'inference.keda.prometheusUrl=http://p'],
    /this cluster has no KEDA/,
  ],
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
  ['facepass-operator/default', ['monitoring.serviceMonitor.enabled=true'], /no Prometheus operator/],
  ['facepass-operator/production', ['monitoring.serviceMonitor.enabled=true'], /every process would be scraped twice/],
];
/** What only a cluster can lack, and helm's option for one that has nothing but Kubernetes. */
const OF_CLUSTER = /no Prometheus operator|no Gateway API|no KEDA|charts\\\/facepass-operator first/;
const BARE = ['--api-versions', 'v1/Pod'];
for (const [values, settings, sentence] of contradictions)
  test(`rejects, and says why: ${settings.join(' ')}`, { skip: helmMissing }, async () =>
    assert.match(await refusal(OF_CLUSTER.test(sentence.source) ? BARE : [], values, ...settings), sentence),
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
  'api.probes.liveness.httpGet=x',
  'commonAnnotations.team[0]=x',
  'httpRoute.timeouts.request=soon',
  'httpRoute.filters[0].name=x',
  'ingress.pathType=Regex',
  'monitoring.serviceMonitor.scrapeTimeout=soon',
  'inference.keda.prometheusUrl=prometheus:9090',
  'release.mode=canary',
  'release.traffic.steps[0].weight=0',
  'release.traffic.steps[0].hold=soon',
  'release.gates[0].name=Errors',
  'release.rollbackWindow=1d',
  'release.paused=true',
];
for (const setting of malformed)
  test(`refused by the schema: ${setting}`, { skip: helmMissing }, async () =>
    assert.match(await refusal([], 'facepass/trial', setting), /values don't meet the specifications of the schema/),
  );

for (const setting of [
  'replcas=2',
  'replicas=-1',
  'namespaces[0]=Photos',
  'prometheus.url=prometheus:9090',
  'crds.keep=false',
  'logLevel=loud',
  'leaderElection.retryMs=1',
  'probes.liveness.exec=x',
  'pods.caBundle.file=x',
  'monitoring.podMonitor.intervall=15s',
])
  test(`refused by the schema of the operator's chart: ${setting}`, { skip: helmMissing }, async () =>
    assert.match(
      await refusal([], 'facepass-operator/default', setting),
      /values don't meet the specifications of the schema/,
    ),
  );

function podsOf({ kind, spec }: KubernetesObject): PodSpec[] {
  if (kind === 'Pod') return [spec as PodSpec];
  const holders =
    kind === 'Facepass' ? [spec.api, spec.inference, spec.indexer, spec.migration, spec.smokeTest] : [spec];
  return holders.flatMap((holder) => (holder?.template?.spec ? [holder.template.spec as PodSpec] : []));
}

function isSelected(selector: Record<string, string>, labels: Record<string, string>): boolean {
  return Object.entries(selector).every(([label, value]) => labels[label] === value);
}

/** Paths of the values of a file; a list or an empty map is one value. */
function leavesOf(values: object, prefix = ''): string[] {
  return Object.entries(values).flatMap(([key, value]) =>
    value && typeof value === 'object' && !Array.isArray(value) && Object.keys(value).length > 0
      ? leavesOf(value as object, `${prefix}${key}.`)
      : [`${prefix}${key}`],
  );
}

/** Paths that a schema describes, down to those whose keys it leaves open. */
function describedBy(schema: Schema, root: Schema, prefix = ''): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
    const own = value.$ref ? root.definitions![value.$ref.split('/').at(-1)!]! : value;
    return own.properties && own.additionalProperties === false
      ? describedBy(own, root, `${prefix}${key}.`)
      : [`${prefix}${key}`];
  });
}

interface Schema {
  $ref?: string;
  properties?: Record<string, Schema>;
  additionalProperties?: unknown;
  definitions?: Record<string, Schema>;
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
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
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
