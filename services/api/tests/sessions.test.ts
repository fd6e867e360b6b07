import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { replaceFaces } from '@facepass/indexing/db/faces';
import { beginIndexing } from '@facepass/indexing/db/sessions';
import fc from 'fast-check';
import { identifier, seeded } from './seed.ts';
import { ADMIN_KEY, INDEX_KEY, startTestService, type TestService } from './service.ts';

describe('what the service holds', () => {
  let service: TestService;
  before(async () => {
    const API_KEYS = `admin:${ADMIN_KEY}:admin, indexer:${INDEX_KEY}:index`;
    service = await startTestService({ inference: null, environment: { API_KEYS } });
  });
  after(() => service?.[Symbol.asyncDispose]());

  const get = (path: string, key = ADMIN_KEY) => service.call('GET', `/api/v1/sessions${path}`, { key });
  const photosPath = (session: string) => `/${encodeURIComponent(session)}/photos`;

  async function fill(sessionId: string, photos: Record<string, number>, expiresAt?: string): Promise<void> {
    const { pool, modelId, pack } = service.context;
    const embedding = Array.from({ length: pack.embedding_size }, (_, place) => (place === 0 ? 1 : 0));
    const { lastErasure } = await beginIndexing(pool, sessionId);
    for (const [photoId, count] of Object.entries(photos)) {
      const faces = Array.from({ length: count }, (_, i) => ({
        box: { x: i, y: 2, width: 30, height: 40 },
        confidence: 0.9 - i / 10,
        quality: 0.5,
        embedding,
      }));
      await replaceFaces(pool, { sessionId, photoId, modelId, faces, lastErasure, expiresAt, retentionDays: 0 });
    }
  }

  /** Every entry of a list, read in pages of `limit`. */
  async function readAll(path: string, list: string, limit: number): Promise<any[]> {
    const entries: any[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const { status, body } = await get(`${path}?limit=${limit}${cursor && `&cursor=${cursor}`}`);
      assert.equal(status, 200, JSON.stringify(body));
      assert.ok(body[list].length <= limit);
      entries.push(...body[list]);
      cursor = body.next_cursor;
    }
    return entries;
  }

  test('sessions are listed with their counts, model and times, the newest first, whatever the size of a page', async () => {
    assert.deepEqual((await get('')).body, { sessions: [], next_cursor: null });
    for (const session of ['first', 'second', 'third']) await fill(session, { 'a.jpg': 2, 'b.jpg': 1 });
    await fill('over', { 'a.jpg': 1 });
    await service.context.pool.query(`update sessions set expires_at = now() where session_id = 'over'`);
    await fill('first', { 'c.jpg': 1 }, '2099-01-01T00:00:00Z');
    const whole = await readAll('', 'sessions', 1000);
    assert.deepEqual(
      whole.map(({ session_id }) => session_id),
      ['third', 'second', 'first'],
    );
    const { created_at, last_indexed, ...first } = whole[2];
    assert.deepEqual(first, {
      session_id: 'first',
      photo_count: 3,
      face_count: 4,
      model: service.context.modelId,
      expires_at: '2099-01-01T00:00:00.000Z',
    });
    assert.ok(created_at < last_indexed);
    for (const limit of [1, 2]) assert.deepEqual(await readAll('', 'sessions', limit), whole);
  });

  test('sessions of one moment are each listed once', async () => {
    const names = ['é', 'Z', 'a', 'ä', 'B', '.', '😀'].map((name) => `moment ${name}`);
    for (const name of names) await fill(name, { p: 1 });
    await service.context.pool.query(`update sessions set created_at = now() where session_id like 'moment %'`);
    const listed = (await readAll('', 'sessions', 2)).map(({ session_id }) => session_id);
    assert.deepEqual(listed.filter((id) => id.startsWith('moment ')).toSorted(), names.toSorted());
  });

  test('photos of any id are listed once each, with their faces', async (t) => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(identifier, { minLength: 1, maxLength: 12 }), async (ids) => {
        run += 1;
        await fill(`property ${run}`, Object.fromEntries(ids.map((id) => [id, 1])));
        const listed = await readAll(photosPath(`property ${run}`), 'photos', 5);
        assert.deepEqual(listed.map(({ photo_id }) => photo_id).toSorted(), ids.toSorted());
      }),
      seeded(t, 10),
    );
  });

  test('a photo answers with the boxes, confidence and quality of its faces', async () => {
    await fill('boxes', { 'a b/ü.jpg': 2 });
    const { status, body } = await get(`${photosPath('boxes')}/${encodeURIComponent('a b/ü.jpg')}`, INDEX_KEY);
    assert.equal(status, 200);
    const { indexed_at, ...photo } = body;
    assert.ok(Date.parse(indexed_at) <= Date.now());
    assert.deepEqual(photo, {
      session_id: 'boxes',
      photo_id: 'a b/ü.jpg',
      model: service.context.modelId,
      faces: [
        { face_index: 0, box: { x: 0, y: 2, width: 30, height: 40 }, confidence: 0.9, quality: 0.5 },
        { face_index: 1, box: { x: 1, y: 2, width: 30, height: 40 }, confidence: 0.8, quality: 0.5 },
      ],
    });
  });

  test('a row that came from schema 2 has neither box nor quality', async () => {
    await fill('old', { 'a.jpg': 1 });
    await service.context.pool.query(`update faces set box = null, quality = null where session_id = 'old'`);
    const [face] = (await get(`${photosPath('old')}/a.jpg`)).body.faces;
    assert.deepEqual([face.box, face.quality], [null, null]);
  });

  test('an unknown, an erased and an expired session hold no photos', async () => {
    await fill('expired', { 'a.jpg': 1 });
    await service.context.pool.query(`update sessions set expires_at = now() where session_id = 'expired'`);
    for (const session of ['nowhere', 'expired']) {
      assert.equal((await get(photosPath(session))).body.code, 'session_not_indexed');
      assert.equal((await get(`${photosPath(session)}/a.jpg`)).body.code, 'photo_not_indexed');
    }
  });

  test('a cursor that no answer gave, and a limit out of range, are refused by name', async () => {
    await fill('cursors', { 'a.jpg': 1, 'b.jpg': 1 });
    const foreign = (await get(`${photosPath('cursors')}?limit=1`)).body.next_cursor;
    const invented = (place: unknown) => Buffer.from(JSON.stringify(place)).toString('base64url');
    const wrong = ['x', '', foreign, invented(['now', 'a']), invented([['1'], 'a']), invented(['1', 'a\0'])];
    for (const cursor of wrong) {
      const { status, body } = await get(`?cursor=${encodeURIComponent(cursor)}`);
      assert.equal(status, 400, cursor);
      assert.deepEqual(
        body.errors.map(({ field }: { field: string }) => field),
        ['cursor'],
      );
    }
    for (const query of ['limit=0', 'limit=1001', 'colour=red', 'limit=1&limit=2'])
      assert.equal((await get(`?${query}`)).status, 400, query);
  });
});
