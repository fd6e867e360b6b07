import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { KEY, startTestService, type TestService } from '../../api/tests/service.ts';

const EXAMPLES = join(import.meta.dirname, '../../../docs/examples');
const SAMPLES = join(dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json')), 'demo');
const ARGUMENTS = ['sample1.jpg', 'sample5.jpg', 'sample1.jpg'].map((name) => join(SAMPLES, name));

describe('the examples of docs/examples', () => {
  let service: TestService;
  before(async () => void (service = await startTestService()));
  after(() => service?.[Symbol.asyncDispose]());

  const run = async (program: string, file: string) => {
    const environment = { ...process.env, FACEPASS_URL: service.url, FACEPASS_API_KEY: KEY };
    return (await promisify(execFile)(program, [join(EXAMPLES, file), ...ARGUMENTS], { env: environment })).stdout;
  };

  test('TypeScript', async () => assertStory(await run(process.execPath, 'index-and-search.ts')));

  test('Python', { skip: missing('python3') }, async () => assertStory(await run('python3', 'index_and_search.py')));

  test('curl', { skip: missing('curl') }, async () => {
    const [first, second, found, status, erased] = (await run('sh', 'index-and-search.sh'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.equal(first.photo_id, 'sample1.jpg');
    assert.equal(found.matches[0].photo_id, 'sample1.jpg');
    assert.equal(status.face_count, first.faces_detected + second.faces_detected);
    assert.equal(erased.embeddings_removed, status.face_count);
  });
});

/** Sample 1 shows three faces, sample 5 five; the selfie is sample 1 itself. */
function assertStory(output: string): void {
  const lines = output.trim().split('\n');
  assert.deepEqual(lines.slice(0, 3), ['sample1.jpg: 3 faces', 'sample5.jpg: 5 faces', 'sample1.jpg: similarity 1.00']);
  assert.deepEqual(lines.slice(-2), ['2 photos, 8 faces', '8 faces erased']);
}

function missing(program: string): string | false {
  return spawnSync(program, ['--version']).error ? `there is no ${program}` : false;
}
