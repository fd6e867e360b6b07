import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { readModelPack } from '@facepass/contracts/model-pack';
import { loadPackModels } from './models.ts';

const models = resolve(import.meta.dirname, '../../../models');
let directory: string;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'facepass-models-'));
  await cp(join(models, 'mobilefacenet'), directory, { recursive: true });
});
after(() => rm(directory, { recursive: true }));

test("a file whose bytes are not the manifest's is not loaded, and the message names it", async () => {
  const pack = await readModelPack(models, 'mobilefacenet');
  const file = join(directory, pack.landmarks!.file);
  const bytes = await readFile(file);
  bytes[bytes.length - 1]! ^= 1;
  await writeFile(file, bytes);
  await assert.rejects(
    loadPackModels(pack, { directory, executionProviders: ['cpu'] }),
    /landmarks\.onnx: sha256 is [0-9a-f]{64}, but the manifest says [0-9a-f]{64}; not loaded/,
  );
});

test('a missing file is named, with the command that makes it', async () => {
  const pack = await readModelPack(models, 'mobilefacenet');
  await assert.rejects(
    loadPackModels(pack, { directory: join(directory, 'nowhere'), executionProviders: ['cpu'] }),
    /detector\.onnx: ENOENT.*npm run models/,
  );
});

test('a licence to accept keeps a pack shut until it is accepted by name', async () => {
  const pack = { ...(await readModelPack(models, 'mobilefacenet')), licence_to_accept: 'non-commercial-v1' };
  const load = (licenceAccepted?: string) =>
    loadPackModels(pack, { directory: join(models, 'mobilefacenet'), executionProviders: ['cpu'], licenceAccepted });
  await assert.rejects(load(), /MODEL_LICENCE_ACCEPTED=non-commercial-v1/);
  await assert.rejects(load('yes'), /MODEL_LICENCE_ACCEPTED=non-commercial-v1/);
  const loaded = await load('non-commercial-v1');
  assert.equal(loaded.detector.input.type, 'uint8');
  for (const model of Object.values(loaded)) await model?.[Symbol.asyncDispose]();
});

test('an execution provider that onnxruntime does not know is refused', async () => {
  const pack = await readModelPack(models, 'mobilefacenet');
  await assert.rejects(
    loadPackModels(pack, { directory: join(models, 'mobilefacenet'), executionProviders: ['abacus'] }),
    /abacus/,
  );
});

const testModels = process.env['FACEPASS_TEST_MODELS'];

test(
  'an alignment whose chips do not fit the recogniser is refused when the pack is loaded',
  { skip: testModels ? false : 'FACEPASS_TEST_MODELS names no folder' },
  async () => {
    const pack = await readModelPack(models, 'mobilefacenet');
    const recogniser = { ...pack.recogniser, file: 'misfit.onnx', sha256: FIXED_YUNET };
    for (const { file } of [pack.detector, pack.landmarks!])
      await cp(join(models, 'mobilefacenet', file), join(directory, file));
    await cp(join(testModels!, 'face_detection_yunet_2023mar.onnx'), join(directory, recogniser.file));
    await assert.rejects(
      loadPackModels({ ...pack, recogniser }, { directory, executionProviders: ['cpu'] }),
      /model pack mobilefacenet: alignment arcface-112 produces chips of 112×112 pixels, but misfit\.onnx expects 640×640/,
    );
  },
);

/** sha256 of a network that takes 640×640 pixels and no others. */
const FIXED_YUNET = '8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4';
