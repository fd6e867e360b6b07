import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { replaceFaces } from '@facepass/indexing/db/faces';
import { beginIndexing } from '@facepass/indexing/db/sessions';
import { searchTokens } from '../search-token.ts';
import { emptyScene, groupPhoto, portrait } from './people.ts';
import { INDEX_KEY, KEY, SECRET, startTestService, type CallOptions, type TestService } from './service.ts';

const DELETE_KEY = 'fp_test_key_that_may_delete';
const API_KEYS = `photographer:${KEY}, indexer:${INDEX_KEY}:index, eraser:${DELETE_KEY}:delete`;

describe('a search by a stored face, of several sessions, page by page', () => {
  let service: TestService;
  before(async () => {
    service = await startTestService({ inference: null, environment: { API_KEYS } });
    for (const session of ['gala', 'ball']) {
      await index(session, 'pair', [axis(0), axis(1)]);
      for (let near = 0; near < 7; near++) await index(session, `near ${near}`, [between(near / 10)]);
      // As similar as one another, so that only the ids order them.
      for (const name of ['é', 'Z', 'a']) await index(session, `same ${name}`, [between(0.95)]);
    }
  });
  after(() => service?.[Symbol.asyncDispose]());

  const axis = (at: number) => {
    const vector = Array.from({ length: service.context.pack.embedding_size }, () => 0);
    vector[at] = 1;
    return vector;
  };
  /** A vector between the axes 0 (share 0) and 1. */
  const between = (share: number) => {
    const length = Math.hypot(1 - share, share);
    return axis(0).map((x, i) => (i === 0 ? (1 - share) / length : i === 1 ? share / length : x));
  };

  async function index(sessionId: string, photoId: string, embeddings: number[][]): Promise<void> {
    const { pool, modelId } = service.context;
    const box = { x: 1, y: 2, width: 30, height: 40 };
    const faces = embeddings.map((embedding) => ({ box, confidence: 0.9, quality: 0.5, embedding }));
    const { lastErasure } = await beginIndexing(pool, sessionId);
    await replaceFaces(pool, { sessionId, photoId, modelId, faces, lastErasure, retentionDays: 0 });
  }

  const search = (json: object, options: CallOptions = { key: INDEX_KEY }) =>
    service.call('POST', '/api/v1/search', { json: { threshold: 0, ...json }, ...options });
  const namesOf = (matches: any[]) => matches.map(({ session_id = '', photo_id }) => `${session_id}/${photo_id}`);

  test('a stored face finds the photos of its person, its own first, and the answer says which face it was', async () => {
    const { status, body } = await search({ session_id: 'gala', photo_id: 'pair', face_index: 1, threshold: 0.5 });
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal(body.matches[0].photo_id, 'pair');
    assert.deepEqual([body.matches[0].similarity, body.matches[0].face.face_index], [1, 1]);
    assert.ok(namesOf(body.matches).includes('/same a'));
    assert.ok(!namesOf(body.matches).includes('/near 0'));
    const box = { x: 1, y: 2, width: 30, height: 40 };
    const faces = [0, 1].map((face_index) => ({ face_index, box }));
    assert.deepEqual(body.query, { faces_detected: 2, face_index: 1, box, faces });
  });

  test('a stored face is named with a photo and an index that there are, and without an image', async () => {
    const codeOf = async (json: object) => (await search({ session_id: 'gala', ...json })).body.code;
    assert.equal(await codeOf({ photo_id: 'nowhere' }), 'photo_not_indexed');
    assert.equal(await codeOf({ photo_id: 'pair', face_index: 2 }), 'face_index_out_of_range');
    assert.equal(await codeOf({}), 'image_missing');
    const form = { session_id: 'gala', photo_id: 'pair', image: await emptyScene() };
    const both = await service.call('POST', '/api/v1/search', { form, key: INDEX_KEY });
    assert.deepEqual(both.body.errors, [{ field: 'photo_id', rule: 'must not be given together with an image' }]);
  });

  test('a stored face, and several sessions, need a key with the scope index: neither a token nor nobody may', async () => {
    const { token } = await searchTokens([SECRET]).mint('gala', 60);
    for (const json of [
      { session_id: 'gala', photo_id: 'pair' },
      { session_id: ['gala', 'ball'], photo_id: 'pair' },
    ]) {
      assert.equal((await search(json, {})).body.code, 'api_key_required');
      assert.equal(
        (await search(json, { headers: { Authorization: `Bearer ${token}` } })).body.code,
        'api_key_required',
      );
      assert.equal((await search(json, { key: DELETE_KEY })).body.code, 'scope_missing');
      assert.equal((await search(json)).status, 200);
    }
    const form = new FormData();
    for (const session of ['gala', 'ball']) form.append('session_id', session);
    form.append('image', new Blob([new Uint8Array(await emptyScene())]));
    assert.equal((await service.call('POST', '/api/v1/search', { body: form })).body.code, 'api_key_required');
  });

  test('a search of several sessions finds what a search of each finds, and says where each match is', async () => {
    const both = (await search({ session_id: ['gala', 'ball', 'gala'], photo_id: 'pair' })).body;
    assert.equal(both.total_matches, 22);
    assert.equal(both.faces_compared, 24);
    const alone = [];
    for (const session_id of ['gala', 'ball']) {
      // The pair of each session is the same.
      const { matches } = (await search({ session_id, photo_id: 'pair' })).body;
      alone.push(...matches.map((match: object) => ({ ...match, session_id })));
    }
    const ordered = alone.toSorted(
      (a, b) => b.similarity - a.similarity || Buffer.compare(Buffer.from(a.photo_id), Buffer.from(b.photo_id)),
    );
    assert.deepEqual(namesOf(both.matches).toSorted(), namesOf(alone).toSorted());
    assert.deepEqual(
      both.matches.map((match: any) => match.similarity),
      ordered.map(({ similarity }) => similarity),
    );
  });

  test('pages of any size hold every match once, in the order of one page', async () => {
    for (const session_id of ['gala', ['ball', 'gala']]) {
      const whole = (await search({ session_id, photo_id: 'pair', limit: 1000 })).body;
      assert.equal(whole.next_cursor, null);
      for (const limit of [1, 3, 4]) {
        const names: string[] = [];
        for (let cursor: string | undefined; ;) {
          const { body } = await search({ session_id, photo_id: 'pair', limit, cursor });
          assert.equal(body.total_matches, whole.total_matches);
          assert.ok(body.matches.length <= limit);
          names.push(...namesOf(body.matches));
          if (body.next_cursor === null) break;
          cursor = body.next_cursor;
        }
        assert.deepEqual(names, namesOf(whole.matches), `limit ${limit}`);
      }
    }
  });

  test('a page whose matches were erased meanwhile is empty, and still counts what there is', async () => {
    const cursor = Buffer.from(JSON.stringify(['-1', '~', '~'])).toString('base64url');
    const { body } = await search({ session_id: 'gala', photo_id: 'pair', cursor });
    assert.deepEqual([body.matches, body.total_matches, body.next_cursor], [[], 11, null]);
  });

  test('more than twenty sessions, one that is not indexed, and a cursor of another call are refused', async () => {
    const many = Array.from({ length: 21 }, (_, i) => `s${i}`);
    assert.match((await search({ session_id: many, photo_id: 'pair' })).body.detail, /at most 20 times/);
    const unknown = (await search({ session_id: ['gala', 'nowhere'], photo_id: 'pair' })).body;
    assert.equal(unknown.code, 'session_not_indexed');
    assert.match(unknown.detail, /"nowhere"/);
    for (const place of [['1', 'a'], ['x', 'a', 'b'], [1, 'a', 'b'], 'text']) {
      const cursor = Buffer.from(JSON.stringify(place)).toString('base64url');
      assert.deepEqual(
        (await search({ session_id: 'gala', photo_id: 'pair', cursor })).body.errors?.[0].field,
        'cursor',
      );
    }
  });
});

