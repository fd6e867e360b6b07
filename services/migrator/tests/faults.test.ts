import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLogger } from '@facepass/runtime/logger';
import type { Client } from '../database.ts';
import { down } from '../down.ts';
import { exitCodeOf } from '../exit.ts';
import { up } from '../up.ts';
import { everythingIn, seedSchema1 } from './contents.ts';
import { createInstallation, LEGACY_MODEL, type Installation } from './installation.ts';

const ROWS = 40;
const NO_SERVER = process.env['FACEPASS_TEST_DATABASE_URL']
  ? false
  : 'needs PostgreSQL (FACEPASS_TEST_DATABASE_URL): the embedded database has one backend for all clients';

test(
  'up and down reach the same schema and rows when stopped before and after every statement',
  { skip: NO_SERVER },
  async (t) => {
    await using twin = await seeded();
    const before = await everythingIn(twin);
    await twin.up();
    const wanted = await everythingIn(twin);
    await using installation = await seeded();

    const stopsUp = await untilNothingIsNew(installation, (client) =>
      up(client, { to: 3, contract: false }, installation.context),
    );
    assert.deepEqual(await everythingIn(installation), wanted);
    assert.deepEqual(await installation.damage(), []);
    const stopsDown = await untilNothingIsNew(installation, (client) =>
      down(client, { to: 1, dryRun: false }, installation.context),
    );
    await twin.down(1);
    assert.deepEqual(await everythingIn(installation), await everythingIn(twin));
    assert.deepEqual((await everythingIn(installation)).rows['face_embeddings'], before.rows['face_embeddings']);
    t.diagnostic(`stopped at ${stopsUp} statements up, ${stopsDown} down`);
    assert.ok(stopsUp > 60 && stopsDown > 60, 'the statements were seen');
  },
);

test('reaches the same schema and rows when killed at random moments and restarted', { skip: NO_SERVER }, async (t) => {
  await using twin = await seeded();
  await twin.up();
  const wanted = await everythingIn(twin);
  await using installation = await seeded();
  await using models = await modelsDirectory();
  let kills = 0;
  for (let code: number | null = null; code !== 0;) {
    const child = startMigrator(installation, models.path, ['up']);
    let linesLeft = 1 + Math.floor(Math.random() * 8) + kills;
    createInterface(child.stdout).on('line', () => void (--linesLeft === 0 && child.kill('SIGKILL')));
    [code] = await once(child, 'exit');
    if (code === null) kills++;
    else assert.equal(code, 0);
  }
  t.diagnostic(`${kills} kills`);
  assert.ok(kills > 0, 'it was killed at least once');
  assert.deepEqual(await everythingIn(installation), wanted);
});

test('one of twenty concurrent migrators works and the others wait', { skip: NO_SERVER }, async () => {
  await using installation = await seeded();
  const steps: string[] = [];
  const logger = createLogger('migrator', 'info', {
    write: (line) => void (JSON.parse(line).msg === 'step done' && steps.push(JSON.parse(line).step)),
  });
  const context = { ...installation.context, logger };
  await Promise.all(
    Array.from({ length: 20 }, () => installation.migrate((client) => up(client, { to: 3, contract: false }, context))),
  );
  assert.equal(steps.length, 15);
  assert.equal(new Set(steps).size, steps.length, 'no step was taken twice');
  assert.deepEqual(await installation.damage(), []);
});

test('waits for a locked table in short attempts, then exits with 75', { skip: NO_SERVER }, async () => {
  await using installation = await seeded();
  await installation.up({ to: 2 });
  Object.assign(installation.config, { lockTimeoutMs: 100, lockAttempts: 2 });
  const holder = await installation.pool.connect();
  await holder.query('begin; lock table face_embeddings in row exclusive mode');
  await assert.rejects(installation.up(), (error) => exitCodeOf(error) === 75);
  assert.equal((await installation.query('select schema_version() as version'))[0].version, 2);
  installation.config.lockAttempts = 50;
  const migration = installation.up();
  await sleep(300); // some attempts fail first; the outcome does not hang on how many
  await holder.query('commit');
  holder.release();
  await migration;
  assert.deepEqual(await installation.damage(), []);
});

async function seeded(): Promise<Installation> {
  const installation = await createInstallation();
  await installation.up({ to: 1 });
  await seedSchema1(installation, ROWS, 8);
  return installation;
}

/**
 * Runs `work` again and again, its connection cut at the first statement not cut at before, until a run gets through;
 * gives the number of cuts.
 */
async function untilNothingIsNew(installation: Installation, work: (client: Client) => Promise<void>): Promise<number> {
  const seen = new Set<string>();
  for (;;) {
    let cut = false;
    await installation
      .migrate((client) => {
        cutAt(client, (sql) => {
          const mode = (['before', 'after'] as const).find((each) => !seen.has(`${each} ${sql}`));
          if (!mode || cut) return null;
          seen.add(`${mode} ${sql}`);
          cut = true;
          return mode;
        });
        return work(client);
      })
      .catch((error) => {
        if (!cut || exitCodeOf(error) !== 75) throw error;
      });
    if (!cut) return seen.size;
  }
}

/** Cuts the connection instead of sending a statement, or when it was sent and before its answer. */
function cutAt(client: Client, decide: (sql: string) => 'before' | 'after' | null): void {
  const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>;
  const { stream } = (client as unknown as { connection: { stream: import('node:net').Socket } }).connection;
  Object.assign(client, {
    query: (...args: unknown[]) => {
      const sql = typeof args[0] === 'string' ? args[0] : (args[0] as { text: string }).text;
      const mode = decide(sql);
      if (mode === 'before') stream.destroy();
      const answer = query(...args);
      if (mode === 'after') stream.destroySoon();
      return answer;
    },
  });
}

function startMigrator(installation: Installation, models: string, args: string[]) {
  return spawn(process.execPath, [join(import.meta.dirname, '../main.ts'), ...args], {
    env: {
      ...process.env,
      DATABASE_URL: installation.url,
      MODEL_PACK: 'arcface',
      MODELS_DIRECTORY: models,
      LEGACY_MODEL_ID: LEGACY_MODEL,
      MIGRATION_BATCH_ROWS: '2',
      MIGRATION_PAUSE_MS: '10',
      LOG_LEVEL: 'info',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** A folder with the manifest of a pack of 8 dimensions. */
async function modelsDirectory() {
  const path = await mkdtemp(join(tmpdir(), 'facepass-models-'));
  const { readModelPack } = await import('@facepass/contracts/model-pack');
  const manifest = {
    ...(await readModelPack(join(import.meta.dirname, '../../../models'), 'arcface')),
    embedding_size: 8,
  };
  await mkdir(join(path, 'arcface'));
  await writeFile(join(path, 'arcface/manifest.json'), JSON.stringify(manifest));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}
