import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';

const run = promisify(execFile);
const chart = fileURLToPath(new URL('../facepass', import.meta.url));
const snapshots = new URL('snapshots/', import.meta.url);
const helmMissing = await run('helm', ['version']).then(
  () => false,
  () => 'helm is not on the PATH',
);
const clusterMissing = await run('kubectl', ['version', '--request-timeout=3s']).then(
  () => false,
  () => 'no cluster answers kubectl',
);
const matrix = readdirSync(`${chart}/ci`).map((file) => file.replace('-values.yaml', ''));

async function render(values: string, ...settings: string[]): Promise<string> {
  const more = settings.flatMap((setting) => ['--set', setting]);
  const { stdout } = await run('helm', ['template', 'faces', chart, '--kube-version', '1.34.0', '--namespace', 'photos', '--values', `${chart}/ci/${values}-values.yaml`, ...more], {
    maxBuffer: 1 << 24,
  });
  return stdout;
}

async function objectsOf(values: string, ...settings: string[]): Promise<KubernetesObject[]> {
  return parseAllDocuments(await render(values, ...settings)).map((document) => document.toJS() as KubernetesObject).filter(Boolean);
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
    const { stdout } = await run('helm', ['lint', '--strict', chart, '--values', `${chart}/ci/${values}-values.yaml`]);
    assert.match(stdout, /0 chart\(s\) failed/);
  });

  test(`${values}: what is rendered is what was reviewed`, { skip: helmMissing }, async () => {
    const rendered = (await render(values)).replaceAll(/fp_\w{40}/g, 'fp_KEY').replaceAll(/\b\w{32}\b(?=@|$)/gm, 'PASSWORD').replaceAll(/helm.sh\/chart: .*/g, 'helm.sh/chart: CHART');
    const file = new URL(`${values}.yaml`, snapshots);
    if (process.env['UPDATE_SNAPSHOTS']) writeFileSync(file, rendered);
    assert.equal(rendered, readFileSync(file, 'utf8'), 'UPDATE_SNAPSHOTS=1 npm run test:charts writes the snapshots anew');
  });

  test(`${values}: the API server accepts every object that it knows`, { skip: helmMissing || clusterMissing }, async () => {
    const { stdout: known } = await run('kubectl', ['api-resources', '--no-headers', '-o', 'name']);
    const objects = (await objectsOf(values)).filter((object) => known.includes(resourceOf(object)));
    assert.ok(objects.length > 8);
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects.map((object) => ({ ...object, metadata: { ...object.metadata, namespace: 'default' } })) });
    const kubectl = run('kubectl', ['apply', '--dry-run=server', '-f', '-'], { maxBuffer: 1 << 24 });
    kubectl.child.stdin?.end(list);
    await kubectl;
  });

  test(`${values}: every pod keeps to the restricted standard and holds no token`, { skip: helmMissing }, async () => {
    const pods = (await objectsOf(values)).flatMap(podOf);
    assert.ok(pods.length >= 2);
    for (const pod of pods) {
      assert.equal(pod.automountServiceAccountToken, false);
      assert.equal(pod.securityContext.runAsNonRoot, true);
      assert.equal(pod.securityContext.seccompProfile.type, 'RuntimeDefault');
      for (const container of [...pod.containers, ...(pod.initContainers ?? [])]) {
        assert.deepEqual(container.securityContext, { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } });
        assert.ok(container.resources.requests.memory && container.resources.limits.memory, `${container.name} has no memory limit`);
      }
    }
  });
}

test('no Deployment with an autoscaler states replicas', { skip: helmMissing }, async () => {
  const objects = await objectsOf('production');
  const scaled = objects.filter((object) => object.kind === 'HorizontalPodAutoscaler').map((object) => object.spec.scaleTargetRef.name);
  assert.deepEqual(scaled, ['faces-facepass-api', 'faces-facepass-inference']);
  for (const object of objects) if (object.kind === 'Deployment' && scaled.includes(object.metadata.name)) assert.equal('replicas' in object.spec, false);
});

