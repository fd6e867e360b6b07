import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubernetesObject } from '../kubernetes/cluster.ts';
import type { Spec, Status } from '@facepass/contracts/facepass';
import { releasing, retaining, specOf, stable } from '../tests/world.ts';
import { covers } from './apply.ts';
import { desiredObjects, mayStay } from './desired.ts';
import type { Plan } from './object.ts';
import { contracts } from './jobs.ts';

const OWNER = { name: 'faces', namespace: 'photos', uid: 'u1' };
const DATA = {
  api: {
    metadata: { labels: { team: 'photos' } },
    spec: {
      containers: [
        { name: 'proxy' },
        {
          name: 'api',
          env: [
            { name: 'INFERENCE_ADDRESS', value: 'dns:///elsewhere:1' },
            { name: 'PORT', value: '8080' },
          ],
        },
      ],
    },
  },
  inference: { spec: { containers: [{ name: 'inference' }] } },
};

function objectsOf(status: Status, spec: Spec = specOf(), changes: Partial<Plan> = {}) {
  const objects = desiredObjects({
    owner: OWNER,
    spec,
    status,
    revisions: { blue: DATA, green: DATA },
    activeSize: { api: 7, inference: 5 },
    ownSizes: {},
    ...changes,
  });
  const named = (kind: string, name: string) =>
    objects.find((one) => one.kind === kind && one.metadata.name === name) as
      | (KubernetesObject & { spec: any })
      | undefined;
  return { objects, named };
}

test('an API pod calls the inference of its own revision, regardless of its template', () => {
  const { named } = objectsOf(releasing('Starting'));
  for (const revision of ['blue', 'green']) {
    const [, api] = named('Deployment', `faces-api-${revision}`)!.spec.template.spec.containers;
    assert.deepEqual(api.env, [
      { name: 'INFERENCE_ADDRESS', value: `dns:///faces-inference-${revision}.photos.svc:50051` },
      { name: 'PORT', value: '8080' },
    ]);
    assert.deepEqual(named('Service', `faces-inference-${revision}`)!.spec.selector, {
      'facepass.dev/name': 'faces',
      'facepass.dev/component': 'inference',
      'facepass.dev/revision': revision,
    });
  }
});

test('the indexer runs in the active revision only, and calls the inference of its own', () => {
  const indexer = { spec: { containers: [{ name: 'indexer' }] } };
  const data = { ...DATA, indexer };
  const sizes = (status: Status, changes: Partial<Spec> = {}, ownSizes: Record<string, number> = {}) => {
    const spec = specOf({ indexer: { replicas: 3, template: indexer }, ...changes });
    const { named, objects } = objectsOf(status, spec, { revisions: { blue: data, green: data }, ownSizes });
    return {
      named,
      of: ['blue', 'green'].map((one) => named('Deployment', `faces-indexer-${one}`)?.spec.replicas),
      scaled: objects.filter(({ kind }) => kind === 'HorizontalPodAutoscaler').map(({ metadata }) => metadata.name),
    };
  };
  assert.deepEqual(sizes(releasing('Testing', { active: undefined })).of, [undefined, 0], 'nothing is active yet');
  assert.deepEqual(sizes(releasing('Shifting', { weight: 100 })).of, [3, 0], 'judged until the last step ends');
  const after = sizes(retaining());
  assert.deepEqual(after.of, [0, 3]);
  const [container] = after.named('Deployment', 'faces-indexer-green')!.spec.template.spec.containers;
  assert.deepEqual(container.env, [
    { name: 'INFERENCE_ADDRESS', value: 'dns:///faces-inference-green.photos.svc:50051' },
  ]);
  assert.deepEqual(sizes(retaining(), { indexer: undefined }).of, [0, 1], 'until a release without it');

  const autoscaling = { indexer: { autoscaling: { minReplicas: 2, maxReplicas: 6 }, template: indexer } };
  const begun = sizes(retaining(), autoscaling, { 'faces-indexer-green': 0 });
  assert.deepEqual(begun.of, [0, 2], 'no autoscaler leads a Deployment out of 0');
  assert.deepEqual(begun.scaled, ['faces-indexer-green']);
  assert.deepEqual(sizes(retaining(), autoscaling).of, [0, undefined], 'the autoscaler’s');
});

test('keeps labels of the template beside those of the operator', () => {
  const { named } = objectsOf(stable());
  assert.deepEqual(named('Deployment', 'faces-api-blue')!.spec.template.metadata.labels, {
    team: 'photos',
    'facepass.dev/name': 'faces',
    'facepass.dev/component': 'api',
    'facepass.dev/revision': 'blue',
  });
});

