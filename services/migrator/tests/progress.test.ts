import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLogger } from '@facepass/runtime/logger';
import { createProgress } from '../progress.ts';
import { up } from '../up.ts';
import { watched } from '../observe.ts';
import { createInstallation } from './installation.ts';

const NO_SERVER = process.env['FACEPASS_TEST_DATABASE_URL']
  ? false
  : 'needs PostgreSQL (FACEPASS_TEST_DATABASE_URL): the embedded database has one backend for all clients';

test('logs the start of a step, and the phase and lock of a long statement', { skip: NO_SERVER }, async () => {
  await using installation = await createInstallation();
  await installation.up({ to: 1 });
  const holder = await installation.pool.connect();
  const told = collect(async (line) => {
    if (isWaiting(line)) await holder.query('commit');
  });
  await holder.query(`begin; insert into face_embeddings (embedding) values ('[1,0,0,0,0,0,0,0]')`);
  await installation
    .migrate((client, context) => up(client, { to: 2, contract: false }, { ...context, ...told }))
    .finally(() => holder.release(true));
  const ofIndex = told.lines.filter((line) => line.step?.startsWith('0003_pair_index'));
  assert.deepEqual(
    ofIndex.map((line) => line.msg).filter((msg, place, all) => msg !== all[place - 1]),
    ['step started', 'in progress', 'step done'],
  );
  assert.deepEqual([ofIndex[0].direction, ofIndex[0].number, ofIndex[0].of], ['up', 2, 7]);
  const waiting = ofIndex.find(isWaiting);
  assert.equal(waiting.waits_for, 'Lock: virtualxid');
  assert.ok(waiting.elapsed_s >= 0);
});

test('an index build updates the row gauges', { skip: NO_SERVER }, async () => {
  await using installation = await createInstallation({ dimension: 64 });
  await installation.query(
    'create extension if not exists vector; create table built (embedding vector(64)); insert into built select (select array_agg(random() + 0 * n * m) from generate_series(1, 64) m)::real[]::vector from generate_series(1, 4000) n',
  );
  const { progress } = collect();
  let most = 0;
  await installation.migrate((client, { config }) =>
    watched(client, { name: 'build', config, progress, embedded: false }, async () => {
      let building = true;
      const build = client
        .query('create index on built using hnsw (embedding vector_cosine_ops)')
        .finally(() => void (building = false));
      while (building) {
        most = Math.max(most, Number(/^facepass_migration_rows (\d+)$/m.exec(await progress.registry.metrics())?.[1]));
        await sleep(5);
      }
      await build;
    }),
  );
  assert.ok(most > 0);
});

test('logs only the elapsed time of a long step without a second connection, as on the embedded database', async () => {
  await using installation = await createInstallation();
  const { progress, lines } = collect();
  const unreachable = {
    ...installation.config,
    connection: { ...installation.config.connection, connectionString: 'postgres://127.0.0.1:1/x' },
  };
  await installation.migrate(async (client) => {
    for (const [name, step] of Object.entries({
      embedded: { config: installation.config, embedded: true },
      alone: { config: unreachable, embedded: false },
    }))
      await watched(client, { name, progress, ...step }, async () => {
        while (!lines.some((line) => line.step === name)) await sleep(5);
      });
  });
  for (const name of ['embedded', 'alone'])
    assert.deepEqual(
      Object.keys(lines.find((line) => line.step === name)).filter(
        (key) => !['level', 'time', 'service'].includes(key),
      ),
      ['step', 'elapsed_s', 'msg'],
    );
});

function isWaiting({ step, phase }: { step?: string; phase?: string }): boolean {
  return step === '0003_pair_index up' && Boolean(phase?.startsWith('waiting for writers'));
}

/** A progress that tells every 20 ms, and what it and the migrator told. */
function collect(onLine: (line: any) => unknown = () => {}) {
  const lines: any[] = [];
  const write = (text: string) => {
    const line = JSON.parse(text);
    lines.push(line);
    void onLine(line);
  };
  const logger = createLogger('migrator', 'info', { write });
  return { lines, logger, progress: createProgress(logger, { everyMs: 20 }) };
}
