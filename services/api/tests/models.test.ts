import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { replaceFaces } from '@facepass/indexing/db/faces';
import type { TestDatabase } from '../../../scripts/checks/test-database.ts';
import { startInferenceProcess, type InferenceProcess } from '../../inference/tests/inference-process.ts';
import { facepass } from '../../../scripts/local/tests/local-facepass.ts';
import { groupPhoto, portrait, selfie } from './people.ts';
import { ADMIN_KEY, createMigratedDatabase, KEY, migrate, startTestService, type TestService } from './service.ts';

const ROOT = join(import.meta.dirname, '../../..');
const CLI = join(ROOT, 'services/cli/main.ts');
const NODE = process.execPath;
const FIRST = { MODEL_PACK: 'sface' };
const NEXT = { MODEL_PACKS: 'mobilefacenet,sface' };
const GUESTS = [0, 1, 2, 3];

test('docs/how-to/change-the-model.md changes the model as it says', async (t) => {
  await using database = await createMigratedDatabase();
  await using inference = await startInferenceProcess({ INFERENCE_WORKERS: '1', MODEL_PACKS: 'sface,mobilefacenet' });
  const folder = await mkdtemp(join(tmpdir(), 'facepass-how-to-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'photo.jpg'), await portrait(0));
  await writeFile(join(folder, 'selfie.jpg'), await selfie(0));
  const text = await readFile(join(ROOT, 'docs/how-to/change-the-model.md'), 'utf8');
  const blocks = Array.from(text.matchAll(/^ +```\n(.*?)^ +```$/gms), ([, block]) => block!.replaceAll(/^ +/gm, ''));
  const API_KEYS = `owner:${KEY}:index+delete+admin`;
  const release = (environment: Record<string, string>) =>
    releaseOf(database, inference.address, { API_KEYS, ...environment });
  let service = await release(FIRST);
  t.after(() => service[Symbol.asyncDispose]());
  const wedding = { session_id: 'wedding', photo_id: 'a', image: await portrait(0) };
  assert.equal((await service.call('POST', '/api/v1/index', { key: KEY, form: wedding })).status, 200);
  const told: string[] = [];
  for (const block of blocks) {
    const [, packs] = /^MODEL_PACKS=(\S+)\s*$/.exec(block) ?? [];
    if (packs !== undefined) {
      await migrate(database.url, 'up', { MODEL_PACKS: packs });
      await service[Symbol.asyncDispose]();
      service = await release({ MODEL_PACKS: packs });
      continue;
    }
    const environment = { url: service.url, key: KEY, FACEPASS_URL: service.url, FACEPASS_API_KEY: KEY, CLI, NODE };
    const script = `set -e; facepass() { "$NODE" "$CLI" "$@"; }; ${block}`;
    const options = { cwd: folder, env: { ...process.env, ...environment } };
    told.push((await promisify(execFile)('bash', ['-c', script], options)).stdout);
  }
  assert.equal(blocks.length, 7);
  assert.match(told[0]!, /^sface-3: 1 sessions, 1 photos, 1 faces \(served, for new sessions\)\n$/);
  assert.match(told.at(-1)!, /^mobilefacenet-2: 0 sessions, .* \(served, for new sessions\)\n$/);
});

test('a release is not migrated for while sessions have a model that it does not serve', async () => {
  await using database = await createMigratedDatabase();
  await using service = await startTestService({ inference: null, database });
  const face = { box: { x: 0, y: 0, width: 9, height: 9 }, confidence: 0.9, quality: 0.5 };
  await replaceFaces(service.context.pool, {
    sessionId: 'wedding',
    photoId: 'a',
    modelId: 'sface-3',
    faces: [{ ...face, embedding: Array.from({ length: 128 }, (_, place) => (place === 0 ? 1 : 0)) }],
    lastErasure: '0',
    retentionDays: 0,
  });
  const refused = migrate(database.url, 'up', { MODEL_PACKS: 'mobilefacenet' });
  await assert.rejects(refused, (error: { code: number; stdout: string; stderr: string }) => {
    assert.equal(error.code, 78);
    assert.match(error.stdout + error.stderr, /would leave 1 of sface-3 without an answer/);
    return true;
  });
  await migrate(database.url, 'up', { MODEL_PACKS: 'mobilefacenet', ALLOW_UNSERVED_MODELS: 'sface-3' });
  await migrate(database.url, 'up', { MODEL_PACKS: 'mobilefacenet,sface' });
});

describe('a session keeps its model while releases with another default come and go', () => {
  let database: TestDatabase;
  let inference: InferenceProcess;
  let photos: Record<string, Buffer>;
  let selfies: Buffer[];
  before(async () => {
    database = await createMigratedDatabase();
    inference = await startInferenceProcess({ INFERENCE_WORKERS: '1', MODEL_PACKS: 'sface,mobilefacenet' });
    photos = { group: await groupPhoto([await portrait(0, 2), await portrait(1, 2), await portrait(2, 2)]) };
    for (const guest of GUESTS) photos[`alone ${guest}`] = await portrait(guest);
    selfies = await Promise.all(GUESTS.map((guest) => selfie(guest)));
  });
  after(async () => {
    await inference?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  const API_KEYS = `photographer:${KEY}, operator:${ADMIN_KEY}:admin`;
  const release = (environment: Record<string, string>) =>
    releaseOf(database, inference.address, { API_KEYS, ...environment });

  async function index({ call }: TestService, session_id: string, photo_id: string, fields: object = {}) {
    const image = photos[photo_id]!;
    return call('POST', '/api/v1/index', { key: KEY, form: { session_id, photo_id, image, ...fields } });
  }

  async function indexAll(service: TestService, session: string): Promise<void> {
    for (const photo of Object.keys(photos)) {
      const { status, body } = await index(service, session, photo);
      assert.equal(status, 200, JSON.stringify(body));
    }
  }

  const search = ({ call }: TestService, session: string, guest: number, fields: Record<string, string> = {}) =>
    call('POST', '/api/v1/search', { form: { session_id: session, image: selfies[guest]!, ...fields } });

  /** What each guest finds. */
  async function golden(service: TestService, session: string) {
    const answers = [];
    for (const guest of GUESTS) {
      const { status, body } = await search(service, session, guest);
      assert.equal(status, 200, JSON.stringify(body));
      answers.push({ matches: body.matches, faces_compared: body.faces_compared });
    }
    return answers;
  }

  const photosOf = (guest: number) => (guest < 3 ? [`alone ${guest}`, 'group'] : [`alone ${guest}`]);
  const namesOf = (answers: Awaited<ReturnType<typeof golden>>) =>
    answers.map(({ matches }) => matches.map(({ photo_id }: { photo_id: string }) => photo_id).toSorted());
  const modelOf = async ({ call }: TestService, session: string) =>
    (await call('GET', `/api/v1/search/status/${session}`)).body.model;

  test('searches and index calls answer as before under the next default, which new sessions take, and after a way back', async () => {
    let earlier;
    {
      await using first = await release(FIRST);
      await indexAll(first, 'wedding');
      earlier = await golden(first, 'wedding');
      assert.deepEqual(namesOf(earlier), GUESTS.map(photosOf));
    }
    {
      await using next = await release(NEXT);
      assert.deepEqual((await next.call('GET', '/api/v1/settings')).body.models, ['mobilefacenet-2', 'sface-3']);
      assert.deepEqual(await golden(next, 'wedding'), earlier);
      assert.equal((await index(next, 'wedding', 'alone 0')).status, 200);
      assert.deepEqual([await modelOf(next, 'wedding'), await golden(next, 'wedding')], ['sface-3', earlier]);
      await indexAll(next, 'gala');
      assert.equal(await modelOf(next, 'gala'), 'mobilefacenet-2');
      assert.deepEqual(namesOf(await golden(next, 'gala')), GUESTS.map(photosOf), 'the same recall');
    }
    await using back = await release({ MODEL_PACKS: 'sface,mobilefacenet' });
    assert.deepEqual(await golden(back, 'wedding'), earlier);
    assert.deepEqual(namesOf(await golden(back, 'gala')), GUESTS.map(photosOf));
  });

  test('a search of several sessions compares each under its model, in one order, page by page', async () => {
    await using service = await release(NEXT);
    const searchBoth = (fields: Record<string, unknown>) => {
      const form = new FormData();
      for (const session of ['wedding', 'gala']) form.append('session_id', session);
      for (const [name, value] of Object.entries(fields)) form.append(name, String(value));
      form.append('image', new Blob([new Uint8Array(selfies[0]!)]), 'selfie');
      return service.call('POST', '/api/v1/search', { key: KEY, body: form });
    };
    const whole = await searchBoth({ threshold: 0.3 });
    assert.equal(whole.status, 200, JSON.stringify(whole.body));
    const alone = [];
    for (const session_id of ['wedding', 'gala'])
      for (const match of (await search(service, session_id, 0, { threshold: '0.3' })).body.matches)
        alone.push({ ...match, session_id });
    const key = (match: any) => `${match.session_id}/${match.photo_id} ${match.similarity}`;
    assert.deepEqual(whole.body.matches.map(key).toSorted(), alone.map(key).toSorted());
    const similarities = whole.body.matches.map((match: any) => match.similarity);
    assert.deepEqual(
      similarities,
      similarities.toSorted((a: number, b: number) => b - a),
    );
    const pages = [];
    for (let cursor: string | undefined; ;) {
      const { body } = await searchBoth({ threshold: 0.3, limit: 1, ...(cursor && { cursor }) });
      pages.push(...body.matches);
      if (body.next_cursor === null) break;
      cursor = body.next_cursor;
    }
    assert.deepEqual(pages, whole.body.matches);
  });

  test('a stored face finds its person under the session’s model, and is not compared with another model’s', async () => {
    await using service = await release(NEXT);
    for (const session_id of ['wedding', 'gala']) {
      const { status, body } = await service.call('POST', '/api/v1/search', {
        key: KEY,
        json: { session_id, photo_id: 'alone 0' },
      });
      assert.equal(status, 200, JSON.stringify(body));
      const found = body.matches.map((match: any) => match.photo_id);
      assert.deepEqual([body.matches[0].similarity, found], [1, photosOf(0)]);
    }
    const { status, body } = await service.call('POST', '/api/v1/search', {
      key: KEY,
      json: { session_id: ['wedding', 'gala'], photo_id: 'alone 0' },
    });
    assert.deepEqual([status, body.code], [409, 'model_mismatch']);
  });

  test('a person is found for forgetting under the session’s model', async () => {
    await using service = await release(NEXT);
    for (const session_id of ['wedding', 'gala']) {
      const { status, body } = await service.call('POST', `/api/v1/sessions/${session_id}/forget`, {
        key: KEY,
        form: { image: selfies[0]! },
      });
      assert.equal(status, 200, JSON.stringify(body));
      assert.deepEqual(
        body.faces.map(({ photo_id }: { photo_id: string }) => photo_id),
        photosOf(0),
      );
    }
  });

  test('an index call may name the model of a new session, one that is served and the session’s', async () => {
    await using service = await release(NEXT);
    assert.equal((await index(service, 'named', 'alone 0', { model: 'sface-3' })).status, 200);
    assert.equal(await modelOf(service, 'named'), 'sface-3');
    const unknown = await index(service, 'nobody', 'alone 0', { model: 'sface-2' });
    assert.deepEqual([unknown.status, unknown.body.code], [400, 'invalid_parameter']);
    assert.match(unknown.body.detail, /mobilefacenet-2 or sface-3/);
    const other = await index(service, 'named', 'alone 1', { model: 'mobilefacenet-2' });
    assert.deepEqual([other.status, other.body.code], [409, 'model_mismatch']);
  });

  test('first photos that two releases index at the same time all end in the model of the one that came first', async (t) => {
    if (database.engine === 'embedded') return t.skip('two transactions at a time');
    await using first = await release({ MODEL_PACKS: 'sface,mobilefacenet' });
    await using next = await release(NEXT);
    const answers = await Promise.all(
      [first, next, first, next].map((service, i) => index(service, 'raced', `alone ${i}`)),
    );
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200, 200],
    );
    const model = await modelOf(first, 'raced');
    assert.deepEqual(
      await Promise.all(GUESTS.map(async (guest) => (await search(next, 'raced', guest)).body.matches[0]?.photo_id)),
      GUESTS.map((guest) => `alone ${guest}`),
      model,
    );
  });

  test('the operator sees what each model holds, and whether it is served', async () => {
    const held = async (environment: Record<string, string>) => {
      await using service = await release(environment);
      const { status, body } = await service.call('GET', '/api/v1/models', { key: ADMIN_KEY });
      assert.equal(status, 200, JSON.stringify(body));
      const cli = await facepass(['models', 'status'], {
        ...process.env,
        FACEPASS_URL: service.url,
        FACEPASS_API_KEY: ADMIN_KEY,
      });
      assert.equal((await service.call('GET', '/api/v1/models', { key: KEY })).body.code, 'scope_missing');
      return { models: body.models, code: cli.code, lines: cli.stdout.trim().split('\n') };
    };
    const { models, code, lines } = await held(NEXT);
    const [next, first] = models;
    assert.deepEqual(
      models.map((one: any) => [one.model, one.served, one.default]),
      [
        ['mobilefacenet-2', true, true],
        ['sface-3', true, false],
      ],
    );
    assert.deepEqual([next.face_count >= 7, first.face_count >= 7, code], [true, true, 0]);
    assert.match(lines[0]!, /^mobilefacenet-2: \d sessions, \d+ photos, \d+ faces \(served, for new sessions\)$/);
    const alone = await held(FIRST);
    assert.deepEqual(
      alone.models.map((one: any) => [one.model, one.served, one.default]),
      [
        ['sface-3', true, true],
        ['mobilefacenet-2', false, false],
      ],
    );
    assert.match(alone.lines[1]!, /^mobilefacenet-2: .* \(not served: its sessions answer 409\)$/);
    assert.notEqual(alone.code, 0);
  });

  test('an erased session of another length is gone, and begins anew with the default', async () => {
    await using service = await release(FIRST);
    const erased = await service.call('DELETE', '/api/v1/index/gala', { key: KEY });
    assert.deepEqual([erased.status, erased.body.embeddings_removed], [200, 7]);
    assert.equal((await index(service, 'gala', 'alone 0')).status, 200);
    assert.equal(await modelOf(service, 'gala'), 'sface-3');
  });

  test('a session of a model that nobody serves says so, in a search and in an index call', async () => {
    await using service = await release({ MODEL_PACK: 'mobilefacenet' });
    for (const answer of [await search(service, 'wedding', 0), await index(service, 'wedding', 'alone 1')]) {
      assert.deepEqual([answer.status, answer.body.code], [409, 'model_mismatch']);
      assert.match(answer.body.detail, /sface-3; this service runs mobilefacenet-2/);
    }
  });
});

/** An API of one release, on a database and an inference server that others use too. */
function releaseOf(database: TestDatabase, address: string, environment: Record<string, string>): Promise<TestService> {
  return startTestService({ inference: null, database, environment: { INFERENCE_ADDRESS: address, ...environment } });
}
