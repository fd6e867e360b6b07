import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { s3Environment, startS3Server, type S3Server } from '../../api/tests/s3-server.ts';
import { KEY, startTestService, type TestService } from '../../api/tests/service.ts';

const SCRIPT = join(import.meta.dirname, '../../../docs/examples/move-collection.ts');
const SAMPLES = join(dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json')), 'demo');

/** As each service writes them; sample 1 shows three faces. */
const EXPORTS = {
  Rekognition: {
    Faces: [
      { FaceId: 'f1', ImageId: 'i1', ExternalImageId: 'sample1.jpg', Confidence: 99.9 },
      { FaceId: 'f2', ImageId: 'i1', ExternalImageId: 'sample1.jpg', Confidence: 99.8 },
      { FaceId: 'f3', ImageId: 'i2', ExternalImageId: 'gone.jpg', Confidence: 99.8 },
    ],
    FaceModelVersion: '7.0',
  },
  CompreFace: {
    faces: [
      { image_id: 'i1', subject: 'sample1.jpg' },
      { image_id: 'i2', subject: 'gone.jpg' },
    ],
    page_number: 0,
    page_size: 20,
    total_pages: 1,
    total_elements: 2,
  },
  DeepFace: [{ img_name: 'sample1.jpg' }, { img_name: 'gone.jpg' }],
  list: ['sample1.jpg', 'gone.jpg'],
};

describe('docs/examples/move-collection.ts', () => {
  let directory: string;
  let bucket: S3Server;
  let service: TestService;
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'facepass-'));
    bucket = await startS3Server();
    bucket.objects.set('/photos/wedding/sample1.jpg', readFileSync(join(SAMPLES, 'sample1.jpg')));
    service = await startTestService({ environment: s3Environment(bucket) });
  });
  after(async () => {
    await service?.[Symbol.asyncDispose]();
    await bucket?.[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });

  const move = (exported: unknown, ...args: string[]) => {
    const file = join(directory, 'export.json');
    writeFileSync(file, JSON.stringify(exported));
    const env = { ...process.env, FACEPASS_URL: service.url, FACEPASS_API_KEY: KEY };
    return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      const child = execFile(process.execPath, [SCRIPT, file, ...args], { env }, (_error, stdout, stderr) =>
        resolve({ code: child.exitCode ?? -1, stdout, stderr }),
      );
    });
  };

  for (const [name, exported] of Object.entries(EXPORTS))
    test(`indexes what an export of the kind ${name} lists, each photo once, and names what is not in the bucket`, async () => {
      const { code, stdout, stderr } = await move(exported, '--session', name, '--key', 'wedding/{id}');
      assert.equal(code, 1, stderr);
      const [failed, ...others] = stdout.trim().split('\n');
      assert.deepEqual(others, []);
      assert.deepEqual([JSON.parse(failed!).photo_id, JSON.parse(failed!).code], ['gone.jpg', 's3_object_not_found']);
      const { body } = await service.call('GET', `/api/v1/search/status/${name}`);
      assert.deepEqual([body.photo_count, body.face_count], [1, 3]);
    });

  test('says what is missing, and sends nothing, where the export or the session is not given', async () => {
    assert.match((await move({ Faces: [] })).stderr, /usage: /);
    assert.match((await move({ Faces: [{ FaceId: 'f1' }] }, '--session', 's')).stderr, /names no photo.*f1/);
    assert.match((await move({ nothing: 1 }, '--session', 's')).stderr, /no list/);
    assert.equal(spawnSync(process.execPath, [SCRIPT]).status, 1);
  });
});
