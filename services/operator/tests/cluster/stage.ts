import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { root, sh, until } from '../../../../charts/tests/cluster.ts';
import { wrongModelManifest } from './candidates.ts';
import type { Candidate } from './candidates.ts';
import { connectKubernetes, type Kubernetes } from './kubernetes.ts';
import { steadyLoad, type Load } from './load.ts';

/**
 * Any cluster that KUBECONFIG names and that has a Gateway API. LOAD_IMAGES is the command that brings local images
 * into it; BASE_IMAGE, POSTGRES_IMAGE and PROMETHEUS_IMAGE replace the public ones; GATEWAY_CLASS, GATEWAY_PORT and
 * GATEWAY_ADDRESS say where the requests go.
 */
export const NAMESPACE = 'facepass-operator-test';
export const NAME = 'faces-facepass';
export const OPERATOR = 'facepass-operator';
const GATEWAY_PORT = process.env['GATEWAY_PORT'] ?? '8080';
const SESSION = 'gala';

/** A namespace with a Facepass at rest, and what a release needs around it. */
export interface Stage extends AsyncDisposable {
  kubernetes: Kubernetes;
  /** 50 requests a second through the Gateway: the status of a session, and once in two seconds a search. */
  load(): Load;
  /** 20 requests a second for the status of a session, to the Service of clients inside the cluster. */
  loadOfService(): Load;
  /** `helm upgrade` of the Facepass to the stage's settings, `candidate` and `settings`. */
  release(candidate: Candidate, ...settings: string[]): Promise<void>;
  /** The operator's chart, once more. */
  installOperator(): Promise<void>;
}

/** @param rules what the stage's Prometheus evaluates, in its own form. */
export async function raiseStage(log: (line: string) => void, rules = 'groups: []'): Promise<Stage> {
  await sh(
    `helm -n ${NAMESPACE} uninstall ${OPERATOR} faces --ignore-not-found --wait; kubectl delete namespace ${NAMESPACE} --ignore-not-found --wait`,
  );
  await sh(
    `kubectl create namespace ${NAMESPACE} && kubectl label namespace ${NAMESPACE} pod-security.kubernetes.io/enforce=restricted`,
  );
  const tag = process.env['FACEPASS_TEST_TAG'] ?? (await buildImages(log));
  await applyStage(rules);
  // Where another release has brought the definition, the chart leaves it; here the one of this tree is tested.
  await sh(
    'kubectl get crd facepasses.facepass.dev >/dev/null 2>&1 && kubectl apply --server-side --force-conflicts -f charts/facepass-operator/files/crd.yaml || true',
  );
  await sh(installOperator(tag));
  const address = `http://${process.env['GATEWAY_ADDRESS'] ?? (await gatewayAddress())}:${GATEWAY_PORT}`;
  const release = async (candidate: Candidate, ...settings: string[]) =>
    void (await sh(
      `helm -n ${NAMESPACE} upgrade --install faces charts/facepass ${[...facepassSettings(tag), ...candidate, ...settings].join(' ')} --values ${valuesFile}`,
    ));
  await release([]);
  await sh(`kubectl -n ${NAMESPACE} wait --for=condition=Released facepass/${NAME} --timeout=180s`);
  const selfie = await sharp(`${root}/node_modules/@vladmandic/face-api/demo/sample3.jpg`)
    .resize(320)
    .jpeg()
    .toBuffer();
  await until('the gateway answers', 20, async () => (await fetch(`${address}/health`)).ok);
  await indexPhoto(address, selfie);
  const kubernetes = await connectKubernetes();
  return {
    kubernetes,
    release,
    installOperator: async () => void (await sh(installOperator(tag))),
    load: () => {
      const search = multipart({ session_id: SESSION }, selfie);
      return steadyLoad(address, 50, (count) =>
        count % 100 === 0
          ? { name: 'search', path: '/api/v1/search', method: 'POST', ...search }
          : { name: 'status', path: `/api/v1/search/status/${SESSION}` },
      );
    },
    loadOfService: () => {
      const path = `/api/v1/namespaces/${NAMESPACE}/services/${NAME}-api:http/proxy/api/v1/search/status/${SESSION}`;
      return steadyLoad(kubernetes.url, 20, () => ({ name: 'status', path }));
    },
    async [Symbol.asyncDispose]() {
      await kubernetes[Symbol.asyncDispose]();
      await sh(
        `helm -n ${NAMESPACE} uninstall ${OPERATOR} faces --ignore-not-found; kubectl delete namespace ${NAMESPACE} --ignore-not-found --wait=false`,
      );
    },
  };
}

function installOperator(tag: string): string {
  return [
    `helm -n ${NAMESPACE} upgrade --install ${OPERATOR} charts/facepass-operator --wait --timeout 3m`,
    `--set image.registry=localhost --set image.tag=${tag} --set prometheus.url=http://prometheus:9090 --set prometheus.timeoutMs=2000`,
    // A leader that is killed is followed within six seconds, so that ten kills take a minute.
    '--set leaderElection.leaseDurationMs=6000 --set leaderElection.renewDeadlineMs=3000 --set leaderElection.retryMs=500 --set kubernetesTimeoutMs=2500',
    '--set stepIntervalMs=1000 --set logLevel=debug',
  ].join(' ');
}

