import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordEnd } from '../run-record.ts';
import { Refusal } from '../exit.ts';
import { createInstallation } from './installation.ts';

test('records how each run ended, and keeps the newest thousand', async () => {
  await using installation = await createInstallation();
  const runs = () =>
    installation.query(
      'select command, exit_code, message, ended_at >= started_at as ended from migration_runs order by id',
    );
  const migrate = () => installation.up().then(() => 0);
  await recordEnd('up', installation.context, migrate);
  await assert.rejects(
    recordEnd('up --to 3', installation.context, async () => Promise.reject(new Refusal(65, 'the rows refuse'))),
    /the rows refuse/,
  );
  assert.deepEqual(await runs(), [
    { command: 'up', exit_code: 0, message: null, ended: true },
    { command: 'up --to 3', exit_code: 65, message: 'the rows refuse', ended: true },
  ]);
  await installation.query(
    `insert into migration_runs (command, started_at, exit_code) select 'up', now(), 0 from generate_series(1, 1500)`,
  );
  await recordEnd('down --to 2', installation.context, async () => 0);
  assert.deepEqual([(await runs()).length, (await runs()).at(-1).command], [1000, 'down --to 2']);
});

test('a run that cannot be recorded ends with its own exit code', async () => {
  await using installation = await createInstallation();
  await assert.rejects(
    recordEnd('up', installation.context, async () => Promise.reject(new Refusal(78, 'not so'))),
    /not so/,
  );
  const away = {
    ...installation.context,
    config: {
      ...installation.config,
      connection: { ...installation.config.connection, connectionString: 'postgres://127.0.0.1:1/x' },
    },
  };
  assert.equal(await recordEnd('up', away, async () => 0), 0);
});
