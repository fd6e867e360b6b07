import assert from 'node:assert/strict';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fillIn, readSteps, schemaVersionOf } from './steps.ts';
import { planDown } from './down.ts';
import type { State } from './state.ts';
import { planUp } from './up.ts';

const MIGRATIONS = join(import.meta.dirname, '../../migrations');

async function folder(files: Record<string, string>): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'facepass-'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(path, name), text);
  return path;
}

test('every migration can be rolled back, except the one that creates schema 1', async () => {
  const steps = await readSteps(MIGRATIONS);
  assert.deepEqual(
    steps.filter((step) => !step.down).map((step) => step.name),
    ['0001_field_schema'],
  );
  assert.deepEqual(
    steps.map((step) => step.name),
    steps.map((step) => step.name).toSorted(),
  );
  assert.deepEqual(
    steps.filter((step) => step.reaches).map((step) => step.reaches),
    [1, 2, 3, 3, 3, 3, 3],
  );
});

test('names a file whose name or tags are invalid', async () => {
  await assert.rejects(readSteps(await folder({ '1_first.sql': '' })), /1_first\.sql: must be named NNNN_name/);
  await assert.rejects(
    readSteps(await folder({ '0001_first.up.sql': '-- migrator: sometimes' })),
    /0001_first\.up\.sql: unknown tag “sometimes”/,
  );
  await assert.rejects(
    readSteps(await folder({ '0001_first.up.sql': 'select 1;' })),
    /its tags must name one of always/,
  );
});

test('\\ir includes a file, as in psql', async () => {
  const path = await folder({
    '0001_first.up.sql': '-- migrator: always\n\\ir part.txt\nselect 3;',
    'part.txt': 'select 1;\n\\ir other.txt\n',
    'other.txt': 'select 2;',
  });
  assert.match((await readSteps(path))[0]!.up.sql, /select 1;\s+select 2;\s+select 3;/);
});

test('replaces :name and :’name’ with values, doubles quotes and keeps casts', () => {
  const values = { dimension: 512, batch_rows: 7, legacy_model_id: "it's" };
  assert.equal(
    fillIn(`a::text, x::halfvec(:dimension), :'legacy_model_id', :batch_rows, :dimensions`, values),
    `a::text, x::halfvec(512), 'it''s', 7, :dimensions`,
  );
});

test('skips the older tables in an empty database, migrates them otherwise, and contracts only on request', async () => {
  const steps = await readSteps(MIGRATIONS);
  const state = { recorded: [], olderTable: undefined } as unknown as State;
  const names = (plan: ReturnType<typeof planUp>) =>
    plan.pending
      .filter((step) => !plan.skip(step))
      .map((step) => step.name.slice(0, 4))
      .join(' ');
  assert.equal(names(planUp(steps, state, { to: 3, contract: false })), '0002 0009 0012 0015 0016 0017 0018');
  assert.equal(names(planUp(steps, state, { to: 1, contract: false })), '0001');
  const field = { ...state, olderTable: { dimension: 512 } } as unknown as State;
  assert.equal(
    names(planUp(steps, field, { to: 3, contract: false })),
    '0002 0003 0004 0005 0006 0007 0008 0009 0010 0011 0012 0015 0016 0017 0018',
  );
  assert.equal(names(planUp(steps, field, { to: 2, contract: false })), '0002 0003 0004 0005 0006 0007 0008');
  const migrated = { ...field, recorded: steps.filter((step) => step.when !== 'contract').map((step) => step.name) };
  assert.equal(names(planUp(steps, migrated, { to: 3, contract: false })), '');
  assert.equal(names(planUp(steps, migrated, { to: 3, contract: true })), '0013 0014');
  assert.equal(schemaVersionOf(steps, new Set(migrated.recorded)), 3);
});

test('rolls back recorded steps in reverse order, and refuses those of a newer migrator', async () => {
  const steps = await readSteps(MIGRATIONS);
  const recorded = steps.map((step) => step.name);
  const state = { recorded } as unknown as State;
  assert.deepEqual(
    planDown(steps, state, 2).map((step) => step.name.slice(0, 4)),
    ['0018', '0017', '0016', '0015', '0014', '0013', '0012', '0011', '0010', '0009'],
  );
  assert.deepEqual(
    planDown(steps, { ...state, recorded: recorded.slice(0, 4) }, 1).map((step) => step.name.slice(0, 4)),
    ['0004', '0003', '0002'],
  );
  assert.throws(
    () => planDown(steps, { ...state, recorded: [...recorded, '0099_later'] }, 2),
    /newer Facepass \(0099_later\)/,
  );
});
