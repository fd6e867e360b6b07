import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { TestDatabase } from '../../../scripts/checks/test-database.ts';
import { openApiDocument } from '../openapi.ts';
import { searchTokens } from '../search-token.ts';
import {
  ADMIN_KEY,
  createMigratedDatabase,
  INDEX_KEY,
  KEY,
  SECRET,
  startTestService,
  type TestService,
} from './service.ts';

const DELETE_KEY = 'fp_test_key_that_may_delete';

describe('who may call what', () => {
  let database: TestDatabase;
  let service: TestService;
  let directory: string;
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'facepass-'));
    database = await createMigratedDatabase();
    service = await startTestService({
      inference: null,
      database,
      environment: {
        SEARCH_ACCESS: 'token',
        API_KEYS: `photographer:${KEY}, indexer:${INDEX_KEY}:index, eraser:${DELETE_KEY}:delete, admin:${ADMIN_KEY}:admin`,
      },
    });
  });
  after(async () => {
    await service?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });

  const scopesOf: Record<string, (key: string) => boolean> = {
    indexPhoto: (key) => key !== DELETE_KEY,
    indexBatch: (key) => key !== DELETE_KEY,
    createSearchToken: (key) => key !== DELETE_KEY,
    eraseSession: (key) => key !== INDEX_KEY,
    erasePhoto: (key) => key !== INDEX_KEY,
    eraseSessionByQuery: (key) => key !== INDEX_KEY,
    erasePhotoByQuery: (key) => key !== INDEX_KEY,
    listSessions: (key) => key === ADMIN_KEY,
    listModels: (key) => key === ADMIN_KEY,
    listPhotos: (key) => key !== DELETE_KEY,
    getPhoto: (key) => key !== DELETE_KEY,
    eraseFace: (key) => key !== INDEX_KEY,
    forgetPerson: (key) => key !== INDEX_KEY,
    createJob: (key) => key !== DELETE_KEY,
    listJobs: (key) => key !== DELETE_KEY,
    getJob: (key) => key !== DELETE_KEY,
    cancelJob: (key) => key !== DELETE_KEY,
    listJobPhotos: (key) => key !== DELETE_KEY,
    watchJob: (key) => key !== DELETE_KEY,
    retryJob: (key) => key !== DELETE_KEY,
    searchFaces: () => true,
    getSessionStatus: () => true,
  };
  const open = ['getSettings', 'getHealth', 'getLiveness', 'getReadiness', 'getMetrics'];
  const { paths } = openApiDocument({ version: '0', legacy: false });
  for (const [path, operations] of Object.entries(paths ?? {})) {
    for (const [method, operation] of Object.entries(operations)) {
      const { operationId } = operation as { operationId: string };
      const call = (key?: string, headers: Record<string, string> = {}) =>
        service.call(method.toUpperCase(), path.replaceAll(/\{\w+\}/g, 'some'), { key, headers });

      test(`${operationId}: no key, wrong keys and each scope, as declared`, async () => {
        if (open.includes(operationId)) return assert.ok(![401, 403].includes((await call()).status));
        const mayEnter = scopesOf[operationId];
        assert.ok(mayEnter, `${operationId} is in no list of this test`);
        assert.equal((await call()).status, 401);
        for (const wrong of [
          'x',
          `${KEY}x`,
          KEY.slice(0, -1),
          KEY.toUpperCase(),
          ` ${KEY} x`,
          'é'.repeat(KEY.length),
        ]) {
          const header = Buffer.from(wrong).toString('latin1');
          assert.equal((await call(header)).body.code, 'api_key_invalid', wrong);
        }
        for (const key of [KEY, INDEX_KEY, DELETE_KEY, ADMIN_KEY]) {
          const { status } = await call(key);
          assert.equal(status === 403, !mayEnter(key), `${key}: ${status}`);
          assert.notEqual(status, 401);
        }
      });
    }
  }

  test('rejects tokens with another secret, expiry, signature, kind or session alike', async () => {
    const ours = await searchTokens([SECRET]).mint('mine', 60);
    const tokens = {
      forged: (await searchTokens(['another secret with 32 characters or more']).mint('mine', 60)).token,
      expired: (await searchTokens([SECRET]).mint('mine', -10)).token,
      theirs: (await searchTokens([SECRET]).mint('theirs', 60)).token,
      unsigned: `${Buffer.from('{"alg":"none"}').toString('base64url')}.${ours.token.split('.')[1]}.`,
      cut: ours.token.slice(0, -4),
      nonsense: 'a.b.c',
    };
    const ask = (token: string) =>
      service.call('GET', '/api/v1/search/status/mine', { headers: { Authorization: `Bearer ${token}` } });
    for (const [kind, token] of Object.entries(tokens)) {
      const answer = await ask(token);
      assert.equal(answer.status, 401, kind);
      assert.equal(answer.body.code, 'search_token_invalid', kind);
    }
    assert.equal((await ask(ours.token)).status, 200);
  });

  test('secrets rotate: the first signs, the others still verify', async () => {
    const old = await searchTokens([SECRET]).mint('mine', 60);
    const rotated = searchTokens(['the newer secret with 32 characters or more', SECRET]);
    assert.equal(await rotated.verify(old.token), 'mine');
    await assert.rejects(searchTokens([SECRET]).verify((await rotated.mint('mine', 60)).token), {
      code: 'search_token_invalid',
    });
  });

  test('without a secret the API creates no tokens and says what is missing', async () => {
    await using keyless = await startTestService({
      inference: null,
      database,
      environment: { SEARCH_TOKEN_SECRET: '' },
    });
    const answer = await keyless.call('POST', '/api/v1/search/tokens', { key: KEY, json: { session_id: 's' } });
    assert.equal(answer.body.code, 'search_tokens_not_configured');
  });

  test('keys in a file rotate without a restart; a broken file keeps the old keys', async () => {
    const file = join(directory, 'keys');
    const replaceFile = (content: string) => {
      writeFileSync(`${file}.new`, content);
      renameSync(`${file}.new`, file);
    };
    replaceFile('first:the_first_key_of_the_file\n# a comment\n');
    await using rotating = await startTestService({
      inference: null,
      database,
      environment: { API_KEYS: '', API_KEYS_FILE: file },
    });
    const statusWith = async (key: string) => (await rotating.call('DELETE', '/api/v1/index/nothing', { key })).status;
    assert.equal(await statusWith('the_first_key_of_the_file'), 404);

    replaceFile('first:the_first_key_of_the_file\nsecond:the_second_key_of_the_file\n');
    while ((await statusWith('the_second_key_of_the_file')) !== 404);
    assert.equal(await statusWith('the_first_key_of_the_file'), 404);

    replaceFile('first:short');
    while (!rotating.log.some((line) => String(line.msg).includes('stay in force'))) await new Promise(setImmediate);
    assert.equal(await statusWith('the_second_key_of_the_file'), 404);

    replaceFile('second:the_second_key_of_the_file');
    while ((await statusWith('the_first_key_of_the_file')) !== 401);
    assert.equal(await statusWith('the_second_key_of_the_file'), 404);
  });

  test('the log shows an invalid key by its fingerprint and a valid one by its name', async () => {
    const wrong = 'a wrong key that somebody sent';
    await service.call('DELETE', '/api/v1/index/logged', { key: wrong });
    await service.call('DELETE', '/api/v1/index/logged', { key: KEY });
    const names = service.log
      .filter((line) => line.route === '/api/v1/index/:session_id')
      .slice(-2)
      .map((line) => String(line.key));
    assert.match(names[0]!, /^unknown:[0-9a-f]{8}$/);
    assert.equal(names[1], 'photographer');
    const written = JSON.stringify(service.log);
    for (const secret of [wrong, KEY, INDEX_KEY, DELETE_KEY, ADMIN_KEY, SECRET]) assert.ok(!written.includes(secret));
  });
});
