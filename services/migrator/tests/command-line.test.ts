import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { createInstallation, LEGACY_MODEL, type Installation } from './installation.ts';

const ROOT = join(import.meta.dirname, '../../..');
const ENVIRONMENT = {
  PATH: process.env['PATH'],
  MODEL_PACK: 'arcface',
  MODELS_DIRECTORY: join(ROOT, 'models'),
  LEGACY_MODEL_ID: LEGACY_MODEL,
};
const NO_SERVER = process.env['FACEPASS_TEST_DATABASE_URL']
  ? false
  : 'needs PostgreSQL (FACEPASS_TEST_DATABASE_URL): two open transactions';

function start(args: string[], environment: Record<string, string>) {
  return spawn(process.execPath, [join(ROOT, 'services/migrator/main.ts'), ...args], {
    env: { ...ENVIRONMENT, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function run(args: string[], environment: Record<string, string>) {
  const child = start(args, environment);
  const [[code], out, errors] = await Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)]);
  return {
    code,
    errors,
    lines: out
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line)),
  };
}

test('exit codes distinguish a wrong command line, a wrong environment and an unreachable database', async () => {
  assert.equal((await run(['up', '--quickly'], {})).code, 64);
  const unset = await run(['up'], {});
  assert.equal(unset.code, 78);
  assert.match(unset.errors, /DATABASE_URL: set it or POSTGRES_HOST/);
  const gone = await run(['up'], { DATABASE_URL: 'postgres://127.0.0.1:1/x' });
  assert.equal(gone.code, 75);
  assert.equal(gone.lines.at(-1).exit_code, 75);
});

test('logs plan, up, verify, status, a dry rollback and a real one as JSON lines', async () => {
  await using installation = await createInstallation({ dimension: 512 });
  const environment = { DATABASE_URL: installation.url };
  assert.equal((await run(['up', '--to', '1'], environment)).code, 0);
  await installation.query(
    `insert into face_embeddings (photo_id, session_id, embedding, confidence) select nullif(n, 2)::text, $1, array_fill(0.5, array[512])::real[]::vector, 0.9 from generate_series(1, 3) n`,
    ['00000000-0000-4000-8000-000000000001'],
  );
  const refused = await run(['up'], { ...environment, MODEL_PACK: 'sface' });
  assert.equal(refused.code, 65);
  assert.match(refused.lines.at(-1).msg, /512 dimensions; MODEL_PACK sface produces 128/);
  const unnamed = await run(['up'], { ...environment, LEGACY_MODEL_ID: '' });
  assert.equal(unnamed.code, 78);

  const planned = (await run(['plan'], environment)).lines.at(-1);
  assert.deepEqual([planned.rows, planned.quarantine, planned.objections], [3, { 'photo_id is null': 1 }, []]);
  assert.deepEqual(
    (await installation.query('select count(*)::integer as steps from schema_migrations'))[0],
    { steps: 1 },
    'plan changed nothing',
  );
  assert.equal((await run(['up'], environment)).code, 0);
  assert.equal((await run(['up'], environment)).lines.at(-1).msg, 'nothing to do');
  assert.equal((await run(['verify'], environment)).code, 0);
  const status = (await run(['status'], environment)).lines.at(-1);
  assert.deepEqual(
    [status.schema_version, status.dimension, status.steps_pending],
    [3, 512, ['0013_compare_mirror', '0014_contract']],
  );
  assert.deepEqual(
    status.copies.map((copy: { table: string }) => copy.table),
    ['face_embeddings', 'face_embeddings_backup_v1', 'face_embeddings_quarantine'],
  );

  await installation.query('update sessions set photo_count = 7');
  const damaged = await run(['verify'], environment);
  assert.equal(damaged.code, 65);
  assert.deepEqual(
    damaged.lines.filter((line) => line.damaged > 0).map((line) => line.check),
    ['sessions have the right photo and face counts'],
  );
  const dry = (await run(['down', '--to', '1', '--dry-run'], environment)).lines.at(-1);
  assert.deepEqual(
    [dry.msg, dry.backup_rows_restored, dry.rows_indexed_since, dry.faces_kept_aside],
    ['dry run', 3, 0, 0],
  );
  assert.equal((await installation.query('select schema_version() as version'))[0].version, 3);
  assert.equal((await run(['down', '--to', '1'], environment)).code, 0);
  assert.equal((await installation.query('select from face_embeddings')).length, 3);
});

test('serves metrics while it waits for a lock, and exits with 75 on SIGTERM', { skip: NO_SERVER }, async () => {
  await using installation = await createInstallation({ dimension: 512 });
  await installation.up({ to: 2 });
  const holder = await installation.pool.connect();
  await holder.query('begin; lock table face_embeddings in row exclusive mode');
  const child = start(['up'], {
    DATABASE_URL: installation.url,
    METRICS_PORT: '0',
    MIGRATION_LOCK_TIMEOUT_MS: '200',
  });
  let port = 0;
  for await (const line of createInterface(child.stdout)) {
    const { metrics_port, msg } = JSON.parse(line);
    port ||= metrics_port ?? 0;
    if (/cannot get a lock/.test(msg)) break;
  }
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  assert.match(metrics, /^facepass_migration_step_info\{step="0010_mirror"\} 1$/m);
  assert.match(metrics, /^facepass_migration_steps_done 1$/m);
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [75, null]);
  await holder.query('rollback');
  holder.release();
});

test(
  'a statement over its limit exits with 78 and names the variable; one canceled by an administrator exits with 75',
  { skip: NO_SERVER },
  async () => {
    await using installation = await createInstallation({ dimension: 512 });
    await installation.up({ to: 2 });
    using _lock = await holdTable(installation);
    const environment = { DATABASE_URL: installation.url, MIGRATION_LOCK_TIMEOUT_MS: '600000' };
    const timedOut = await run(['up'], { ...environment, MIGRATION_STATEMENT_TIMEOUT_MS: '1000' });
    assert.equal(timedOut.code, 78);
    assert.match(timedOut.lines.at(-1).msg, /MIGRATION_STATEMENT_TIMEOUT_MS=1000 .*Raise the limit/);

    const canceled = run(['up'], environment);
    const cancel = `select pg_cancel_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'facepass-migrator' and wait_event_type = 'Lock'`;
    while ((await installation.query(cancel)).length === 0);
    assert.equal((await canceled).code, 75);
  },
);

/** A lock on face_embeddings that a migrator waits for; disposed of, its connection ends. */
async function holdTable(installation: Installation): Promise<Disposable> {
  const holder = await installation.pool.connect();
  await holder.query('begin; lock table face_embeddings in row exclusive mode');
  return { [Symbol.dispose]: () => holder.release(true) };
}
