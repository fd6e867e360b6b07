import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestService } from './service.ts';

test('the metrics export the exit code of the last migration, once the database has one', async () => {
  await using service = await startTestService({ inference: null });
  const exitCode = async () =>
    /^facepass_migration_last_exit_code (\d+)$/m.exec(await (await fetch(`${service.url}/metrics`)).text())?.[1];
  assert.equal(await exitCode(), '0');
  await service.context.pool.query(
    `insert into migration_runs (command, started_at, exit_code, message) values ('up', now(), 65, 'the rows refuse')`,
  );
  assert.equal(await exitCode(), '65');
  await service.context.pool.query('delete from migration_runs');
  await using fresh = await startTestService({ inference: null, database: service.database });
  const text = await (await fetch(`${fresh.url}/metrics`)).text();
  assert.doesNotMatch(text, /^facepass_migration_last_exit_code/m);
});
