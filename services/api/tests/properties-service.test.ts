import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import diagnostics from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { PerformanceObserver } from 'node:perf_hooks';
import { after, before, describe, test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { indexAnswer, searchAnswer } from '@facepass/contracts/http';
import { createLogger } from '@facepass/runtime/logger';
import fc from 'fast-check';
import { Client } from 'pg';
import { samplePhoto } from '../../inference/tests/photos.ts';
import { readConfig } from '../config.ts';
import { openContext } from '../context.ts';
import { startApi } from '../server.ts';
import { emptyScene, groupPhoto, PEOPLE, portrait } from './people.ts';
import { identifier, seeded, usualPhotoId } from './seed.ts';
import { callApi, KEY, startTestService, type TestService } from './service.ts';

describe('properties of the running service', () => {
  let service: TestService;
  const contacted = new Set<string>();
  const noteSocket = (message: unknown) => {
    const { socket } = message as { socket: Socket };
    socket.once('connect', () =>
      contacted.add(socket.remotePort ? `${socket.remoteAddress}:${socket.remotePort}` : 'a UNIX socket'),
    );
    socket.once('error', () => contacted.add('an address that refused'));
  };
  const noteDatagram = () => void contacted.add('a UDP socket');
  /** Names that were looked up. */
  const asked = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) contacted.add(`a name (${JSON.stringify(entry)})`);
  });
  before(async () => {
    diagnostics.subscribe('net.client.socket', noteSocket);
    diagnostics.subscribe('udp.socket', noteDatagram);
    asked.observe({ entryTypes: ['dns'] });
    service = await startTestService();
  });
  after(async () => {
    diagnostics.unsubscribe('net.client.socket', noteSocket);
    diagnostics.unsubscribe('udp.socket', noteDatagram);
    asked.disconnect();
    await service?.[Symbol.asyncDispose]();
  });

  const index = (session_id: string, photo_id: string, image: Uint8Array, on = service) =>
    on.call('POST', '/api/v1/index', { key: KEY, form: { session_id, photo_id, image } });
  const search = (session_id: string, image: Uint8Array, more: Record<string, string> = {}) =>
    service.call('POST', '/api/v1/search', { form: { session_id, image, ...more } });
  const photosOf = (answer: { body: { matches: { photo_id: string }[] } }) =>
    answer.body.matches.map(({ photo_id }) => photo_id);
  const person = fc.nat({ max: PEOPLE - 1 });
  const take = fc.nat({ max: 8 });

  test('1: only the configured database is contacted', async () => {
    const image = await portrait(0);
    await index('contacts', 'a', image);
    await search('contacts', image);
    for (const [method, path] of [
      ['GET', '/api/v1/search/status/contacts'],
      ['GET', '/api/v1/sessions/contacts/photos'],
      ['GET', '/health'],
      ['DELETE', '/api/v1/index/contacts/photos/a'],
      ['DELETE', '/api/v1/index/contacts'],
      ['POST', '/api/v1/search/tokens'],
    ] as const)
      await service.call(method, path, { key: KEY, ...(method === 'POST' && { json: { session_id: 'contacts' } }) });
    await later();
    assert.deepEqual(foreignAddresses(), []);
    const { host, port } = service.context.pool.options;
    assert.ok(
      contacted.size >= 3,
      `the watch saw the database, the inference server and this test's own calls: ${[...contacted]}; ${host}:${port}`,
    );
  });

  test('2: a search makes no outside call', async () => {
    await index('inside', 'a', await portrait(0));
    contacted.clear();
    const found = await search('inside', await portrait(0, 1));
    assert.deepEqual(photosOf(found), ['a']);
    await later();
    assert.deepEqual(foreignAddresses(), []);
  });

  test('3: photo ids may be UUIDs and timestamp-hashes, and a minimal configuration serves them', async (t) => {
    const { database, inference } = service;
    const config = readConfig({
      PORT: '0',
      METRICS_PORT: '0',
      DATABASE_URL: database.url,
      INFERENCE_ADDRESS: inference!.address,
      API_KEYS: `photographer:${KEY}`,
      // One backend is all that the embedded one has.
      ...(database.engine === 'embedded' && { DATABASE_POOL_SIZE: '1' }),
      DRAIN_DELAY_MS: '0',
    });
    await using minimal = await startApi(await openContext(config, createLogger('api', 'silent'), '0.0.0-test'));
    const url = `http://127.0.0.1:${minimal.port}`;
    await fc.assert(
      fc.asyncProperty(usualPhotoId, fc.boolean(), person, async (id, upper, who) => {
        const [session, photoId] = [randomUUID(), upper ? id.toUpperCase() : id];
        const form = { session_id: session, photo_id: photoId, image: await portrait(who) };
        assert.equal((await callApi(url, 'POST', '/api/v1/index', { key: KEY, form })).body.photo_id, photoId);
        const selfie = { session_id: session, image: await portrait(who) };
        assert.deepEqual(photosOf(await callApi(url, 'POST', '/api/v1/search', { form: selfie })), [photoId]);
        const path = `/api/v1/index/${session}/photos/${photoId}`;
        assert.equal((await callApi(url, 'DELETE', path, { key: KEY })).body.embeddings_removed, 1);
      }),
      seeded(t, 6),
    );
  });

  test('4: index answers have exactly the fields of the contract', async (t) => {
    await fc.assert(
      fc.asyncProperty(identifier, identifier, fc.boolean(), async (session, photoId, group) => {
        const { status, body } = await index(session, photoId, group ? await samplePhoto(6) : await portrait(1));
        assert.equal(status, 200, JSON.stringify(body));
        assert.deepEqual(indexAnswer.parse(body), body);
        assert.deepEqual(Object.keys(body).sort(), [
          'confidence',
          'faces',
          'faces_detected',
          'indexed',
          'photo_id',
          'rejected',
        ]);
        for (const [position, face] of body.faces.entries()) {
          assert.deepEqual(Object.keys(face).sort(), ['box', 'confidence', 'face_index', 'quality']);
          assert.equal(face.face_index, position);
        }
        assert.equal(body.faces_detected, body.faces.length);
      }),
      seeded(t, 5),
    );
  });

  test('5: search answers have exactly the fields of the contract, sorted, each photo once, similarities in range', async (t) => {
    const session = 'answers';
    for (let who = 0; who < PEOPLE; who += 1)
      for (const n of [0, 1]) await index(session, `person ${who} take ${n}`, await portrait(who, n));
    await index(session, 'group', await samplePhoto(6));
    const { face_count: faces } = (await service.call('GET', `/api/v1/search/status/${session}`)).body;
    await fc.assert(
      fc.asyncProperty(
        person,
        take,
        fc.integer({ min: 0, max: 100 }),
        fc.integer({ min: 1, max: 1000 }),
        async (who, n, percent, limit) => {
          const { status, body } = await search(session, await portrait(who, n), {
            threshold: `${percent / 100}`,
            limit: `${limit}`,
          });
          assert.equal(status, 200, JSON.stringify(body));
          assert.deepEqual(searchAnswer.parse(body), body);
          assert.deepEqual(Object.keys(body).sort(), [
            'expected_false_matches',
            'faces_compared',
            'matches',
            'next_cursor',
            'query',
            'query_time_ms',
            'total_matches',
          ]);
          assert.equal(body.faces_compared, faces);
          const rate = Math.min(1, 10 ** (1 - percent / 10));
          assert.ok(Math.abs(body.expected_false_matches / (faces * rate) - 1) < 0.051, JSON.stringify(body));
          const similarities: number[] = body.matches.map((match: { similarity: number }) => match.similarity);
          assert.deepEqual(
            similarities,
            similarities.toSorted((a, b) => b - a),
          );
          assert.ok(
            similarities.every(
              (similarity) =>
                similarity >= percent / 100 && similarity <= 1 && Number(similarity.toFixed(4)) === similarity,
            ),
          );
          assert.equal(new Set(photosOf({ body })).size, body.matches.length);
          assert.equal(body.matches.length, Math.min(limit, body.total_matches));
          for (const match of body.matches)
            assert.deepEqual(Object.keys(match).sort(), ['certainty', 'confidence', 'face', 'photo_id', 'similarity']);
          for (const { similarity, certainty } of body.matches)
            assert.equal(certainty, similarity >= 0.6 ? 'sure' : 'likely');
        },
      ),
      seeded(t, 12),
    );
  });

  test('6: no background work starts by itself', async (t) => {
    const { pool } = service.context;
    let taken = 0;
    const noteConnection = () => void (taken += 1);
    pool.on('acquire', noteConnection);
    t.after(() => pool.off('acquire', noteConnection));
    // A connection of its own, where another one can be open: what a connection that was kept does shows there alone.
    const observer = service.database.engine === 'embedded' ? null : new Client(service.database.url);
    await observer?.connect();
    t.after(() => observer?.end());
    const doing = async () => {
      const statements = await observer?.query(
        `select pid, query_start, query from pg_stat_activity where application_name = 'facepass-api' and datname = current_database() order by pid`,
      );
      return {
        taken,
        connections: pool.totalCount,
        statements: statements?.rows,
        analysed: await service.inference!.metric('facepass_inference_requests_total{code="OK"}'),
      };
    };
    const selfie = await portrait(0);
    await index('idle', 'a', selfie);
    await service.call('GET', '/api/v1/search/status/idle');
    // The search last: what it leaves for later must not pass for the work of another call.
    assert.deepEqual(photosOf(await search('idle', selfie)), ['a']);
    const before = await doing();
    await later();
    assert.deepEqual(await doing(), before);
  });

  test('11: every request is logged once with its id', { timeout: 60_000 }, async (t) => {
    const paths = fc.constantFrom('/health', '/nothing', '/api/v1/search/status/s', '/api/v1/index/s', '/docs');
    const answered = new Map<string, { method: string; status: number }>();
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('GET', 'DELETE', 'POST'),
        paths,
        fc.option(fc.stringMatching(/^[\w.-]{1,50}$/)),
        async (method, path, prefix) => {
          const id = prefix && `${prefix}-${answered.size}`;
          const { headers, status } = await service.call(method, path, { headers: id ? { 'X-Request-Id': id } : {} });
          const given = headers.get('x-request-id')!;
          if (id) assert.equal(given, id);
          assert.ok(!answered.has(given), `${given} was given twice`);
          answered.set(given, { method, status });
        },
      ),
      seeded(t, 40),
    );
    const lines = () => service.log.filter(({ request_id }) => answered.has(request_id as string));
    const giveUp = performance.now() + 10_000;
    while (lines().length < answered.size && performance.now() < giveUp) await delay(5);
    await service.call('GET', '/livez');
    const logged = Map.groupBy(lines(), ({ request_id }) => request_id as string);
    for (const [id, request] of answered) {
      const [line, ...more] = logged.get(id) ?? [];
      assert.ok(line, `${id} is not logged`);
      assert.deepEqual({ method: line.method, status: line.status }, request);
      assert.equal(typeof line.duration_ms, 'number');
      assert.deepEqual(more, []);
    }
  });

  test('12: metrics count every operation once, in seconds', async () => {
    const series = async () => parseMetrics(await (await service.call('GET', '/metrics')).body);
    const moved = async (work: () => Promise<unknown>) => {
      const before = await series();
      const began = performance.now();
      await work();
      const seconds = (performance.now() - began) / 1000;
      const after = await series();
      return { seconds, by: (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0) };
    };
    const selfie = await portrait(0);
    const blank = await emptyScene();
    const indexed = await moved(() => index('metrics', 'a', selfie));
    assert.equal(indexed.by('facepass_index_requests_total{status="200"}'), 1);
    assert.equal(indexed.by('facepass_index_duration_seconds_count'), 1);
    assert.equal(indexed.by('facepass_embeddings_total'), 1);
    const failed = await moved(() => index('metrics', 'b', blank));
    assert.equal(failed.by('facepass_index_requests_total{status="400"}'), 1);
    assert.equal(failed.by('facepass_index_duration_seconds_count'), 0);
    assert.equal(failed.by('facepass_problems_total{code="no_face"}'), 1);
    const searched = await moved(() => search('metrics', selfie));
    assert.equal(searched.by('facepass_search_requests_total{status="200"}'), 1);
    assert.equal(searched.by('facepass_search_duration_seconds_count'), 1);
    const refused = await moved(() => search('nobody', selfie));
    assert.equal(refused.by('facepass_search_requests_total{status="404"}'), 1);
    const erased = await moved(() => service.call('DELETE', '/api/v1/index/metrics', { key: KEY }));
    const route = 'route="/api/v1/index/:session_id",method="DELETE",status="200"';
    assert.equal(erased.by(`http_server_request_duration_seconds_count{${route}}`), 1);
    for (const [method, path, label, status] of [
      ['GET', '/api/v1/search/status/metrics', '/api/v1/search/status/:session_id', 200],
      ['DELETE', '/api/v1/index/metrics/photos/a', '/api/v1/index/:session_id/photos/:photo_id', 404],
      ['GET', '/api/v1/sessions/metrics/photos', '/api/v1/sessions/:session_id/photos', 404],
      ['GET', '/health', '/health', 200],
    ] as const) {
      const { by } = await moved(() => service.call(method, path, { key: KEY }));
      const labels = `route="${label}",method="${method}",status="${status}"`;
      assert.equal(by(`http_server_request_duration_seconds_count{${labels}}`), 1, labels);
    }
    for (const [{ by, seconds }, name] of [
      [indexed, 'facepass_index_duration_seconds_sum'],
      [searched, 'facepass_search_duration_seconds_sum'],
      [indexed, 'http_server_request_duration_seconds_sum{route="/api/v1/index",method="POST",status="200"}'],
      [searched, 'http_server_request_duration_seconds_sum{route="/api/v1/search",method="POST",status="200"}'],
    ] as const)
      assert.ok(by(name) > 0 && by(name) <= seconds, `${name} grew by ${by(name)} within ${seconds} s`);
  });

  test('13: a search tells the time that it took, which is little more than the analysis of its selfie', async (t) => {
    await index('quick', 'a', await portrait(0));
    const selfie = await portrait(0);
    const durations: number[] = [];
    const analyses: number[] = [];
    for (let n = 0; n < 20; n += 1) {
      const asked = performance.now();
      await service.context.inference.detectFaces(selfie, service.context.modelId, 'search');
      analyses.push(performance.now() - asked);
      const began = performance.now();
      const { body } = await search('quick', selfie);
      durations.push(performance.now() - began);
      assert.ok(body.query_time_ms > 0 && body.query_time_ms <= durations.at(-1)!);
    }
    durations.sort((a, b) => a - b);
    const analysis = Math.min(...analyses);
    // In turns in one run, the best of 20 each: the ratio is 1.1 on an idle machine. A wait in every search shows here.
    assert.ok(durations[0]! < 4 * analysis, `${durations[0]} ms a search, ${analysis} ms the analysis alone`);
    t.diagnostic(`${durations[0]!.toFixed()} ms at best, ${durations[18]!.toFixed()} ms for 19 of 20`);
  });

  test('15: SQL injection strings are data', async (t) => {
    const image = await portrait(2);
    const hostile = fc.oneof(
      fc.constantFrom(
        `'; drop table faces; --`,
        `' or '1'='1`,
        `"; delete from sessions; --`,
        `x') on conflict do nothing; --`,
        `$1`,
        `\\'; select pg_sleep(9); --`,
        `%' union select * from audit_log --`,
        `{}[]`,
        `NULL`,
      ),
      fc
        .tuple(identifier, fc.constantFrom(`'`, `"`, `;`, `--`, `/*`, `\\`, `$$`, `%`))
        .map(([text, mark]) => `${mark}${[...text].slice(0, 200).join('')}${mark}`),
    );
    await fc.assert(
      fc.asyncProperty(hostile, hostile, async (session, photoId) => {
        assert.equal((await index(session, photoId, image)).status, 200);
        assert.deepEqual(photosOf(await search(session, image)), [photoId]);
        const path = `/api/v1/index/${encodeURIComponent(session)}`;
        assert.equal(
          (await service.call('DELETE', `${path}/photos/${encodeURIComponent(photoId)}`, { key: KEY })).body
            .embeddings_removed,
          1,
        );
        assert.equal(
          (await service.call('GET', `/api/v1/search/status/${encodeURIComponent(session)}`)).body.indexed,
          false,
        );
      }),
      seeded(t, 8),
    );
    assert.deepEqual(
      photosOf(await search('answers', await portrait(0), { threshold: '0.999' })),
      ['person 0 take 0'],
      'other sessions are as they were',
    );
  });

  test('20: what is indexed is found', async (t) => {
    // Person 4, as the third of a group, is given a box that is too wide, and has 0.28 to her own portrait.
    const people = fc.oneof(
      fc.uniqueArray(fc.nat({ max: 3 }), { minLength: 1, maxLength: 4 }),
      person.map((one) => [one]),
    );
    await fc.assert(
      fc.asyncProperty(people, person, take, take, async (who, other, indexed, searched) => {
        const session = randomUUID();
        const pictures = await Promise.all(who.map((one) => portrait(one, indexed)));
        const photo = pictures.length === 1 ? pictures[0]! : await groupPhoto(pictures);
        assert.equal((await index(session, 'theirs', photo)).body.faces_detected, who.length);
        await index(session, 'other', await portrait(other, searched));
        for (const one of who) {
          const expected = one === other ? ['other', 'theirs'] : ['theirs'];
          assert.deepEqual(photosOf(await search(session, await portrait(one, searched))).sort(), expected);
        }
      }),
      withoutShrinking(t, 6),
    );
  });

  test('21: sessions never mix', async (t) => {
    const inPath = encodeURIComponent;
    const erase = (path: string) => service.call('DELETE', `/api/v1/index/${path}`, { key: KEY });
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(identifier, { minLength: 3, maxLength: 3 }), person, async (sessions, who) => {
        // Ids such as "key" come up in other properties, too.
        for (const session of sessions) await erase(inPath(session));
        const seen = async (session: string) => {
          const { body } = await service.call('GET', `/api/v1/search/status/${inPath(session)}`);
          const found = await search(session, await portrait(who), { threshold: '0' });
          return { photos: found.status === 200 ? photosOf(found).sort() : [], count: body.photo_count };
        };
        for (const [n, session] of sessions.entries()) {
          await index(session, 'same id', await portrait(who, n));
          await index(session, `photo of session ${n}`, await portrait(who, n));
        }
        const whole = (n: number) => ({ photos: [`photo of session ${n}`, 'same id'], count: 2 });
        for (const [n, session] of sessions.entries()) assert.deepEqual(await seen(session), whole(n));
        const [first, second, third] = sessions as [string, string, string];
        await erase(`${inPath(first)}/photos/${inPath('same id')}`);
        await erase(inPath(second));
        assert.deepEqual(await seen(first), { photos: ['photo of session 0'], count: 1 });
        assert.deepEqual(await seen(second), { photos: [], count: 0 });
        assert.deepEqual(await seen(third), whole(2));
        for (const session of sessions) await erase(inPath(session));
      }),
      withoutShrinking(t, 4),
    );
  });

  test('22: indexing twice makes no duplicates', async (t) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat({ max: 2 }), person), { minLength: 2, maxLength: 5 }),
        fc.boolean(),
        async (calls, atOnce) => {
          const session = randomUUID();
          const run = async ([photo, who]: [number, number]) =>
            assert.equal((await index(session, `photo ${photo}`, await portrait(who))).status, 200);
          if (atOnce) await Promise.all(calls.map(run));
          else for (const call of calls) await run(call);
          const last = new Map(calls);
          const { body } = await service.call('GET', `/api/v1/search/status/${session}`);
          assert.deepEqual([body.photo_count, body.face_count], [last.size, last.size]);
          const { rows } = await service.context.pool.query('select photo_id from faces where session_id = $1', [
            session,
          ]);
          assert.equal(rows.length, last.size);
          if (atOnce) return;
          for (const who of new Set(calls.map(([, one]) => one))) {
            const theirs = [...last].filter(([, one]) => one === who).map(([photo]) => `photo ${photo}`);
            assert.deepEqual(photosOf(await search(session, await portrait(who))).sort(), theirs.sort());
          }
        },
      ),
      withoutShrinking(t, 6),
    );
  });

  function foreignAddresses(): string[] {
    const { host, port } = service.context.pool.options;
    const known = [
      service.inference!.address,
      `127.0.0.1:${service.inference!.metricsPort}`,
      new URL(service.url).host,
      new URL(service.metricsUrl).host,
    ];
    const database = new URL(service.database.url);
    const ofDatabase =
      service.database.engine === 'embedded'
        ? ['a UNIX socket']
        : [`${host ?? database.hostname}:${port ?? database.port}`, `${database.hostname}:${database.port || 5432}`];
    return [...contacted].filter((address) => ![...known, ...ofDatabase].includes(address));
  }
});

/** A run takes seconds: a smaller example would be looked for past the time limit, and the failure not be told. */
function withoutShrinking<Values>(t: TestContext, runs: number): fc.Parameters<Values> {
  return { ...seeded<Values>(t, runs), endOnFailure: true };
}

/** Nothing can be waited for where nothing must happen: this is the time that it gets to happen in. */
function later(): Promise<void> {
  return delay(1500);
}

function parseMetrics(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}
