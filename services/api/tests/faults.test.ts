import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import pg from 'pg';
import { startInferenceProcess, type InferenceProcess } from '../../inference/tests/inference-process.ts';
import { largePhoto } from '../../inference/tests/photos.ts';
import { makeCertificates, noOpenssl } from './certificates.ts';
import { portrait } from './people.ts';
import { createMigratedDatabase, KEY, migrate, startTestService, type TestService } from './service.ts';
import { createTestDatabase, runSql } from '../../../scripts/checks/test-database.ts';

/** Photos that wait for one worker: `npm run test:long-calls` has as many as last well over 40 s together. */
const CALLS_IN_A_ROW = Number(process.env['FACEPASS_TEST_CALLS_IN_A_ROW'] ?? 3);

describe('when something the API needs fails', () => {
  let service: TestService;
  before(async () => {
    service = await startTestService({ environment: { DATABASE_POOL_SIZE: '2', DATABASE_CONNECT_TIMEOUT_MS: '300' } });
  });
  after(() => service?.[Symbol.asyncDispose]());

  const index = (photo_id: string, image: Uint8Array, on = service) =>
    on.call('POST', '/api/v1/index', { key: KEY, form: { session_id: 's', photo_id, image } });

  test('an inference server killed in the middle of a request: a clear 503, then service again', async () => {
    const inference = await startInferenceProcess({ INFERENCE_WORKERS: '1' });
    await using own = await startTestService({
      inference: null,
      database: service.database,
      environment: { INFERENCE_ADDRESS: inference.address },
    });
    const hit = index('hit', await largePhoto(), own);
    await inference.metricReaches('facepass_inference_in_flight', (photos) => photos > 0);
    inference.child.kill('SIGKILL');
    const answer = await hit;
    assert.equal(answer.status, 503);
    assert.equal(answer.body.code, 'inference_unavailable');
    assert.equal(answer.headers.get('retry-after'), '1');
    assert.equal((await own.call('GET', '/readyz')).status, 503);
    await inference[Symbol.asyncDispose]();

    await using again = await startInferenceProcess({ INFERENCE_WORKERS: '1', INFERENCE_LISTEN: inference.address });
    assert.equal(again.address, inference.address);
    const face = await portrait(0);
    for (;;) {
      const { status } = await index('hit', face, own);
      if (status === 200) break;
      assert.equal(status, 503);
    }
    assert.equal((await own.call('GET', '/readyz')).status, 200);
  });

  test('one of two inference servers killed in the middle of its requests: the other answers them', async () => {
    await using first = await startInferenceProcess({ INFERENCE_WORKERS: '1' });
    await using second = await startInferenceProcess({ INFERENCE_WORKERS: '1' });
    await using own = await startTestService({
      inference: null,
      database: service.database,
      environment: { INFERENCE_ADDRESS: `ipv4:${first.address},${second.address}` },
    });
    const [photo, face] = [await largePhoto(), await portrait(0)];
    const served = (one: InferenceProcess) => one.metric('facepass_inference_requests_total{code="OK"}');
    while (!(await served(first)) || !(await served(second)))
      assert.equal((await index('warm', face, own)).status, 200);
    const answers = Promise.all(['a', 'b', 'c', 'd'].map((photo_id) => index(photo_id, photo, own)));
    for (const one of [first, second]) await one.metricReaches('facepass_inference_in_flight', (photos) => photos > 0);
    first.child.kill('SIGKILL');
    assert.deepEqual(
      (await answers).map(({ status, body }) => body.code ?? status),
      [200, 200, 200, 200],
    );
  });

  test('an image that takes longer than the deadline is 503, and the server is told', async () => {
    await using hasty = await startTestService({
      inference: null,
      database: service.database,
      environment: { INFERENCE_ADDRESS: service.inference!.address, INFERENCE_INDEX_TIMEOUT_MS: '50' },
    });
    const answer = await index('slow', await largePhoto(), hasty);
    assert.equal(answer.status, 503);
    assert.equal(answer.body.code, 'inference_timeout');
    assert.match(answer.body.detail, /INFERENCE_INDEX_TIMEOUT_MS \(50 ms\)/);
    await service.inference!.metricReaches('facepass_inference_in_flight', (photos) => photos === 0);
  });

  test('the limit of the inference server is named when it is the one that is reached', async () => {
    await using inference = await startInferenceProcess({ INFERENCE_WORKERS: '1', INFERENCE_IMAGE_TIMEOUT_MS: '100' });
    await using own = await startTestService({
      inference: null,
      database: service.database,
      environment: { INFERENCE_ADDRESS: inference.address },
    });
    const answer = await index('slow', await largePhoto(), own);
    assert.equal(answer.body.code, 'inference_timeout');
    assert.match(answer.body.detail, /INFERENCE_IMAGE_TIMEOUT_MS \(100 ms\)/);
  });

  test('an image above the limit of the inference server gets image_too_large, not overloaded', async () => {
    await using inference = await startInferenceProcess({ INFERENCE_WORKERS: '1', MAX_IMAGE_BYTES: '100000' });
    await using own = await startTestService({
      inference: null,
      database: service.database,
      environment: { INFERENCE_ADDRESS: inference.address },
    });
    const padded = Buffer.concat([await portrait(0), Buffer.alloc(3_000_000)]);
    const answer = await index('large', padded, own);
    assert.deepEqual([answer.status, answer.body.code], [413, 'image_too_large']);
  });

  test('a call may last longer than its connection: the age ends only idle ones', { timeout: 600_000 }, async () => {
    await using inference = await startInferenceProcess({
      INFERENCE_WORKERS: '1',
      GRPC_MAX_CONNECTION_AGE_MS: '1000',
    });
    await using own = await startTestService({
      inference: null,
      database: service.database,
      environment: { INFERENCE_ADDRESS: inference.address, INFERENCE_INDEX_TIMEOUT_MS: '600000' },
    });
    const photo = await largePhoto();
    const answers = await Promise.all(Array.from({ length: CALLS_IN_A_ROW }, (_, n) => index(`long ${n}`, photo, own)));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    assert.equal(
      await inference.metric('facepass_inference_requests_total{code="OK"}'),
      CALLS_IN_A_ROW,
      'none was sent twice',
    );
  });

  test('a full pool gives 503 after the time limit, never an unbounded wait', async (t) => {
    if (service.database.engine === 'embedded') return t.skip('needs PostgreSQL: two open transactions');
    const blocker = new pg.Client({ connectionString: service.database.url });
    await blocker.connect();
    await blocker.query('begin');
    await blocker.query(`select pg_advisory_xact_lock(hashtextextended('s', 7))`);
    const face = await portrait(0);
    const blocked = Promise.all([index('a', face), index('b', face)]);
    const waiters = `select count(*)::integer as count from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())`;
    while ((await blocker.query(waiters)).rows[0].count < 2);
    const refused = await service.call('GET', '/api/v1/search/status/s');
    await blocker.end();
    assert.equal(refused.status, 503);
    assert.equal(refused.body.code, 'database_unavailable');
    assert.deepEqual(
      (await blocked).map(({ status, body }) => body.code ?? status),
      [200, 200],
    );
  });

  test('connections that the database ends, idle or in use, cost at most the request that used them', async (t) => {
    if (service.database.engine === 'embedded') return t.skip('needs PostgreSQL: its backends are processes');
    const administrator = new pg.Client({ connectionString: service.database.url });
    await administrator.connect();
    for (let round = 0; round < 10; round += 1) {
      const busy = Promise.all([1, 2, 3].map(() => service.call('GET', '/api/v1/search/status/s')));
      await administrator.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'facepass-api' and datname = current_database()`,
      );
      for (const { status } of await busy) assert.ok([200, 503].includes(status), `${status}`);
      let status = 503;
      while (status !== 200) ({ status } = await service.call('GET', '/api/v1/search/status/s'));
    }
    await administrator.end();
  });

  test('an unmigrated database: alive, not ready, 503; once it is migrated, ready without a restart', async () => {
    await using database = await createTestDatabase();
    await using early = await startTestService({
      inference: null,
      database,
      environment: { INFERENCE_ADDRESS: service.inference!.address },
    });
    assert.equal((await early.call('GET', '/livez')).status, 200);
    assert.match((await early.call('GET', '/readyz')).body, /not migrated/);
    await migrate(database.url, 'up');
    assert.equal((await early.call('GET', '/readyz')).status, 200);
    assert.equal((await early.call('GET', '/health')).body.status, 'healthy');
  });

  test('a scrape without a probe reports an unavailable database and its return', async (t) => {
    if (service.database.engine === 'embedded') return t.skip('needs PostgreSQL: a database that lets nobody in');
    await using database = await createMigratedDatabase();
    await using own = await startTestService({
      inference: null,
      database,
      environment: { INFERENCE_ADDRESS: service.inference!.address },
    });
    await readinessBecomes(own);
    const name = new URL(database.url).pathname.slice(1);
    const server = process.env['FACEPASS_TEST_DATABASE_URL']!;
    await runSql(server, `alter database ${name} with allow_connections false`);
    await runSql(server, `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`);
    await readinessBecomes(own, 'database');
    await runSql(server, `alter database ${name} with allow_connections true`);
    await readinessBecomes(own);
  });

  test('a silent database fails readiness after 2500 ms and never delays a scrape', async (t) => {
    if (service.database.engine === 'embedded') return t.skip('needs PostgreSQL: two open transactions');
    await using database = await createMigratedDatabase();
    await using own = await startTestService({
      inference: null,
      database,
      environment: { INFERENCE_ADDRESS: service.inference!.address },
    });
    const blocker = new pg.Client({ connectionString: database.administratorUrl });
    await blocker.connect();
    await blocker.query('begin');
    await readinessBecomes(own);
    await blocker.query('lock table pg_extension in access exclusive mode');
    const answers: ('scrape' | 'probe')[] = [];
    const scraping = (async () => {
      for (;;) {
        const found = await readinessOf(own);
        answers.push('scrape');
        if (found['ready'] === 0) return found;
      }
    })();
    const probe = await own.call('GET', '/readyz');
    answers.push('probe');
    const found = await scraping;
    await blocker.end();
    assert.match(probe.body, /said nothing for 2500 ms/);
    assert.equal(found['database'], 1);
    assert.ok(answers.indexOf('probe') >= 2, 'scrapes, one after the other, do not wait as the probe does');
  });

  test('readiness names every other reason: schema, inference, draining', async () => {
    await using database = await createTestDatabase();
    await using own = await startTestService({ inference: null, database });
    await readinessBecomes(own, 'inference', 'schema');
    own.context.draining = true;
    await readinessBecomes(own, 'draining');
  });

  test('a schema newer or older than this API knows is not ready', async () => {
    await using database = await createMigratedDatabase();
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    await using own = await startTestService({
      inference: null,
      database,
      environment: { INFERENCE_ADDRESS: service.inference!.address },
    });
    for (const [version, fits] of [
      [2, false],
      [4, false],
      [3, true],
    ] as const) {
      await client.query(
        `create or replace function schema_version() returns integer language sql stable as 'select ${version}'`,
      );
      const ready = await own.call('GET', '/readyz');
      assert.equal(ready.status, fits ? 200 : 503, `version ${version}: ${ready.body}`);
      if (!fits) assert.match(ready.body, new RegExp(`version ${version}`));
    }
    await client.end();
  });

  test('is not ready for a database that holds vectors of another length only, and rejects an old pgvector', async (t) => {
    await using database = await createMigratedDatabase();
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    await client.query(
      'alter table faces alter column embedding type halfvec(512) using embedding::real[]::halfvec(512)',
    );
    // As a release before 0017 leaves it.
    await client.query('alter table faces drop column other_embedding');
    {
      await using own = await startTestService({ inference: null, database });
      const ready = await own.call('GET', '/readyz');
      assert.equal(ready.status, 503);
      assert.match(ready.body, /vectors of 512 dimensions only, a model pack makes 128: run the migrator/);
    }
    if (database.engine === 'embedded') t.diagnostic('pgvector: the catalogue is changed on PostgreSQL only');
    else {
      await runSql(database.administratorUrl, `update pg_extension set extversion = '0.8.0' where extname = 'vector'`);
      await assert.rejects(startTestService({ inference: null, database }), {
        exitCode: 78,
        message: /pgvector 0\.8\.0 is older/,
      });
    }
    await client.end();
  });

  test(
    'inference servers that ask for a certificate are spoken to over TLS both ways, and to no one else',
    { skip: noOpenssl },
    async () => {
      using keys = makeCertificates();
      await using inference = await startInferenceProcess({
        INFERENCE_WORKERS: '1',
        GRPC_TLS_CERT_FILE: keys.path('server.crt'),
        GRPC_TLS_KEY_FILE: keys.path('server.key'),
        GRPC_TLS_CA_FILE: keys.path('ca.crt'),
      });
      const readinessWith = async (environment: Record<string, string>) => {
        await using own = await startTestService({
          inference: null,
          database: service.database,
          environment: { INFERENCE_ADDRESS: inference.address.replace('127.0.0.1', 'localhost'), ...environment },
        });
        return (await own.call('GET', '/readyz')).body;
      };
      const authority = { INFERENCE_TLS_CA_FILE: keys.path('ca.crt') };
      assert.equal(
        await readinessWith({
          ...authority,
          INFERENCE_TLS_CERT_FILE: keys.path('client.crt'),
          INFERENCE_TLS_KEY_FILE: keys.path('client.key'),
        }),
        'ok\n',
      );
      assert.match(await readinessWith(authority), /no inference server answers/);
      assert.match(
        await readinessWith({ INFERENCE_TLS_CA_FILE: keys.path('client.crt') }),
        /no inference server answers/,
      );
      assert.match(await readinessWith({}), /no inference server answers/);
    },
  );

  test('a client that disconnects during an upload leaves no socket open', async () => {
    const sockets = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
    const { port } = new URL(service.url);
    for (let round = 0; round < 20; round += 1) {
      const socket = connect(Number(port), '127.0.0.1');
      await once(socket, 'connect');
      socket.write(
        `POST /api/v1/search HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n\r\n--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n${'x'.repeat(round * 100)}`,
      );
      await new Promise(setImmediate);
      socket.destroy();
    }
    const before = sockets();
    while (sockets() > Math.min(before, 12)) await new Promise(setImmediate);
    assert.equal((await service.call('GET', '/livez')).status, 200);
  });
});

/** Scrapes until what they tell of readiness is that `reasons` keep the process from it, and no other. */
async function readinessBecomes(service: TestService, ...reasons: string[]): Promise<void> {
  const told = Object.fromEntries(
    ['draining', 'database', 'schema', 'inference'].map((reason) => [reason, reasons.includes(reason) ? 1 : 0]),
  );
  while (!isDeepStrictEqual(await readinessOf(service), { ready: reasons.length === 0 ? 1 : 0, ...told }));
}

async function readinessOf({ metricsUrl }: TestService): Promise<Record<string, number>> {
  const text = await (await fetch(`${metricsUrl}/metrics`)).text();
  return Object.fromEntries(
    [...text.matchAll(/^facepass_(?:not_ready\{reason="(\w+)"\}|ready) ([01])$/gm)].map(
      ([, reason = 'ready', value]) => [reason, Number(value)],
    ),
  );
}
