import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { root, sh, sustainedLoad, until } from './cluster.ts';

/**
 * From plain to blue-green and back by the page's own commands, under load, on any cluster with a Gateway API. It needs
 * the images of FACEPASS_TEST_TAG in the cluster; the operator runs here, from this tree.
 */
const tag = process.env['FACEPASS_TEST_TAG'];
const missing = !tag
  ? 'set FACEPASS_TEST_TAG to the tag of images that the cluster has'
  : await sh('helm version && kubectl get crd httproutes.gateway.networking.k8s.io').then(
      () => false,
      () => 'no cluster with a Gateway API',
    );
const NAMESPACE = 'facepass-modes-test';
const NAME = 'faces-facepass';
const PORT = process.env['GATEWAY_PORT'] ?? '8181';
const values = join(tmpdir(), `${NAMESPACE}.json`);
const environment = { NAMESPACE, RELEASE: 'faces', NAME, VALUES: values };
const operator = { stop: async () => undefined as void };

before(async () => {
  if (missing) return;
  writeFileSync(values, JSON.stringify(settings()));
  await sh(`kubectl delete namespace ${NAMESPACE} --ignore-not-found --wait; kubectl create namespace ${NAMESPACE}`);
  await sh(
    'kubectl apply --server-side --force-conflicts -f charts/facepass-operator/files/crd.yaml && kubectl wait --for=condition=Established crd/facepasses.facepass.dev',
  );
  await sh(`kubectl -n ${NAMESPACE} apply -f - <<'YAML'
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: public }
spec: { gatewayClassName: ${process.env['GATEWAY_CLASS'] ?? 'test'}, listeners: [{ name: http, port: ${PORT}, protocol: HTTP }] }
YAML`);
  const child = spawn(process.execPath, ['services/operator/main.ts'], {
    cwd: root,
    env: { ...process.env, POD_NAMESPACE: NAMESPACE, METRICS_PORT: '0', STEP_INTERVAL_MS: '1000' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  operator.stop = async () => {
    child.kill();
    await once(child, 'exit');
  };
  await sh(`helm install faces charts/facepass --namespace ${NAMESPACE} --values ${values} --wait --timeout 8m`);
});

after(async () => {
  await operator.stop();
  if (!missing) await sh(`kubectl delete namespace ${NAMESPACE} --wait=false`);
});

test(
  'from plain to blue-green and back no request fails, by the commands of the page',
  { skip: missing },
  async (t) => {
    const address = await until('the gateway', 60, async () =>
      (await sh(`kubectl -n ${NAMESPACE} get gateway public -o jsonpath='{.status.addresses[0].value}'`)).trim(),
    );
    const status = () => fetch(`http://${address}:${PORT}/api/v1/search/status/nobody`);
    await until('the route', 60, async () => (await status()).ok);
    await using load = sustainedLoad(async () => {
      const answer = await status();
      await new Promise((resolve) => setTimeout(resolve, 50));
      return answer;
    }, 2);
    const [there, back] = ['From plain to blue-green', 'And back to plain'].map(commandsOf) as [string[], string[]];
    for (const block of there.slice(1)) await sh(block, environment);
    assert.equal((await names('deployment')).filter((name) => /-(api|inference)$/.test(name)).length, 0);
    const served = async () =>
      JSON.parse(await sh(`kubectl -n ${NAMESPACE} get service ${NAME}-api -o jsonpath='{.spec.selector}'`)) as object;
    assert.ok('facepass.dev/revision' in (await served()));
    // An upgrade now is the operator's to release.
    for (const block of back) await sh(block, environment);
    await until('the pair is gone', 60, async () => (await names('deployment')).length === 2);
    assert.equal('facepass.dev/revision' in (await served()), false);
    await sh(`helm upgrade faces charts/facepass --namespace ${NAMESPACE} --values ${values} --wait --timeout 5m`);
    const { answered, failures } = await load.stop();
    t.diagnostic(`${answered} requests, ${failures.length} failed`);
    assert.deepEqual([failures.length, failures[0], failures.at(-1)], [0, undefined, undefined]);
  },
);

async function names(kind: string): Promise<string[]> {
  const listed = await sh(`kubectl -n ${NAMESPACE} get ${kind} -l app.kubernetes.io/instance=faces -o name`);
  return listed.split('\n').filter((name) => /-(api|inference)/.test(name));
}

/** The shell blocks of a section of docs/blue-green.md. */
function commandsOf(title: string): string[] {
  const page = readFileSync(join(root, 'docs/blue-green.md'), 'utf8');
  const section = page.split(`## ${title}\n`)[1]?.split('\n## ')[0] ?? '';
  return [...section.matchAll(/```sh\n([^]*?)```/g)].map(([, block = '']) => block);
}

function settings() {
  const small = (cpu: string, memory: string) => ({ requests: { cpu, memory }, limits: { memory: '1Gi' } });
  return {
    image: { registry: 'localhost', tag, pullPolicy: 'IfNotPresent' },
    postgres: {
      embedded: { enabled: true, image: process.env['POSTGRES_IMAGE'] ?? 'docker.io/pgvector/pgvector:0.8.5-pg16' },
    },
    api: { replicas: 1, resources: small('50m', '128Mi'), env: { RATE_LIMIT_SEARCHES_PER_MINUTE: '0' } },
    inference: { replicas: 1, workers: 1, resources: small('50m', '256Mi') },
    httpRoute: { enabled: true, parentRefs: [{ name: 'public' }] },
    release: { deadlines: { ready: '5m', route: '1m' } },
  };
}
