import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { makeCertificates, noOpenssl } from '../services/api/tests/certificates.ts';
import { s3Environment, startS3Server } from '../services/api/tests/s3-server.ts';
import { hasRedis, startRedis } from '../services/api/tests/redis.ts';
import { alternativesOf, panelExpressions, ruleExpressions, withoutLimits } from './source/expressions.ts';
import { freePort } from '../scripts/local/services.ts';
import {
  prometheusMissing,
  startPrometheus,
  type Prometheus,
  type Target,
} from '../scripts/drills/observability/prometheus.ts';
import { createTestDatabase, runSql } from '../scripts/checks/test-database.ts';
import {
  indexPhoto,
  KEY,
  samplePhoto,
  searchFaces,
  startStack,
  type Stack,
} from '../scripts/drills/observability/stack.ts';

/**
 * What a run of processes without a cluster cannot have: kube-state-metrics', and the operator's, which npm run
 * test:operator looks at.
 */
const OF_OTHERS = /\bkube_\w+|\bfacepass_operator_\w+|job="facepass-operator"/;
/** Empty while nothing is wrong. */
const OF_TROUBLE = /^ALERTS\{/;

const MIGRATOR = join(import.meta.dirname, '../services/migrator/main.ts');
const ROWS_OF_SCHEMA_1 = `
  insert into face_embeddings (photo_id, event_id, session_id, embedding, confidence)
  select 'photo-' || n, 1, '00000000-0000-4000-8000-000000000001', array_fill(n::real, array[atttypmod])::vector, 0.9
  from generate_series(1, 300) n, pg_attribute where attrelid = 'face_embeddings'::regclass and attname = 'embedding'`;

test(
  'every query of the dashboards and rules has data while the service works',
  { skip: prometheusMissing || noOpenssl || (hasRedis() ? false : 'needs redis-server') },
  async () => {
    using certificates = makeCertificates();
    await using redis = await startRedis();
    await using bucket = await startS3Server();
    bucket.objects.set('/photos/one.jpg', await samplePhoto(1));
    await using stack = await startStack({
      inference: {
        GRPC_TLS_CERT_FILE: certificates.path('server.crt'),
        GRPC_TLS_KEY_FILE: certificates.path('server.key'),
      },
      api: {
        RETENTION_SWEEP_MINUTES: '0.05',
        REDIS_URL: redis.url,
        INFERENCE_TLS_CA_FILE: certificates.path('ca.crt'),
        ...s3Environment(bucket),
      },
    });
    await stack.startInference();
    const indexer = await stack.startIndexer({
      INFERENCE_TLS_CA_FILE: certificates.path('ca.crt'),
      ...s3Environment(bucket),
    });
    await using migration = await startLongMigration();
    await using prometheus = await startPrometheus();
    await prometheus.setTargets([
      ...targetsOf(stack, migration.metricsPort),
      { job: 'facepass-indexer', port: Number(new URL(indexer.metricsUrl).port), labels: { pod: 'indexer-1' } },
    ]);
    await work(stack);

    const absent = [OF_OTHERS, OF_TROUBLE];
    const expressions = [
      ...panelExpressions('5s'),
      ...ruleExpressions().flatMap(alternativesOf).map(withoutLimits),
    ].filter(({ expr }) => !absent.some((pattern) => pattern.test(expr)));
    assert.ok(expressions.length > 80, `only ${expressions.length} expressions`);
    const stop = new AbortController();
    const load = keepWorking(stack, stop.signal);
    let empty = expressions;
    for (const giveUp = Date.now() + 90_000; empty.length > 0 && Date.now() < giveUp; await delay(500)) {
      const looked = await Promise.all(empty.map(async (one) => ((await hasData(prometheus, one.expr)) ? [] : [one])));
      empty = looked.flat();
    }
    stop.abort();
    await load;
    assert.deepEqual(
      empty.map(({ place, expr }) => `${place}: ${expr.replaceAll(/\s+/g, ' ')}`),
      [],
    );
  },
);

function targetsOf(stack: Stack, migrationPort: number): Target[] {
  return [
    { job: 'facepass-api', port: stack.api.metricsPort, labels: { pod: 'api-1', revision: 'blue' } },
    ...stack.inference.map(({ metricsPort }, index): Target => ({
      job: 'facepass-inference',
      port: metricsPort,
      labels: { pod: `inference-${index + 1}`, revision: 'blue' },
    })),
    { job: 'facepass-migration', port: migrationPort, labels: { pod: 'migrate-1' } },
  ];
}

/** What leaves a trace in every metric: photos with and without faces, searches, each kind of failure. */
async function work({ url }: Stack): Promise<void> {
  const photo = await samplePhoto(1);
  assert.equal(await indexPhoto(url, photo, 'party', 'one'), 200);
  assert.equal(await searchFaces(url, photo, 'party'), 200);
  assert.equal(await searchFaces(url, photo, 'nobody'), 404);
  assert.equal((await fetch(`${url}/api/v1/sessions`)).status, 401);
  await createJob(url);
}

async function keepWorking({ url }: Stack, signal: AbortSignal): Promise<void> {
  const photo = await samplePhoto(1);
  for (let round = 0; !signal.aborted; round += 1) {
    await searchFaces(url, photo, round % 5 === 0 ? 'nobody' : 'party');
    if (round % 10 === 0) await createJob(url);
    if (round % 3 === 0) await indexPhoto(url, photo, 'party', 'one');
    if (round % 5 === 0) await fetch(`${url}/api/v1/sessions`);
    await delay(50);
  }
}

/** One of its photos is indexed, the other is not in the bucket. */
async function createJob(url: string): Promise<void> {
  const photos = ['one.jpg', 'gone.jpg'].map((key) => ({ photo_id: key, s3_key: key }));
  const { status } = await fetch(`${url}/api/v1/jobs`, {
    method: 'POST',
    headers: { 'X-API-Key': KEY, 'Content-Type': 'application/json' },
    body: JSON.stringify({ session_id: 'jobs', photos }),
  });
  assert.equal(status, 202);
}

/** A migrator in the middle of its backfill, on a database of its own: it moves one row of schema 1 a second. */
async function startLongMigration(): Promise<AsyncDisposable & { metricsPort: number }> {
  await using stack = new AsyncDisposableStack();
  const database = stack.use(await createTestDatabase());
  const env = {
    ...process.env,
    DATABASE_URL: database.url,
    LEGACY_MODEL_ID: 'older',
    MIGRATION_BATCH_ROWS: '1',
    MIGRATION_PAUSE_MS: '1000',
  };
  const migrate = (options: string[], more: NodeJS.ProcessEnv = {}) =>
    spawn(process.execPath, [MIGRATOR, 'up', ...options], { env: { ...env, ...more }, stdio: 'ignore' });
  assert.deepEqual(await once(migrate(['--to', '1']), 'exit'), [0, null]);
  await runSql(database.url, ROWS_OF_SCHEMA_1);
  const metricsPort = await freePort(0);
  const migrator = migrate([], { METRICS_PORT: String(metricsPort) });
  stack.defer(async () => {
    migrator.kill('SIGKILL');
    if (migrator.exitCode === null && migrator.signalCode === null) await once(migrator, 'exit');
  });
  const moves = () =>
    fetch(`http://127.0.0.1:${metricsPort}/metrics`).then(
      async (response) => /facepass_migration_rows [1-9]/.test(await response.text()),
      () => false,
    );
  while (!(await moves())) await delay(50);
  const owned = stack.move();
  return { metricsPort, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function hasData(prometheus: Prometheus, expr: string): Promise<boolean> {
  const series = await prometheus.query(expr);
  return series.some(({ value }) => !Number.isNaN(value));
}