describe('which faces of a photo are indexed', () => {
  let service: TestService;
  before(async () => {
    service = await startTestService();
  });
  after(() => service?.[Symbol.asyncDispose]());

  test('max_faces keeps the largest, min_quality the good ones, and the others are named with the reason', async () => {
    const image = await groupPhoto([await portrait(0), await portrait(1), await portrait(4)]);
    const index = async (more: Record<string, string>) =>
      (
        await service.call('POST', '/api/v1/index', {
          key: KEY,
          form: { session_id: 's', photo_id: 'p', image, ...more },
        })
      ).body;
    const all = await index({});
    assert.equal(all.faces.length, 3);
    const one = await index({ max_faces: '1' });
    assert.deepEqual(one.faces, [all.faces[0]]);
    assert.deepEqual(
      one.rejected.map(({ reason }: { reason: string }) => reason),
      ['over_limit', 'over_limit'],
    );
    const qualities = all.faces.map(({ quality }: { quality: number }) => quality).toSorted();
    const good = await index({ min_quality: String(qualities[1]) });
    assert.equal(good.faces.length, 2);
    assert.deepEqual(
      good.rejected.map(({ reason }: { reason: string }) => reason),
      ['low_quality'],
    );
    const none = await index({ min_quality: '1' });
    assert.equal(none.code, 'no_face');
    assert.match(none.detail, /low_quality/);
    // What was refused left the photo's earlier index as it was.
    const stored = await service.call('GET', '/api/v1/sessions/s/photos/p', { key: KEY });
    assert.equal(stored.body.faces.length, 2);
  });

  test('a limit of faces, or a quality, out of range is refused by name', async () => {
    for (const [field, value] of [
      ['max_faces', '0'],
      ['max_faces', '1001'],
      ['min_quality', '1.1'],
    ] as const) {
      const form = { session_id: 's', photo_id: 'p', image: await emptyScene(), [field]: value };
      const { body } = await service.call('POST', '/api/v1/index', { key: KEY, form });
      assert.equal(body.errors[0].field, field);
    }
  });
});
