import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { groupPhoto, portrait, selfie } from './people.ts';
import { INDEX_KEY, KEY, startTestService, type TestService } from './service.ts';

describe('a person is forgotten by a selfie', () => {
  let service: TestService;
  before(async () => {
    service = await startTestService();
    const three = await groupPhoto([await portrait(0), await portrait(1), await portrait(2)]);
    for (const [photo_id, image] of [
      ['three', three],
      ['alone', await portrait(0, 3)],
      ['other', await portrait(1, 3)],
    ] as const)
      await service.call('POST', '/api/v1/index', { key: KEY, form: { session_id: 'wedding', photo_id, image } });
  });
  after(() => service?.[Symbol.asyncDispose]());

  const forget = async (image: Uint8Array | undefined, more: Record<string, string> = {}, key = KEY) =>
    service.call('POST', '/api/v1/sessions/wedding/forget', { key, form: { image, ...more } });
  const photosOf = async (person: number) => {
    const { body } = await service.call('POST', '/api/v1/search', {
      form: { session_id: 'wedding', image: await selfie(person) },
    });
    return body.matches.map(({ photo_id }: { photo_id: string }) => photo_id).sort();
  };

  test('a face is erased by its index, and the other faces of its photo stay', async () => {
    const path = '/api/v1/sessions/wedding/photos/three';
    const listed = (await service.call('GET', path, { key: KEY })).body.faces;
    const { query, matches } = (
      await service.call('POST', '/api/v1/search', { form: { session_id: 'wedding', image: await selfie(2) } })
    ).body;
    assert.equal(query.faces_detected, 1);
    const { face_index } = matches[0].face;
    assert.equal((await service.call('DELETE', `${path}/faces/9`, { key: KEY })).body.code, 'face_index_out_of_range');
    const erased = await service.call('DELETE', `${path}/faces/${face_index}`, { key: KEY });
    assert.deepEqual([erased.status, erased.body], [200, { deleted: true, embeddings_removed: 1 }]);
    const left = (await service.call('GET', path, { key: KEY })).body.faces;
    assert.deepEqual(
      left,
      listed.filter((face: { face_index: number }) => face.face_index !== face_index),
    );
    assert.deepEqual([await photosOf(2), await photosOf(1)], [[], ['other', 'three']]);
  });

  test('a preview erases nothing; its token with the same selfie erases the faces it lists, and no other', async () => {
    const preview = await forget(await selfie(0));
    assert.equal(preview.status, 200);
    assert.deepEqual(
      [preview.body.erased, preview.body.photo_count, preview.body.faces.map(({ photo_id }: any) => photo_id)],
      [false, 2, ['alone', 'three']],
    );
    assert.ok(preview.body.faces.every(({ similarity }: any) => similarity >= 0.5 && similarity <= 1));
    assert.deepEqual(await photosOf(0), ['alone', 'three']);
    const { confirmation_token } = preview.body;
    assert.equal((await forget(await selfie(0))).body.confirmation_token, confirmation_token);

    const otherPerson = await forget(await selfie(1), { confirmation_token });
    assert.deepEqual([otherPerson.status, otherPerson.body.code], [409, 'confirmation_outdated']);
    assert.equal((await forget(await selfie(0), { confirmation_token: 'x' })).body.code, 'invalid_parameter');

    const confirmed = await forget(await selfie(0), { confirmation_token });
    assert.deepEqual([confirmed.body.erased, confirmed.body.faces], [true, preview.body.faces]);
    assert.deepEqual([await photosOf(0), await photosOf(1)], [[], ['other', 'three']]);
    const again = await forget(await selfie(0), { confirmation_token });
    assert.equal(again.body.code, 'confirmation_outdated');
    assert.deepEqual((await forget(await selfie(0))).body.faces, []);
  });

  test('the audit names photos and the key, and neither log nor audit holds anything of the face', async () => {
    const audit = await service.context.pool.query(
      `select actor, photo_id from audit_log where session_id = 'wedding' order by id`,
    );
    assert.deepEqual(audit.rows, [
      { actor: 'photographer', photo_id: 'three' },
      { actor: 'photographer', photo_id: 'alone' },
      { actor: 'photographer', photo_id: 'three' },
    ]);
    assert.doesNotMatch(JSON.stringify(service.log), /embedding"|\[-?0\.\d+,|confirmation_token/);
  });

  test('without an image, for an unknown session, and with a key that may not erase it is refused', async () => {
    assert.equal((await forget(undefined)).body.code, 'image_missing');
    assert.equal((await forget(await portrait(0), {}, INDEX_KEY)).status, 403);
    const unknown = await service.call('POST', '/api/v1/sessions/nowhere/forget', {
      key: KEY,
      form: { image: await portrait(0) },
    });
    assert.deepEqual([unknown.status, unknown.body.code], [404, 'session_not_indexed']);
  });
});
