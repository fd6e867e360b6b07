import assert from 'node:assert/strict';
import { test } from 'node:test';
import pg from 'pg';
import { withDatabase } from '../database.ts';
import { createInstallation } from './installation.ts';

// Only the embedded database has one backend for all its clients: what one leaves, the others meet.
delete process.env['FACEPASS_TEST_DATABASE_URL'];

test('leaves no setting and no open transaction behind, in success and failure', async () => {
  await using installation = await createInstallation();
  const other = new pg.Client({ connectionString: installation.url });
  await other.connect();
  const settings = async () =>
    (await other.query(`select name, setting from pg_settings where source = 'session' order by name`)).rows;
  const before = await settings();
  await withDatabase(installation.config, async () => undefined);
  assert.deepEqual(await settings(), before);
  await assert.rejects(
    withDatabase(installation.config, async (client) => {
      await client.query('begin');
      await client.query('select 1 / 0');
    }),
    { code: '22012' },
  );
  assert.deepEqual(await settings(), before);
  await other.end();
});
