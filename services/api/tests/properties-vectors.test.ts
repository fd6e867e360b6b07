import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { halfvecBytes, nearestPhotos, nearestPhotosSql, replaceFaces } from '@facepass/indexing/db/faces';
import fc from 'fast-check';
import pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../../../scripts/checks/test-database.ts';
import { PEOPLE, portrait } from './people.ts';
import { seeded } from './seed.ts';
import { KEY, migrate, startTestService, type TestService } from './service.ts';

/** Half precision keeps 11 bits of each number. */
const HALF_PRECISION = 1e-3;

describe('properties of vectors and tables', () => {
  let service: TestService;
  before(async () => {
    service = await startTestService();
  });
  after(() => service?.[Symbol.asyncDispose]());

  const index = (session_id: string, photo_id: string, image: Uint8Array) =>
    service.call('POST', '/api/v1/index', { key: KEY, form: { session_id, photo_id, image } });
  const search = (session_id: string, image: Uint8Array) =>
    service.call('POST', '/api/v1/search', { form: { session_id, image, threshold: '0' } });
  const person = fc.nat({ max: PEOPLE - 1 });
  const take = fc.nat({ max: 8 });

  test('7: every stored vector is valid after migration', async () => {
    await using database = await createTestDatabase();
    const pack = { MODEL_PACK: 'arcface', LEGACY_MODEL_ID: 'arcface-1' };
    await migrate(database.url, 'up --to 1', pack);
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    const session = randomUUID();
    await client.query(
      `insert into face_embeddings (photo_id, session_id, embedding, confidence)
       select 'photo-' || n, $1, (select array_agg((sin(n * 512 + i) + 0.1) * (1 + n % 7))::vector(512) from generate_series(1, 512) as i), 0.9
         from generate_series(1, 200) as n`,
      [session],
    );
    await migrate(database.url, 'up', pack);
    const { rows } = await client.query(
      `select vector_dims(embedding) as dimensions, embedding::real[] as embedding from faces where session_id = $1`,
      [session],
    );
    await client.end();
    assert.equal(rows.length, 200);
    for (const { dimensions, embedding } of rows) {
      assert.equal(dimensions, 512);
      assert.ok(embedding.every(Number.isFinite));
      assert.ok(Math.abs(normOf(embedding) - 1) < HALF_PRECISION, `norm ${normOf(embedding)}`);
    }
  });

  test('8: writes touch only the service’s own tables', async (t) => {
    await using stack = new AsyncDisposableStack();
    const { database } = service;
    const administrator = new pg.Client({ connectionString: database.url });
    await administrator.connect();
    stack.defer(() => administrator.end());
    await administrator.query(`create table somebody_elses (id integer primary key, note text)`);
    await administrator.query(`insert into somebody_elses select n, 'kept' from generate_series(1, 100) as n`);
    const foreign = async () =>
      (await administrator.query('select xmin::text, * from somebody_elses order by id')).rows;
    const before = await foreign();

    const url = database.engine === 'postgresql' ? await grantedRole(database, stack) : database.url;
    const own = stack.use(
      await startTestService({
        inference: null,
        database: { ...database, url },
        environment: { INFERENCE_ADDRESS: service.inference!.address },
      }),
    );
    const session = '/api/v1/index/written';
    assert.equal(
      (
        await own.call('POST', '/api/v1/index', {
          key: KEY,
          form: { session_id: 'written', photo_id: 'a', image: await portrait(0) },
        })
      ).status,
      200,
    );
    assert.equal(
      (await own.call('POST', '/api/v1/search', { form: { session_id: 'written', image: await portrait(0) } })).body
        .total_matches,
      1,
    );
    assert.equal((await own.call('DELETE', `${session}/photos/a`, { key: KEY })).status, 200);
    assert.equal((await own.call('DELETE', session, { key: KEY })).status, 404);
    assert.equal((await own.call('GET', '/readyz')).status, 200);
    assert.deepEqual(await foreign(), before);
    if (database.engine === 'embedded')
      return t.diagnostic('the embedded database has one role: that others are out of reach is shown on PostgreSQL');
    for (const statement of [
      'select * from somebody_elses',
      'create table mine (id integer)',
      'delete from audit_log',
    ]) {
      await assert.rejects(own.context.pool.query(statement), { code: '42501' });
    }
  });

  test('13: search stays bounded: on 1,000 photos the plan reads the rows of the session only', async (t) => {
    const { pool, modelId, pack } = service.context;
    const faces = (count: number) =>
      Array.from({ length: count }, () => ({
        box: { x: 0, y: 0, width: 50, height: 50 },
        confidence: 0.9,
        quality: 0.5,
        embedding: randomUnit(pack.embedding_size),
      }));
    for (let n = 0; n < 1000; n += 1) {
      await replaceFaces(pool, {
        sessionId: 'large',
        photoId: `photo ${n}`,
        modelId,
        faces: faces(3),
        lastErasure: '0',
        retentionDays: 0,
      });
    }
    const { rows: strangers } = await pool.query(FILL_PARTITION_OF_LARGE);
    assert.equal(strangers.length, 30_000);
    await pool.query('vacuum analyze faces');
    const query = { sessionId: 'large', modelId, embedding: randomUnit(pack.embedding_size), cosine: 0, limit: 100 };
    const { rows } = await pool.query(`explain (analyze, format json) ${nearestPhotosSql('embedding')}`, [
      query.sessionId,
      modelId,
      halfvecBytes(query.embedding),
      -1,
      query.limit,
    ]);
    const scans = nodesOf(rows[0]['QUERY PLAN'][0].Plan).filter((node) =>
      String(node['Relation Name']).startsWith('faces'),
    );
    assert.equal(scans.length, 1, JSON.stringify(rows[0]));
    const read = Number(scans[0]!['Actual Rows']) + Number(scans[0]!['Rows Removed by Filter'] ?? 0);
    assert.equal(read, 3000, `${scans[0]!['Node Type']} read ${read} rows for a session of 3000`);

    const selfie = await portrait(0);
    const inDatabase = await timesOf(100, () => nearestPhotos(pool, query));
    const answered = await timesOf(20, () =>
      service.call('POST', '/api/v1/search', { form: { session_id: 'large', image: selfie } }),
    );
    t.diagnostic(
      `statement p50 ${inDatabase[50]} p95 ${inDatabase[95]} p99 ${inDatabase[99]} ms; search p50 ${answered[10]} p95 ${answered[19]} p99 ${answered[19]} ms`,
    );
  });

  test('18: vectors have norm 1', async (t) => {
    await fc.assert(
      fc.asyncProperty(person, take, async (who, n) => {
        const session = randomUUID();
        await index(session, 'a', await portrait(who, n));
        const { rows } = await service.context.pool.query(
          'select embedding::real[] as embedding from faces where session_id = $1',
          [session],
        );
        assert.equal(rows.length, 1);
        assert.ok(Math.abs(normOf(rows[0].embedding) - 1) < HALF_PRECISION, `norm ${normOf(rows[0].embedding)}`);
      }),
      seeded(t, 8),
    );
  });

  test('19: similarity is symmetric', async (t) => {
    await fc.assert(
      fc.asyncProperty(person, take, person, take, async (who, n, other, m) => {
        const [one, two] = [await portrait(who, n), await portrait(other, m)];
        const sessions = [randomUUID(), randomUUID()] as const;
        await index(sessions[0], 'one', one);
        await index(sessions[1], 'two', two);
        const [there, back] = [await search(sessions[0], two), await search(sessions[1], one)];
        assert.equal(there.body.matches[0].similarity, back.body.matches[0].similarity);
      }),
      seeded(t, 5),
    );
  });
});