test('the migration Job is no hook and its name changes with what it runs', { skip: helmMissing }, async () => {
  const job = async (...settings: string[]) => (await objectsOf('trial', ...settings)).find((object) => object.kind === 'Job');
  const [before, after] = [await job(), await job('image.tag=0.2.0')];
  assert.equal(before?.metadata.annotations, undefined);
  assert.match(before?.metadata.name ?? '', /^faces-facepass-migrate-1-[0-9a-f]{8}$/);
  assert.notEqual(before?.metadata.name, after?.metadata.name);
});

test('no route leads to the metrics', { skip: helmMissing }, async () => {
  for (const values of ['production', 'sidecar'])
    for (const object of await objectsOf(values))
      if (['HTTPRoute', 'Ingress'].includes(object.kind)) {
        const paths = JSON.stringify(object.spec);
        assert.match(paths, /\/api\//);
        assert.doesNotMatch(paths, /metrics|livez|readyz/);
      }
});

const contradictions: [string, string[], RegExp][] = [
  ['trial', ['postgres.existingSecret=db'], /exclude each other: use the trial database or yours/],
  ['trial', ['postgres.embedded.enabled=false'], /No database: set postgres.existingSecret/],
  ['trial', ['redis.existingSecret=redis'], /exclude each other: use the trial Redis or yours/],
  ['sidecar', ['inference.autoscaling.enabled=true'], /a sidecar scales with its API pod/],
  ['sidecar', ['tls.enabled=true'], /over a UNIX socket inside the pod/],
  ['trial', ['tls.enabled=true'], /tls.enabled needs tls.existingSecret or/],
  ['trial', ['api.searchAccess=token'], /needs api.searchTokenSecret/],
  ['trial', ['ingress.enabled=true'], /at least one name in ingress.hosts/],
  ['trial', ['httpRoute.enabled=true'], /needs httpRoute.parentRefs/],
  ['trial', ['api.autoscaling.enabled=true', 'api.autoscaling.minReplicas=20'], /api.autoscaling.minReplicas is larger/],
  ['trial', ['inference.autoscaling.enabled=true', 'inference.autoscaling.minReplicas=20'], /inference.autoscaling.minReplicas is larger/],
  ['trial', ['monitoring.podMonitor.enabled=true'], /no Prometheus operator/],
  ['trial', ['httpRoute.enabled=true', 'httpRoute.parentRefs[0].name=public'], /no Gateway API/],
];
for (const [values, settings, sentence] of contradictions)
  test(`refused with a sentence: ${settings.join(' ')}`, { skip: helmMissing }, async () => assert.match(await refusal(values, ...settings), sentence));

const malformed = [
  'api.replcas=2', 'replicas=2', 'api.replicas=-1', 'api.replicas=two', 'inference.mode=remote', 'image.pullPolicy=Sometimes', 'image.pullSecrets=one',
  'api.searchAccess=private', 'api.trustProxy=true', 'api.service.type=ExternalName', 'api.service.port=70000', 'api.image.digest=sha256:12', 'api.env.lower=1',
  'postgres.poolSize=0', 'postgres.embedded.storage=10GB', 'postgres.embeded.enabled=true', 'redis.url=redis://x', 's3.endpoint=ftp://x', 'telemetry.samplingRatio=2',
  'telemetry.otlpEndpoint=collector:4318', 'logLevel=loud', 'model.pack=../etc', 'monitoring.podMonitor.interval=soon', 'networkPolicy.egressPorts[0]=postgres', 'tls.certManager.issuerRef.kind=Vault',
];
for (const setting of malformed)
  test(`refused by the schema: ${setting}`, { skip: helmMissing }, async () =>
    assert.match(await refusal('trial', setting), /values don't meet the specifications of the schema/));

function podOf(object: KubernetesObject): PodSpec[] {
  return object.kind === 'Pod' ? [object.spec as unknown as PodSpec] : object.spec?.template?.spec ? [object.spec.template.spec as PodSpec] : [];
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
  metadata: { name: string; annotations?: object };
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