/** Gates and steps of seconds instead of minutes. */
const RELEASE = {
  release: {
    mode: 'blueGreen',
    traffic: {
      steps: [10, 50, 100].map((weight) => ({ weight, hold: '4s' })),
      share: { tolerance: 5, minRequests: 150, deadline: '20s' },
    },
    gates: [
      {
        name: 'errors',
        query:
          '(sum(rate(http_server_request_duration_seconds_count{job="facepass-api",namespace="$namespace",revision="$revision",route=~"/api/.*",status=~"5.."}[$window])) or vector(0)) / sum(rate(http_server_request_duration_seconds_count{job="facepass-api",namespace="$namespace",revision="$revision",route=~"/api/.*"}[$window]))',
        max: 0.05,
        minSamples: 20,
      },
      {
        name: 'status-duration-p90',
        query:
          'histogram_quantile(0.9, sum by (le) (rate(http_server_request_duration_seconds_bucket{job="facepass-api",namespace="$namespace",revision="$revision",route=~"/api/v1/search/status/.*"}[$window])))',
        max: 0.75,
        minSamples: 20,
      },
    ],
    rollbackWindow: '5s',
    deadlines: { ready: '40s', route: '30s' },
  },
  api: {
    replicas: 1,
    env: { RATE_LIMIT_WRITES_PER_MINUTE: '0', RATE_LIMIT_SEARCHES_PER_MINUTE: '0' },
    // The pods that serve come before the candidate's start and its smoke test, which would take both of a small
    // machine's cores.
    resources: { requests: { cpu: '300m', memory: '128Mi' }, limits: { memory: '512Mi' } },
  },
  inference: {
    replicas: 1,
    workers: 1,
    resources: { requests: { cpu: '10m', memory: '256Mi' }, limits: { memory: '1Gi' } },
  },
  migration: { resources: { requests: { cpu: '10m', memory: '128Mi' }, limits: { memory: '512Mi' } } },
  postgres: { existingSecret: 'facepass-database', migrationExistingSecret: 'facepass-database' },
  httpRoute: { enabled: true, parentRefs: [{ name: 'public' }] },
};

const valuesFile = join(await mkdtemp(join(tmpdir(), 'facepass-operator-test-')), 'values.json');
await writeFile(valuesFile, JSON.stringify(RELEASE));

function facepassSettings(tag: string): string[] {
  return [`--set image.registry=localhost`, `--set image.tag=${tag}`];
}

async function buildImages(log: (line: string) => void): Promise<string> {
  const tag = `test-${Date.now().toString(36)}`;
  const base = process.env['BASE_IMAGE'] ? `--base-image ${process.env['BASE_IMAGE']}` : '';
  log(await sh(`scripts/build-images --registry localhost --tag ${tag} ${base} 2>/dev/null | tail -4`));
  if (process.env['LOAD_IMAGES'])
    await sh(`${process.env['LOAD_IMAGES']} localhost/facepass-{api,inference,migrator,operator}:${tag}`);
  return tag;
}

async function applyStage(rules: string): Promise<void> {
  const manifest = (await readFile(new URL('stage.yaml', import.meta.url), 'utf8'))
    .replaceAll('POSTGRES_IMAGE', process.env['POSTGRES_IMAGE'] ?? 'docker.io/pgvector/pgvector:0.8.5-pg16')
    .replaceAll('PROMETHEUS_IMAGE', process.env['PROMETHEUS_IMAGE'] ?? 'docker.io/prom/prometheus:v3.8.0')
    .replaceAll('GATEWAY_CLASS', process.env['GATEWAY_CLASS'] ?? 'test')
    .replaceAll('GATEWAY_PORT', GATEWAY_PORT);
  await sh(`kubectl -n ${NAMESPACE} create configmap rules --from-literal=rules.yaml="$RULES"`, { RULES: rules });
  await sh(`kubectl -n ${NAMESPACE} apply -f - <<'YAML'\n${manifest}\nYAML`);
  await sh(`kubectl -n ${NAMESPACE} create configmap wrong-model --from-literal=manifest.json="$MANIFEST"`, {
    MANIFEST: await wrongModelManifest(),
  });
  await sh(
    `kubectl -n ${NAMESPACE} rollout status deployment/postgres --timeout=2m && kubectl -n ${NAMESPACE} rollout status deployment/prometheus --timeout=2m`,
  );
}

async function gatewayAddress(): Promise<string> {
  return until(
    'the gateway has an address',
    60,
    async () =>
      (await sh(`kubectl -n ${NAMESPACE} get gateway public -o jsonpath='{.status.addresses[0].value}'`)).trim() ||
      undefined,
  );
}

async function indexPhoto(address: string, photo: Buffer): Promise<void> {
  const keys = await sh(
    `kubectl -n ${NAMESPACE} get secret ${NAME}-api-keys -o jsonpath='{.data.api-keys}' | base64 -d`,
  );
  const { headers, body } = multipart({ session_id: SESSION, photo_id: 'p1' }, photo);
  const response = await fetch(`${address}/api/v1/index`, {
    method: 'POST',
    headers: { ...headers, 'X-API-Key': keys.split(':')[1] ?? '' },
    body: new Uint8Array(body),
  });
  if (!response.ok) throw new Error(`index: ${response.status} ${await response.text()}`);
}

function multipart(fields: Record<string, string>, image: Buffer): { headers: Record<string, string>; body: Buffer } {
  const boundary = 'facepass-operator-test';
  const parts = Object.entries(fields).map(
    ([name, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  const file = `--${boundary}\r\nContent-Disposition: form-data; name="image"; filename="photo.jpg"\r\nContent-Type: image/jpeg\r\n\r\n`;
  return {
    headers: { 'Content-Type': `multipart/form-data; boundary=${boundary}` },
    body: Buffer.concat([Buffer.from(parts.join('') + file), image, Buffer.from(`\r\n--${boundary}--\r\n`)]),
  };
}
