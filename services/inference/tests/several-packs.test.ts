import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { readConfig } from '../config.ts';
import { connectFaceClient, type FaceClient } from './grpc-client.ts';
import { startInferenceProcess, type InferenceProcess } from './inference-process.ts';
import { samplePhoto } from './photos.ts';

const PACKS = ['sface', 'mobilefacenet'] as const;
const MODELS = ['sface-3', 'mobilefacenet-2'] as const;

let server: InferenceProcess;
let client: FaceClient;
before(async () => {
  server = await startInferenceProcess({ INFERENCE_WORKERS: '1', MODEL_PACKS: PACKS.join() });
  client = connectFaceClient(server.address);
});
after(async () => {
  client[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
});

test('a server tells the models it serves, the default first', async () => {
  const { models } = await client.listModels();
  assert.deepEqual(models, [
    { modelId: 'sface-3', embeddingSize: 128 },
    { modelId: 'mobilefacenet-2', embeddingSize: 192 },
  ]);
  for (const [i, modelId] of MODELS.entries())
    assert.equal(
      await server.metric(`facepass_inference_model_info{model_id="${modelId}",pack="${PACKS[i]}",provider="cpu"}`),
      1,
    );
});

test('each model answers as a server that serves it alone does, and an unnamed one is the default', async () => {
  const photo = await samplePhoto(1);
  for (const [i, modelId] of MODELS.entries()) {
    await using alone = await startInferenceProcess({ INFERENCE_WORKERS: '1', MODEL_PACK: PACKS[i]! });
    using other = connectFaceClient(alone.address);
    const [here, there] = [await client.detectFaces(photo, { modelId }), await other.detectFaces(photo)];
    assert.deepEqual([here.modelId, there.modelId], [modelId, modelId]);
    assert.ok(here.faces.length > 0);
    assert.deepEqual(here.faces, there.faces);
  }
  assert.equal((await client.detectFaces(photo)).modelId, 'sface-3');
});

test('a model that is not served is an error that names those that are', async () => {
  await assert.rejects(client.detectFaces(await samplePhoto(1), { modelId: 'sface-2' }), {
    code: status.NOT_FOUND,
    details: 'Model "sface-2" is not served here, only sface-3, mobilefacenet-2.',
  });
});

test('packs that are not there, given twice, or too many are mistakes of the configuration', async () => {
  await assert.rejects(startInferenceProcess({ MODEL_PACKS: 'sface,nothing' }), /MODEL_PACKS: .*nothing/);
  for (const [packs, message] of [
    ['sface,sface', /MODEL_PACKS: must name each pack once/],
    ['a,b,c,d,e', /MODEL_PACKS: must name at most 4 packs/],
    ['sface, mobilefacenet', /MODEL_PACKS: must be names of model packs, separated by commas/],
  ] as const)
    assert.throws(() => readConfig({ MODEL_PACKS: packs }), message);
});
