import assert from 'node:assert/strict';
import { test } from 'node:test';
import pg from 'pg';
import { startTestService } from '../../api/tests/service.ts';
import { examineDatabase } from '../../cli/doctor/database.ts';
import { createInstallation } from './installation.ts';

const SERVER = process.env['FACEPASS_TEST_DATABASE_URL'];
const NO_SERVER = SERVER ? false : 'needs PostgreSQL (FACEPASS_TEST_DATABASE_URL): its catalogue is changed';
const OLD = '0.8.0';

test(
  'migrator, API and doctor accept an old pgvector only if ALLOW_PGVECTOR_VERSION names it',
  { skip: NO_SERVER },
  async () => {
    await using installation = await createInstallation({ dimension: 128 });
    await installation.up({ to: 1 });
    await pretendPgvector(installation.url);
    const database = {
      url: installation.url,
      administratorUrl: installation.url,
      engine: installation.engine,
      [Symbol.asyncDispose]: async () => {},
    };
    const api = (environment: Record<string, string>) =>
      startTestService({ inference: null, database, environment: { MODEL_PACK: 'sface', ...environment } });
    const settings = {
      DATABASE_URL: installation.url,
      POSTGRES_PORT: 5432,
      POSTGRES_DB: '',
      POSTGRES_USER: '',
      POSTGRES_SSL: false,
    };
    const doctor = async (allowed: object) =>
      (await examineDatabase({ ...settings, ...allowed }, [128])).flatMap(({ fault }) => fault ?? []);

    await assert.rejects(installation.up(), /ALLOW_PGVECTOR_VERSION=0\.8\.0/);
    installation.config.allowedPgvectorVersion = OLD;
    await installation.up();
    const others: Record<string, string>[] = [{}, { ALLOW_PGVECTOR_VERSION: '0.8.1' }];
    for (const other of others) {
      await assert.rejects(api(other), {
        exitCode: 78,
        message: /pgvector 0\.8\.0 is older than 0\.8\.4; ALLOW_PGVECTOR_VERSION does not name it/,
      });
      assert.deepEqual(await doctor(other), ['pgvector 0.8.0 is older than 0.8.4']);
    }
    await using service = await api({ ALLOW_PGVECTOR_VERSION: OLD });
    assert.equal((await service.call('GET', '/health')).body.database, 'connected');
    assert.deepEqual(await doctor({ ALLOW_PGVECTOR_VERSION: OLD }), []);
  },
);

/** Only a superuser may write in the catalogue. */
async function pretendPgvector(url: string): Promise<void> {
  const client = new pg.Client({
    connectionString: Object.assign(new URL(SERVER!), { pathname: new URL(url).pathname }).href,
  });
  await client.connect();
  await client.query(`update pg_extension set extversion = $1 where extname = 'vector'`, [OLD]);
  await client.end();
}
