import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { groupPhoto, portrait, selfie } from '../../api/tests/people.ts';
import { KEY, startTestService, type TestService } from '../../api/tests/service.ts';
import { facepass } from '../../../scripts/local/tests/local-facepass.ts';

describe('facepass forget and facepass erase --face', () => {
  let service: TestService;
  const folder = mkdtempSync(join(tmpdir(), 'facepass-'));
  const picture = join(folder, 'selfie.jpg');
  before(async () => {
    service = await startTestService();
    writeFileSync(picture, await selfie(0));
    const image = await groupPhoto([await portrait(0), await portrait(1)]);
    const form = { session_id: 'party', photo_id: 'both.jpg', image };
    assert.equal((await service.call('POST', '/api/v1/index', { key: KEY, form })).body.faces_detected, 2);
  });
  after(async () => {
    rmSync(folder, { recursive: true });
    await service?.[Symbol.asyncDispose]();
  });

  const run = (args: string[]) => facepass(args, { ...process.env, FACEPASS_URL: service.url, FACEPASS_API_KEY: KEY });
  const forget = (...options: string[]) => run(['forget', picture, '-s', 'party', ...options]);

  test('shows the faces, refuses to erase them unasked, and erases them with --yes', async () => {
    const preview = await forget('--preview');
    assert.equal(preview.code, 0, preview.stderr);
    assert.match(
      preview.stdout,
      /^1 faces in 1 photos of session "party", \S+ of other people expected\.\n {2}[01]\.\d\d {2}face [12] of both\.jpg\n$/,
    );
    const unasked = await forget();
    assert.equal(unasked.code, 2);
    assert.match(unasked.stderr, /without confirmation; pass --yes/);
    const erased = await forget('--yes', '--json');
    assert.deepEqual([erased.code, JSON.parse(erased.stdout).erased], [0, true]);
    assert.match((await forget('--yes')).stdout, /^0 faces in 0 photos/);
  });

  test('erases the other face by its number, counted from 1, and with it the session', async () => {
    const [{ face_index }] = (await service.call('GET', '/api/v1/sessions/party/photos/both.jpg', { key: KEY })).body
      .faces;
    assert.match((await run(['erase', '-s', 'party', '--face', '1', '--yes'])).stderr, /--face requires --photo/);
    const { code, stdout } = await run([
      'erase',
      '-s',
      'party',
      '--photo',
      'both.jpg',
      '--face',
      String(face_index + 1),
      '--yes',
    ]);
    assert.deepEqual(
      [code, stdout],
      [0, `Erased face ${face_index + 1} of photo "both.jpg" of session "party": 1 face.\n`],
    );
    assert.equal((await run(['status', '-s', 'party', '--json'])).stdout.includes('"indexed":false'), true);
  });
});