test('objects carry the labels of their pods, selectors do not', () => {
  const labels = (component: string) => ({
    'app.kubernetes.io/name': 'facepass',
    'app.kubernetes.io/instance': 'faces',
    'app.kubernetes.io/component': component,
  });
  const template = (component: string) => ({
    metadata: { labels: { ...labels(component), 'app.kubernetes.io/managed-by': 'Helm', team: 'photos' } },
    spec: { containers: [{ name: component }] },
  });
  const data = { api: template('api'), inference: template('inference') };
  const base = specOf();
  const autoscaling = { minReplicas: 2, maxReplicas: 6 };
  const spec = specOf({
    api: { autoscaling, template: data.api },
    inference: { autoscaling, template: data.inference },
    migration: { ...base.migration!, template: template('migration') },
    smokeTest: { ...base.smokeTest!, template: template('smoke-test') },
  });
  const found = new Set<string>();
  for (const phase of ['Migrating', 'Testing'] as const) {
    for (const { kind, metadata, ...content } of objectsOf(releasing(phase), spec, {
      revisions: { blue: data, green: data },
    }).objects) {
      if (kind === 'ControllerRevision' || kind === 'HTTPRoute') continue;
      const {
        'facepass.dev/component': component = '',
        'app.kubernetes.io/managed-by': manager,
        ...rest
      } = metadata.labels!;
      assert.deepEqual(
        Object.fromEntries(Object.entries(rest).filter(([label]) => !label.startsWith('facepass.dev/'))),
        labels(component),
        `${kind} ${metadata.name}`,
      );
      assert.equal(manager, 'facepass-operator');
      const { selector } = content['spec'] as { selector?: object };
      assert.doesNotMatch(JSON.stringify(selector ?? ''), /app\.kubernetes\.io/);
      found.add(`${kind} ${component}`);
    }
  }
  assert.deepEqual([...found].sort(), [
    'Deployment api',
    'Deployment inference',
    'HorizontalPodAutoscaler api',
    'HorizontalPodAutoscaler inference',
    'Job migration',
    'Job smoke-test',
    'Service api',
    'Service inference',
  ]);
});

test('applies an object of an earlier operator once to add the labels', () => {
  const template = {
    metadata: { labels: { 'app.kubernetes.io/component': 'api' } },
    spec: { containers: [{ name: 'api' }] },
  };
  const { objects } = objectsOf(stable(), specOf({ api: { template } }), { revisions: { blue: { api: template } } });
  for (const wanted of objects.filter(({ kind }) => kind === 'Deployment' || kind === 'Service')) {
    const { 'app.kubernetes.io/component': _, ...earlier } = wanted.metadata.labels!;
    assert.equal(covers({ ...wanted, metadata: { ...wanted.metadata, labels: earlier } }, wanted), false);
    const live = {
      ...wanted,
      metadata: { ...wanted.metadata, labels: { ...wanted.metadata.labels, team: 'photos' }, resourceVersion: '7' },
    };
    assert.equal(covers(live, wanted), true, `${wanted.kind} ${wanted.metadata.name}`);
  }
});

test('creates no inference Deployment for an API with a sidecar', () => {
  const { objects, named } = objectsOf(stable(), specOf({ inference: undefined }), {
    revisions: { blue: { api: DATA.api } },
  });
  assert.equal(
    objects.some((one) => one.metadata.name.includes('inference')),
    false,
  );
  assert.equal(
    named('Deployment', 'faces-api-blue')!.spec.template.spec.containers[1].env[0].value,
    'dns:///elsewhere:1',
  );
});

test('the route names only revisions with traffic', () => {
  const backends = (status: Status) =>
    objectsOf(status)
      .named('HTTPRoute', 'faces')
      ?.spec.rules[0].backendRefs.map((one: any) => [one.name, one.weight, one.kind, one.group]);
  assert.equal(backends(releasing('Testing', { active: undefined })), undefined);
  assert.deepEqual(backends(releasing('Starting')), [['faces-api-blue', 100, 'Service', '']]);
  assert.deepEqual(backends(releasing('Shifting')), [
    ['faces-api-blue', 90, 'Service', ''],
    ['faces-api-green', 10, 'Service', ''],
  ]);
  assert.deepEqual(backends(releasing('Shifting', { weight: 100 })), [['faces-api-green', 100, 'Service', '']]);
  assert.deepEqual(backends(retaining()), [['faces-api-green', 100, 'Service', '']]);
});

test('keeps filters and timeouts of the route at every split, and adds none by default', () => {
  const asked = { filters: [{ type: 'RequestHeaderModifier' }], timeouts: { request: '60s' } };
  const { traffic } = specOf();
  const ruleOf = (spec: Spec) => objectsOf(releasing('Shifting'), spec).named('HTTPRoute', 'faces')!.spec.rules[0];
  const { filters, timeouts, backendRefs } = ruleOf(
    specOf({ traffic: { ...traffic, route: { ...traffic.route!, ...asked } } }),
  );
  assert.deepEqual({ filters, timeouts }, asked);
  assert.equal(backendRefs.length, 2);
  assert.deepEqual(Object.keys(ruleOf(specOf())), ['matches', 'backendRefs']);
});

