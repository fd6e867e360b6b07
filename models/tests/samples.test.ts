import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fetchSamples, SAMPLES } from '../samples.ts';
import { FACE_API } from './published.ts';

const scratch = mkdtempSync(join(tmpdir(), 'facepass-samples-'));
after(() => rmSync(scratch, { recursive: true }));

const packageOf = (photo: (typeof SAMPLES)[number]) => {
  const [source] = photo.sources;
  assert.ok(source && 'npm' in source);
  return source.npm;
};

test('the samples come from the version of the package that the tests install', () => {
  const { version } = JSON.parse(readFileSync(join(FACE_API, 'package.json'), 'utf8'));
  for (const photo of SAMPLES) assert.equal(packageOf(photo), `@vladmandic/face-api@${version}`);
});

test('six photos are fetched, and one that is damaged is fetched anew', async (t) => {
  const folder = join(scratch, 'fetched');
  try {
    await fetchSamples(folder);
  } catch (error) {
    if (/E?(AI_AGAIN|CONNREFUSED|NOTFOUND|NETUNREACH|TIMEDOUT)/.test((error as Error).message))
      return t.skip(`the registry does not answer: ${(error as Error).message}`);
    throw error;
  }
  assert.deepEqual(
    readdirSync(folder).sort(),
    SAMPLES.map(({ file }) => file),
  );
  const photo = join(folder, 'sample3.jpg');
  writeFileSync(photo, 'damaged');
  await fetchSamples(folder);
  assert.deepEqual(readFileSync(photo), readFileSync(join(FACE_API, 'demo/sample3.jpg')));
});

test('photos that are there are not fetched', async () => {
  const folder = join(scratch, 'there');
  const missing = { timeoutMs: 1 };
  await assert.rejects(fetchSamples(folder, missing));
  for (const { file } of SAMPLES) writeFileSync(join(folder, file), readFileSync(join(FACE_API, 'demo', file)));
  await fetchSamples(folder, missing);
  assert.ok(existsSync(folder));
});