/** The URL of the database for a new role that may only what the migrator grants; dropped with the stack. */
async function grantedRole(database: TestDatabase, stack: AsyncDisposableStack): Promise<string> {
  const name = `facepass_api_${randomUUID().replaceAll('-', '')}`;
  const client = new pg.Client({ connectionString: database.administratorUrl });
  await client.connect();
  await client.query(`create role ${name} login password '${name}'`);
  stack.defer(async () => {
    await client.query(`drop owned by ${name}; drop role ${name}`);
    await client.end();
  });
  await migrate(database.url, `up --grant-to ${name}`);
  return Object.assign(new URL(database.url), { username: name, password: name }).href;
}

/** Ten times as many faces of other sessions into the partition that holds the session "large". */
const FILL_PARTITION_OF_LARGE = `
  with home as (select tableoid, embedding, model_id from faces where session_id = 'large' limit 1),
       remainder as (select r from generate_series(0, 63) as r where satisfies_hash_partition('faces'::regclass, 64, r, 'large'::varchar)),
       stranger as (select 'stranger ' || n as session_id from generate_series(1, 20000) as n, remainder
                     where satisfies_hash_partition('faces'::regclass, 64, r, ('stranger ' || n)::varchar) limit 100)
  insert into faces (session_id, photo_id, face_index, confidence, model_id, embedding)
  select session_id, 'photo ' || photo, 0, 0.9, model_id, embedding from stranger, home, generate_series(1, 300) as photo
  returning photo_id`;

function nodesOf(plan: Record<string, unknown>): Record<string, unknown>[] {
  const children = (plan['Plans'] ?? []) as Record<string, unknown>[];
  return [plan, ...children.flatMap(nodesOf)];
}

/** Milliseconds of each run, ascending. */
async function timesOf(runs: number, work: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let n = 0; n < runs; n += 1) {
    const started = performance.now();
    await work();
    times.push(Math.round((performance.now() - started) * 10) / 10);
  }
  return times.sort((a, b) => a - b);
}

function randomUnit(length: number): number[] {
  const vector = Array.from({ length }, () => Math.random() - 0.5);
  const norm = normOf(vector);
  return vector.map((value) => value / norm);
}

function normOf(vector: number[]): number {
  return Math.hypot(...vector);
}
