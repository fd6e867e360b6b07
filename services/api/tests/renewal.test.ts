import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { startInferenceProcess } from '../../inference/tests/inference-process.ts';
import { samplePhoto } from '../../inference/tests/photos.ts';
import { runSql, type TestDatabase } from '../../../scripts/checks/test-database.ts';
import { startApiProcess, type ApiProcess } from './api-process.ts';
import { makeCertificates, noOpenssl } from './certificates.ts';
import { hasRedis, startRedis } from './redis.ts';
import { s3Environment, startS3Server } from './s3-server.ts';
import { callApi, createMigratedDatabase, KEY, SECRET } from './service.ts';

describe('secrets and certificates that come from files are taken anew while the service runs', () => {
  let database: TestDatabase;
  before(async () => void (database = await createMigratedDatabase()));
  after(() => database?.[Symbol.asyncDispose]());

  test(
    'a certificate that is renewed three times, past the end of two of them, fails no call',
    { skip: noOpenssl },
    async () => {
      using keys = makeCertificates();
      using other = makeCertificates();
      await using inference = await startInferenceProcess({
        INFERENCE_WORKERS: '1',
        GRPC_TLS_CERT_FILE: keys.path('server.crt'),
        GRPC_TLS_KEY_FILE: keys.path('server.key'),
        GRPC_MAX_CONNECTION_AGE_MS: '1000',
      });
      await using api = await startApiProcess({
        DATABASE_URL: database.url,
        RATE_LIMIT_WRITES_PER_MINUTE: '0',
        INFERENCE_ADDRESS: inference.address.replace('127.0.0.1', 'localhost'),
        INFERENCE_TLS_CA_FILE: keys.path('ca.crt'),
      });
      const image = await samplePhoto(2);
      const answers: number[] = [];
      const readiness: number[] = [];
      let isOver = false;
      const load = (async () => {
        for (let n = 0; !isOver; n += 1) {
          const form = { session_id: 'renewed', photo_id: `${n}`, image };
          const [indexed, ready] = await Promise.all([
            callApi(api.url, 'POST', '/api/v1/index', { key: KEY, form }),
            callApi(api.metricsUrl, 'GET', '/readyz'),
          ]);
          answers.push(indexed.status);
          readiness.push(ready.status);
        }
      })();
      const endsShown = () => inference.metric('facepass_certificate_expiry_timestamp_seconds{certificate="server"}');
      const renewed = async (endsAt: Date) => {
        const seconds = Math.floor(endsAt.getTime() / 1000);
        while ((await endsShown()) !== seconds) await delay(50);
      };
      const ends = [15, 25].map((seconds) => new Date(Date.now() + seconds * 1000));
      for (const end of ends) {
        keys.renewServer(end);
        await renewed(end);
      }
      // The third is of another authority, which the clients know beside the old one before it is used.
      appendFileSync(keys.path('ca.crt'), readFileSync(other.path('ca.crt')));
      await api.logged('configuration reloaded after a change to its files');
      const end = new Date(Date.now() + 600_000);
      other.renewServer(end);
      for (const name of ['server.key', 'server.crt']) renameSync(other.path(name), keys.path(name));
      await renewed(end);
      const taken = answers.length;
      while (Date.now() < ends[1]!.getTime() + 2000 || answers.length < taken + 3) await delay(50);
      isOver = true;
      await load;
      assert.deepEqual([...new Set(answers)], [200], `${answers.length} answers`);
      const takenOut = readiness.findIndex(
        (_, at) => readiness.slice(at, at + 3).filter((each) => each !== 200).length === 3,
      );
      assert.equal(takenOut, -1, `three looks in a row failed, which takes a pod out of its Service: ${readiness}`);
    },
  );

  test('a certificate without its key is not taken, and is told of', { skip: noOpenssl }, async () => {
    using keys = makeCertificates();
    await using inference = await startInferenceProcess({
      INFERENCE_WORKERS: '1',
      GRPC_TLS_CERT_FILE: keys.path('server.crt'),
      GRPC_TLS_KEY_FILE: keys.path('server.key'),
    });
    const failed = 'facepass_reload_failed{what="configuration"}';
    assert.equal(await inference.metric(failed), 0);
    const key = readFileSync(keys.path('server.key'));
    writeFileSync(keys.path('server.key'), readFileSync(keys.path('client.key')));
    await inference.metricReaches(failed, (value) => value === 1);
    writeFileSync(keys.path('server.key'), key);
    await inference.metricReaches(failed, (value) => value === 0);
  });

  test('the password of the database', async (t) => {
    if (database.engine === 'embedded') return t.skip('the embedded database asks for no password');
    using file = secretFile(database.url);
    await using api = await startApiProcess({ DATABASE_URL_FILE: file.path, DATABASE_POOL_SIZE: '2' });
    assert.equal(await databaseOf(api), 'connected');
    const renewed = Object.assign(new URL(database.url), { password: 'renewed' });
    await runSql(database.administratorUrl, `alter role ${renewed.username} password 'renewed'`);
    file.replace(renewed.href);
    await api.logged('configuration reloaded after a change to its files');
    await runSql(
      database.administratorUrl,
      `select pg_terminate_backend(pid) from pg_stat_activity where usename = '${renewed.username}'`,
    );
    while ((await databaseOf(api)) !== 'connected') await delay(50);
    const metrics = (await callApi(api.metricsUrl, 'GET', '/metrics')).body;
    assert.match(metrics, /^facepass_reload_failed\{what="configuration"\} 0$/m);
    file.replace('no URL at all');
    while (
      !/^facepass_reload_failed\{what="configuration"\} 1$/m.test(
        (await callApi(api.metricsUrl, 'GET', '/metrics')).body,
      )
    )
      await delay(50);
    assert.equal(await databaseOf(api), 'connected', 'the old one stays in force');
  });

  test('the password of Redis, whose absence every scrape shows', { skip: !hasRedis() }, async () => {
    await using redis = await startRedis();
    using file = secretFile(redis.url);
    await using api = await startApiProcess({ DATABASE_URL: database.url, REDIS_URL_FILE: file.path });
    const becomes = async (shared: 0 | 1) => {
      const line = new RegExp(`^facepass_rate_limits_shared ${shared}$`, 'm');
      while (!line.test((await callApi(api.metricsUrl, 'GET', '/metrics')).body)) await delay(50);
    };
    await becomes(1);
    await redis.requirePassword('renewed');
    await redis.cutOff();
    await becomes(0);
    file.replace(redis.url.replace('://', '://:renewed@'));
    await becomes(1);
  });

  test('the credentials of the bucket and the secret of search tokens', async () => {
    await using bucket = await startS3Server();
    const { S3_ACCESS_KEY_ID: id, ...environment } = s3Environment(bucket);
    using file = secretFile(id!);
    using secret = secretFile(SECRET);
    await using api = await startApiProcess({
      DATABASE_URL: database.url,
      ...environment,
      S3_ACCESS_KEY_ID_FILE: file.path,
      SEARCH_TOKEN_SECRET_FILE: secret.path,
      SEARCH_ACCESS: 'token',
    });
    const fetched = async () => {
      const json = { session_id: 's', photo_id: 'p', s3_key: 'none.jpg' };
      return (await callApi(api.url, 'POST', '/api/v1/index', { key: KEY, json })).body.code;
    };
    assert.equal(await fetched(), 's3_object_not_found');
    bucket.keyId = 'renewed';
    assert.equal(await fetched(), 's3_access_denied');
    file.replace('renewed');
    while ((await fetched()) !== 's3_object_not_found') await delay(50);

    const mint = () =>
      callApi(api.url, 'POST', '/api/v1/search/tokens', {
        key: KEY,
        json: { session_id: 's', expires_in_seconds: 60 },
      });
    const search = async (token: string) =>
      (await callApi(api.url, 'GET', '/api/v1/search/status/s', { headers: { Authorization: `Bearer ${token}` } }))
        .status;
    const { token } = (await mint()).body;
    assert.equal(await search(token), 200);
    secret.replace('another secret of the tests with 32 characters');
    while ((await search(token)) !== 401) await delay(50);
    assert.equal(await search((await mint()).body.token), 200);
  });
});

async function databaseOf(api: ApiProcess): Promise<string> {
  return (await callApi(api.url, 'GET', '/health')).body.database;
}

/** A file that is replaced as Kubernetes replaces the files of a Secret: by another one of its name. */
function secretFile(content: string): Disposable & { path: string; replace(content: string): void } {
  const directory = mkdtempSync(join(tmpdir(), 'facepass-'));
  const path = join(directory, 'secret');
  const replace = (next: string) => {
    writeFileSync(`${path}.next`, next);
    renameSync(`${path}.next`, path);
  };
  replace(content);
  return { path, replace, [Symbol.dispose]: () => rmSync(directory, { recursive: true }) };
}