test('the Service of the active revision has the configured address families', () => {
  const { traffic } = specOf();
  const service = { ...traffic.service, ipFamilyPolicy: 'PreferDualStack' };
  const families = (spec: Spec) => objectsOf(stable(), spec).named('Service', 'faces-api')!.spec.ipFamilyPolicy;
  assert.equal(families(specOf({ traffic: { ...traffic, service } })), 'PreferDualStack');
  assert.equal(families(specOf()), undefined);
});

test('a selector moves all traffic and writes no route', () => {
  const spec = specOf({ traffic: { ...specOf().traffic, mode: 'Selector' } });
  const selected = (status: Status) =>
    objectsOf(status, spec).named('Service', 'faces-api')?.spec.selector['facepass.dev/revision'];
  assert.equal(selected(releasing('Testing')), 'blue');
  assert.equal(selected(releasing('Shifting', { weight: 100 })), 'green');
  assert.equal(selected(retaining()), 'green');
  assert.equal(objectsOf(stable(), spec).named('HTTPRoute', 'faces'), undefined);
});

test('clients inside the cluster stay on the active revision while weights shift', () => {
  const { named } = objectsOf(releasing('Shifting'));
  assert.equal(named('Service', 'faces-api')!.spec.selector['facepass.dev/revision'], 'blue');
  assert.equal(named('Service', 'faces-api-preview')!.spec.selector['facepass.dev/revision'], 'green');
});

test('a second revision has the same size, and a retiring one has no pods', () => {
  const autoscaling = { minReplicas: 2, maxReplicas: 6 };
  const spec = specOf({ api: { autoscaling, template: specOf().api.template } });
  const least = (status: Status, revision: string) =>
    objectsOf(status, spec).named('HorizontalPodAutoscaler', `faces-api-${revision}`)?.spec.minReplicas;
  assert.equal(least(releasing('Starting'), 'blue'), 2);
  assert.equal(least(releasing('Starting'), 'green'), 6, 'as the active one, up to the most allowed');
  assert.equal(least(retaining(), 'blue'), 6);
  assert.equal(
    objectsOf(retaining(), spec).named('Deployment', 'faces-api-blue')!.spec.replicas,
    undefined,
    'the autoscaler’s',
  );
  assert.equal(
    objectsOf(retaining({ phase: 'Retiring' }), spec).named('Deployment', 'faces-api-blue')!.spec.replicas,
    0,
  );
  assert.equal(least(retaining({ phase: 'Retiring' }), 'blue'), undefined);
});

test('an autoscaler starts from the current size', () => {
  const spec = specOf({ api: { autoscaling: { minReplicas: 2, maxReplicas: 9 }, template: specOf().api.template } });
  const { named } = objectsOf(stable(), spec, { ownSizes: { 'faces-api-blue': 8 } });
  assert.equal(named('Deployment', 'faces-api-blue')!.spec.replicas, 8, 'without it, the API server would set 1');
});

test('creates Jobs in their phase and passes them their target', () => {
  const names = (status: Status) =>
    objectsOf(status)
      .objects.filter((one) => one.kind === 'Job')
      .map((one) => one.metadata.name);
  assert.deepEqual(names(releasing('Migrating')), ['faces-migrate-2-green']);
  assert.deepEqual(names(releasing('Testing')), ['faces-smoke-2-green']);
  assert.deepEqual(names(releasing('Shifting')), []);
  const { named } = objectsOf(releasing('Testing'));
  const { template } = named('Job', 'faces-smoke-2-green')!.spec;
  assert.deepEqual(template.spec.containers[0].env, [{ name: 'SMOKE_TEST_URL', value: 'http://faces-api-green:80' }]);
  assert.equal(template.spec.restartPolicy, 'Never');
  assert.equal(template.spec.containers[0].terminationMessagePolicy, 'FallbackToLogsOnError');
});

test('every object is deleted with its owner, without blocking it', () => {
  for (const { metadata } of objectsOf(releasing('Migrating')).objects) {
    assert.deepEqual(metadata.ownerReferences, [
      { apiVersion: 'facepass.dev/v1alpha1', kind: 'Facepass', name: 'faces', uid: 'u1', controller: true },
    ]);
    assert.ok(metadata.name.length <= 63);
  }
});

test('keeps the Jobs of an abandoned release', () => {
  const status = stable({ rejected: { revision: 'green', number: 2, reason: 'MigrationFailed', message: '', at: '' } });
  assert.ok(mayStay(status, 'Job', 'green'));
  assert.ok(!mayStay(status, 'Deployment', 'green'));
  assert.ok(!mayStay(status, 'Job', 'red'));
});

test('recognises a contracting migration by its arguments', () => {
  const template = (args: string[]) => ({ spec: { containers: [{ name: 'migrator', args }] } });
  assert.ok(contracts(template(['up', '--contract'])));
  assert.ok(contracts(template(['sh', '-c', 'migrator up --contract'])));
  assert.ok(!contracts(template(['up', '--grant-to=contractor'])));
  assert.ok(!contracts(undefined));
});
