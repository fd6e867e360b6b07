import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { replaceFaces } from '@facepass/indexing/db/faces';
import { ADMIN_KEY, INDEX_KEY, startTestService, type TestService } from '../../api/tests/service.ts';
import { facepass } from '../../../scripts/local/tests/local-facepass.ts';

describe('facepass sessions and facepass status', () => {
  let service: TestService;
  before(async () => {
    const API_KEYS = `admin:${ADMIN_KEY}:admin, indexer:${INDEX_KEY}:index`;
    service = await startTestService({ inference: null, environment: { API_KEYS } });
  });
  after(() => service?.[Symbol.asyncDispose]());

  const run = (args: string[], key = ADMIN_KEY) =>
    facepass(args, { ...process.env, FACEPASS_URL: service.url, FACEPASS_API_KEY: key });

  async function fill(sessionId: string): Promise<void> {
    const { pool, modelId, pack } = service.context;
    const embedding = Array.from({ length: pack.embedding_size }, (_, place) => (place === 0 ? 1 : 0));
    const face = { box: { x: 1, y: 2, width: 30, height: 40 }, confidence: 0.9, quality: 0.5, embedding };
    const photo = { sessionId, photoId: 'a.jpg', modelId, faces: [face], lastErasure: '0', retentionDays: 0 };
    await replaceFaces(pool, photo);
  }

  test('facepass sessions says if there are none, and lists the newest first', async () => {
    assert.equal((await run(['sessions'])).stdout, 'The service has no sessions.\n');
    for (const session of ['first', 'second']) await fill(session);
    const { code, stdout } = await run(['sessions']);
    assert.equal(code, 0);
    assert.match(stdout, /^second: 1 photos with 1 faces, model \S+, last indexed \S+Z\nfirst: 1 photos .*\n$/);
    const lines = (await run(['sessions', '--json'])).stdout.trim().split('\n');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).session_id),
      ['second', 'first'],
    );
  });

  test('facepass sessions exits with 4 and names the scope that the key lacks', async () => {
    const { code, stderr } = await run(['sessions'], INDEX_KEY);
    assert.equal(code, 4);
    assert.match(stderr, /scope admin/);
  });

  test('facepass status without a session reports an unhealthy service and exits with 3', async () => {
    const { code, stdout } = await run(['status']);
    assert.equal(code, 3);
    assert.match(stdout, /: unhealthy, version 0\.0\.0-test, up for \d+ s\.\nDatabase: connected\nModel: \S/);
    const { status } = JSON.parse((await run(['status', '--json'])).stdout);
    assert.equal(status, 'unhealthy');
  });
});
