import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import diagnostics from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { indexAnswer, searchAnswer } from '@facepass/contracts/http';
import fc from 'fast-check';
import { Client } from 'pg';
import { samplePhoto } from '../../inference/tests/photos.ts';
import { emptyScene, PEOPLE, portrait } from './people.ts';
import { identifier, seeded, usualPhotoId } from './seed.ts';
import { KEY, startTestService, type TestService } from './service.ts';

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
  before(async () => {
    diagnostics.subscribe('net.client.socket', noteSocket);
    diagnostics.subscribe('udp.socket', noteDatagram);
    service = await startTestService();
  });
  after(async () => {
    diagnostics.unsubscribe('net.client.socket', noteSocket);
    diagnostics.unsubscribe('udp.socket', noteDatagram);
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
    await index('contacts', 'a', await portrait(0));
    await service.call('GET', '/api/v1/search/status/contacts');
    await service.call('DELETE', '/api/v1/index/contacts', { key: KEY });
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
    assert.deepEqual(foreignAddresses(), []);
  });

  test('3: photo ids may be UUIDs and timestamp-hashes, and a minimal configuration serves them', async (t) => {
    await fc.assert(
      fc.asyncProperty(usualPhotoId, person, async (photoId, who) => {
        const session = randomUUID();
        assert.equal((await index(session, photoId, await portrait(who))).body.photo_id, photoId);
        assert.deepEqual(photosOf(await search(session, await portrait(who))), [photoId]);
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
    if (service.database.engine === 'embedded')
      return t.skip('needs PostgreSQL: its view of what each connection did last');
    await index('idle', 'a', await portrait(0));
    assert.deepEqual(photosOf(await search('idle', await portrait(0))), ['a']);
    await service.call('GET', '/api/v1/search/status/idle');
    // On a connection of its own: each measurement through the pool would hide the connection that it takes.
    const observer = new Client({ connectionString: service.database.url });
    await observer.connect();
    t.after(() => observer.end());
    const doing = async () => {
      const { rows } = await observer.query(
        `select pid, query_start, query from pg_stat_activity where application_name = 'facepass-api' and datname = current_database() order by pid`,
      );
      return {
        statements: rows,
        analysed: await service.inference!.metric('facepass_inference_requests_total{code="OK"}'),
      };
    };
    const before = await doing();
    // Nothing can be waited for where nothing must happen: this is the time that it gets to happen in.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    assert.deepEqual(await doing(), before);
  });

  test('11: every request is logged once with its id', { timeout: 60_000 }, async (t) => {
    const paths = fc.constantFrom('/health', '/nothing', '/api/v1/search/status/s', '/api/v1/index/s', '/docs');
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('GET', 'DELETE', 'POST'),
        paths,
        fc.option(fc.stringMatching(/^[\w.-]{1,64}$/)),
        async (method, path, id) => {
          const { headers, status } = await service.call(method, path, { headers: id ? { 'X-Request-Id': id } : {} });
          const given = headers.get('x-request-id');
          if (id) assert.equal(given, id);
          const lines = () =>
            service.log.filter(
              (line) =>
                line.request_id === given &&
                line.status === status &&
                line.method === method &&
                typeof line.duration_ms === 'number',
            );
          while (lines().length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
          if (!id) assert.equal(lines().length, 1);
        },
      ),
      seeded(t, 40),
    );
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
    for (const [{ by, seconds }, name] of [
      [indexed, 'facepass_index_duration_seconds_sum'],
      [searched, 'facepass_search_duration_seconds_sum'],
      [indexed, 'http_server_request_duration_seconds_sum{route="/api/v1/index",method="POST",status="200"}'],
      [searched, 'http_server_request_duration_seconds_sum{route="/api/v1/search",method="POST",status="200"}'],
    ] as const)
      assert.ok(by(name) > 0 && by(name) <= seconds, `${name} grew by ${by(name)} within ${seconds} s`);
  });

  test('13: a search answers within 500 ms, and tells the time that it took', async (t) => {
    await index('quick', 'a', await portrait(0));
    const selfie = await portrait(0);
    const durations: number[] = [];
    for (let n = 0; n < 20; n += 1) {
      const began = performance.now();
      const { body } = await search('quick', selfie);
      durations.push(performance.now() - began);
      assert.ok(body.query_time_ms > 0 && body.query_time_ms <= durations.at(-1)!);
    }
    durations.sort((a, b) => a - b);
    t.diagnostic(`${durations[0]!.toFixed()} ms at best, ${durations[18]!.toFixed()} ms for 19 of 20`);
    // The best of them: the others tell of the machine's other work.
    assert.ok(durations[0]! < 500);
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
    await fc.assert(
      fc.asyncProperty(person, take, take, async (who, indexed, searched) => {
        const session = randomUUID();
        await index(session, 'theirs', await portrait(who, indexed));
        assert.deepEqual(photosOf(await search(session, await portrait(who, searched))), ['theirs']);
      }),
      seeded(t, 8),
    );
  });

  test('21: sessions never mix', async (t) => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(identifier, { minLength: 2, maxLength: 3 }), person, async (sessions, who) => {
        // Ids such as "key" come up in other properties, too.
        for (const session of sessions)
          await service.call('DELETE', `/api/v1/index/${encodeURIComponent(session)}`, { key: KEY });
        for (const [n, session] of sessions.entries())
          await index(session, `photo of session ${n}`, await portrait(who, n));
        for (const [n, session] of sessions.entries()) {
          assert.deepEqual(photosOf(await search(session, await portrait(who), { threshold: '0' })), [
            `photo of session ${n}`,
          ]);
        }
        for (const session of sessions)
          await service.call('DELETE', `/api/v1/index/${encodeURIComponent(session)}`, { key: KEY });
      }),
      seeded(t, 4),
    );
  });

  test('22: indexing twice makes no duplicates', async (t) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat({ max: 2 }), person), { minLength: 2, maxLength: 5 }),
        async (calls) => {
          const session = randomUUID();
          for (const [photo, who] of calls) await index(session, `photo ${photo}`, await portrait(who));
          const distinct = new Set(calls.map(([photo]) => photo)).size;
          const { body } = await service.call('GET', `/api/v1/search/status/${session}`);
          assert.deepEqual([body.photo_count, body.face_count], [distinct, distinct]);
          const { rows } = await service.context.pool.query('select photo_id from faces where session_id = $1', [
            session,
          ]);
          assert.equal(rows.length, distinct);
        },
      ),
      seeded(t, 4),
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

function parseMetrics(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}
