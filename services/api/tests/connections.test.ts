import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { dirname } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { queryRows, withTransaction } from '@facepass/indexing/db/pool';
import { examineDatabase } from '../../cli/doctor/database.ts';
import { readSettings, type Settings } from '../../cli/doctor/settings.ts';
import type { TestDatabase } from '../../../scripts/checks/test-database.ts';
import { makeCertificates, noOpenssl } from './certificates.ts';
import { noPgbouncer, startPgBouncer } from './pgbouncer.ts';
import { createMigratedDatabase, migrate, startTestService, type TestService } from './service.ts';

describe('the ways to a database', { skip: noPgbouncer }, () => {
  let database: TestDatabase;
  before(async () => void (database = await createMigratedDatabase()));
  after(() => database?.[Symbol.asyncDispose]());

  const serviceAt = (environment: Record<string, string>) =>
    startTestService({ inference: null, database, environment });
  const isConnected = async (service: TestService) => (await service.call('GET', '/health')).body.database;
  const migrationAt = (url: string) =>
    migrate(url, 'up').then(
      () => 'done',
      (error: { code: number; stdout: string }) => `${error.code} ${error.stdout}`,
    );

  describe('through PgBouncer that lends sessions by the transaction', () => {
    test('the API serves, and its limits hold in each transaction and in none of another client', async () => {
      await using pooler = await startPgBouncer(database.url, { pool_mode: 'transaction', default_pool_size: '2' });
      await using service = await serviceAt({ DATABASE_URL: pooler.url, DATABASE_STATEMENT_TIMEOUT_MS: '400' });
      assert.equal(await isConnected(service), 'connected');
      const { pool } = service.context;
      const setting = `select current_setting('statement_timeout') as limit`;
      assert.deepEqual(await queryRows(pool, setting, []), [{ limit: '400ms' }]);
      assert.deepEqual(await withTransaction(pool, (client) => queryRows(client, setting, [])), [{ limit: '400ms' }]);
      await assert.rejects(queryRows(pool, 'select pg_sleep(60)', []), { code: 'database_unavailable' });
      await using other = await startPgBouncer(database.url, { pool_mode: 'session' });
      await using _unused = await serviceAt({ DATABASE_URL: other.url });
      const { rows } = await pool.query(setting);
      assert.deepEqual(rows, [{ limit: '0' }], 'nothing stays in the session that another client is lent');
    });

    test('a hundred transactions at a time on two sessions all end', async () => {
      await using pooler = await startPgBouncer(database.url, { pool_mode: 'transaction', default_pool_size: '2' });
      await using service = await serviceAt({ DATABASE_URL: pooler.url, DATABASE_POOL_SIZE: '20' });
      const answers = await Promise.all(
        Array.from({ length: 100 }, () => service.call('GET', '/api/v1/search/status/nobody')),
      );
      assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    });

    test('the migrator refuses before it changes anything, and says where to connect it', async () => {
      for (const server_round_robin of ['0', '1']) {
        await using pooler = await startPgBouncer(database.url, { pool_mode: 'transaction', server_round_robin });
        assert.match(await migrationAt(pooler.url), /^78 .*connect the migrator directly to PostgreSQL/);
      }
    });

    test('the doctor finds nothing wrong with it', async () => {
      await using pooler = await startPgBouncer(database.url, { pool_mode: 'transaction' });
      const findings = await diagnose({ DATABASE_URL: pooler.url });
      assert.deepEqual(findings.map(({ fault }) => fault).filter(Boolean), []);
    });
  });

  test('through PgBouncer in session mode the migrator runs as it is', async () => {
    await using pooler = await startPgBouncer(database.url, { pool_mode: 'session' });
    assert.equal(await migrationAt(pooler.url), 'done');
  });

  describe('over TLS', { skip: noOpenssl }, () => {
    const withTls = async (work: (url: string, authority: string, stranger: string) => Promise<void>) => {
      using keys = makeCertificates();
      chmodSync(dirname(keys.path('ca.crt')), 0o755);
      for (const name of ['server.key', 'server.crt']) chmodSync(keys.path(name), 0o644);
      await using pooler = await startPgBouncer(database.url, {
        client_tls_sslmode: 'require',
        client_tls_key_file: keys.path('server.key'),
        client_tls_cert_file: keys.path('server.crt'),
      });
      await work(pooler.url.replace('127.0.0.1', 'localhost'), keys.path('ca.crt'), keys.path('client.crt'));
    };

    for (const mode of ['require', 'prefer', 'verify-ca', 'verify-full']) {
      test(`sslmode=${mode} verifies with the authority of POSTGRES_SSL_CA_FILE, in each program`, () =>
        withTls(async (url, authority, stranger) => {
          const DATABASE_URL = `${url}?sslmode=${mode}`;
          const right = { DATABASE_URL, POSTGRES_SSL_CA_FILE: authority };
          await using service = await serviceAt(right);
          assert.equal(await isConnected(service), 'connected');
          await migrate(DATABASE_URL, 'status', right);
          assert.equal((await diagnose(right))[0]?.fault, undefined);

          const wrong = { DATABASE_URL, POSTGRES_SSL_CA_FILE: stranger };
          await using refusing = await serviceAt(wrong);
          assert.notEqual(await isConnected(refusing), 'connected');
          await assert.rejects(migrate(DATABASE_URL, 'status', wrong), { code: 78, stdout: /certificate/ });
          assert.match((await diagnose(wrong))[0]?.fault ?? '', /certificate/);
        }));
    }

    test('POSTGRES_SSL with the authority does the same without an sslmode', () =>
      withTls(async (url, authority) => {
        await using service = await serviceAt({
          DATABASE_URL: url,
          POSTGRES_SSL: 'true',
          POSTGRES_SSL_CA_FILE: authority,
        });
        assert.equal(await isConnected(service), 'connected');
      }));
  });

  describe('the cause of a failure is in the log and with the doctor, not in an answer', () => {
    const elsewhere = (change: (url: URL) => void) => {
      const url = new URL(database.url);
      change(url);
      return url.href;
    };
    const failures: [string, () => Record<string, string>, RegExp][] = [
      ['no such host', () => ({ DATABASE_URL: elsewhere((url) => (url.hostname = 'db.invalid')) }), /ENOTFOUND/],
      ['nobody there', () => ({ DATABASE_URL: elsewhere((url) => (url.port = '1')) }), /ECONNREFUSED/],
      [
        'nobody at a name of two addresses',
        () => ({ DATABASE_URL: elsewhere((url) => Object.assign(url, { hostname: 'localhost', port: '1' })) }),
        /ECONNREFUSED/,
      ],
      ['no such database', () => ({ DATABASE_URL: elsewhere((url) => (url.pathname = '/none')) }), /does not exist/],
      ['no such role', () => ({ DATABASE_URL: elsewhere((url) => (url.username = 'none')) }), /none/],
      ['TLS where there is none', () => ({ DATABASE_URL: database.url, POSTGRES_SSL: 'true' }), /does not support SSL/],
      ['a parameter that is refused', () => ({ DATABASE_URL: `${database.url}?options=-c%20nonsense=1` }), /nonsense/],
    ];
    for (const [name, environment, cause] of failures) {
      test(name, async () => {
        await using service = await serviceAt(environment());
        const answer = await service.call('GET', '/api/v1/search/status/s');
        assert.equal(answer.status, 503);
        assert.equal(answer.body.code, 'database_unavailable');
        assert.doesNotMatch(answer.body.detail, cause);
        const told = service.log.filter(({ msg }) => msg === 'no connection to the database');
        assert.equal(told.length, 1, 'once, although the start and the call met it');
        assert.match(String(told[0]!['reason']), cause);
        const [finding] = await diagnose(environment());
        assert.match(finding?.fault ?? '', cause);
        assert.ok(finding?.mend);
      });
    }
  });
});

async function diagnose(environment: Record<string, string>) {
  return examineDatabase(readSettings(environment) as Settings, []);
}
