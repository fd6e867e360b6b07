import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { alternativesOf, panelExpressions, ruleExpressions, withoutLimits } from '../scripts/dashboards/expressions.ts';
import { freePort } from '../scripts/local/services.ts';
import { prometheusMissing, startPrometheus, type Prometheus, type Target } from '../scripts/observability/prometheus.ts';
import { createTestDatabase } from '../scripts/test-database.ts';
import { indexPhoto, samplePhoto, searchFaces, startStack, type Stack } from '../scripts/observability/stack.ts';

/** What a run of processes without a cluster cannot have: kube-state-metrics', and the operator's, which npm run test:operator looks at. */
const OF_OTHERS = /\bkube_\w+|\bfacepass_operator_\w+|job="facepass-operator"/;
/** Data only while a migration moves rows of an older schema. */
const OF_A_BACKFILL = /facepass_migration_rows/;
/** Empty while nothing is wrong. */
const OF_TROUBLE = /^ALERTS\{/;

test('every query of the dashboards and rules has data while the service works', { skip: prometheusMissing }, async (t) => {
  await using stack = await startStack({ api: { RETENTION_SWEEP_MINUTES: '0.05' } });
  await stack.startInference();
  await using migration = stack.database.engine === 'embedded' ? null : await startHeldMigration();
  if (!migration) t.diagnostic('without the queries about migrations, which need PostgreSQL: two open transactions');
  await using prometheus = await startPrometheus();
  await prometheus.setTargets(targetsOf(stack, migration?.metricsPort));
  await work(stack);

  const absent = [OF_OTHERS, OF_A_BACKFILL, OF_TROUBLE, ...(migration ? [] : [/facepass_migration_/])];
  const expressions = [...panelExpressions('5s'), ...ruleExpressions().flatMap(alternativesOf).map(withoutLimits)].filter(({ expr }) => !absent.some((pattern) => pattern.test(expr)));
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
  assert.deepEqual(empty.map(({ place, expr }) => `${place}: ${expr.replaceAll(/\s+/g, ' ')}`), []);
});

function targetsOf(stack: Stack, migrationPort: number | undefined): Target[] {
  return [
    { job: 'facepass-api', port: stack.api.metricsPort, labels: { pod: 'api-1', revision: 'blue' } },
    ...stack.inference.map(({ metricsPort }, index): Target => ({ job: 'facepass-inference', port: metricsPort, labels: { pod: `inference-${index + 1}`, revision: 'blue' } })),
    ...(migrationPort ? [{ job: 'facepass-migration', port: migrationPort, labels: { pod: 'migrate-1' } } as const] : []),
  ];
}

/** What leaves a trace in every metric: photos with and without faces, searches, each kind of failure. */
async function work({ url }: Stack): Promise<void> {
  const photo = await samplePhoto(1);
  assert.equal(await indexPhoto(url, photo, 'party', 'one'), 200);
  assert.equal(await searchFaces(url, photo, 'party'), 200);
  assert.equal(await searchFaces(url, photo, 'nobody'), 404);
}

async function keepWorking({ url }: Stack, signal: AbortSignal): Promise<void> {
  const photo = await samplePhoto(1);
  for (let round = 0; !signal.aborted; round += 1) {
    await searchFaces(url, photo, round % 5 === 0 ? 'nobody' : 'party');
    if (round % 3 === 0) await indexPhoto(url, photo, 'party', 'one');
    await delay(50);
  }
}

/** A migrator in the middle of its run, on a database of its own: a table that somebody else is just making stops it for a while. */
async function startHeldMigration(): Promise<AsyncDisposable & { metricsPort: number }> {
  await using stack = new AsyncDisposableStack();
  const database = stack.use(await createTestDatabase());
  const other = new pg.Client({ connectionString: database.url });
  await other.connect();
  stack.defer(() => other.end());
  await other.query('begin; create table faces (session_id text)');
  const metricsPort = await freePort(0);
  const main = join(import.meta.dirname, '../services/migrator/main.ts');
  const migrator = spawn(process.execPath, [main, 'up'], { env: { ...process.env, DATABASE_URL: database.url, METRICS_PORT: String(metricsPort) }, stdio: 'ignore' });
  stack.defer(async () => {
    migrator.kill('SIGKILL');
    if (migrator.exitCode === null && migrator.signalCode === null) await once(migrator, 'exit');
  });
  const atAStep = () => fetch(`http://127.0.0.1:${metricsPort}/metrics`).then(async (response) => /facepass_migration_step_info\{.*\} 1/.test(await response.text()), () => false);
  while (!(await atAStep())) await delay(50);
  const owned = stack.move();
  return { metricsPort, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function hasData(prometheus: Prometheus, expr: string): Promise<boolean> {
  const series = await prometheus.query(expr);
  return series.some(({ value }) => !Number.isNaN(value));
}
