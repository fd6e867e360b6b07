import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { status, type ServiceError } from '@grpc/grpc-js';
import { IMAGE_PROBLEM_TRAILER } from '@facepass/contracts/image-problem';
import { modelIdOf, readModelPack } from '@facepass/contracts/model-pack';
import sharp from 'sharp';
import { connectFaceClient, encodeString, type FaceClient } from './grpc-client.ts';
import { startInferenceProcess, type InferenceProcess } from './inference-process.ts';
import { samplePhoto } from './photos.ts';

let server: InferenceProcess;
let client: FaceClient;
before(async () => {
  server = await startInferenceProcess({ MAX_IMAGE_BYTES: String(4 * 1024 * 1024) });
  client = connectFaceClient(server.address);
});
after(async () => {
  client[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
});

test('a photo with people answers with their faces, each with a unit embedding, largest first', async () => {
  const { faces, modelId, width, height, timings } = await client.detectFaces(await samplePhoto(1));
  const pack = await readModelPack(fileURLToPath(new URL('../../../models', import.meta.url)), 'sface');
  assert.ok(faces.length >= 1);
  assert.equal(modelId, modelIdOf(pack));
  const photo = await sharp(await samplePhoto(1)).metadata();
  assert.deepEqual([width, height], [photo.width, photo.height]);
  for (const face of faces) {
    assert.equal(face.embedding.length, pack.embedding_size);
    assert.ok(Math.abs(Math.hypot(...face.embedding) - 1) < 1e-3);
    assert.ok(face.confidence > 0 && face.confidence <= 1);
    assert.ok(face.box && face.box.x < width && face.box.y < height);
  }
  const areas = faces.map(({ box }) => box!.width * box!.height);
  assert.deepEqual(
    areas,
    areas.toSorted((a, b) => b - a),
  );
  assert.ok(timings && timings.decodeMs > 0 && timings.detectMs > 0 && timings.embedMs > 0);
});

test('eight calls at a time answer as one alone does', async () => {
  const photos = await Promise.all(([1, 2, 3, 4] as const).map(samplePhoto));
  const alone = [];
  for (const photo of photos) alone.push((await client.detectFaces(photo)).faces);
  const together = await Promise.all([...photos, ...photos].map((photo) => client.detectFaces(photo)));
  for (const [index, { faces }] of together.entries()) assert.deepEqual(faces, alone[index % 4]);
});

test('max_faces keeps the largest and rejects the others, counted; min_confidence outside 0..1 is refused', async () => {
  const overLimit = () => server.metric('facepass_inference_rejected_faces_total{reason="over_limit"}');
  const before = await overLimit();
  const { faces, rejected } = await client.detectFaces(await samplePhoto(1), { maxFaces: 1 });
  assert.deepEqual([faces.length, rejected.map(({ reason }) => reason)], [1, ['over_limit', 'over_limit']]);
  assert.equal(await overLimit(), before + 2);
  await assert.rejects(client.detectFaces(await samplePhoto(1), { minConfidence: 1.5 }), {
    code: status.INVALID_ARGUMENT,
    details: /min_confidence/,
  });
});

test('what is no picture inside the limits is refused with its reason in a trailer', async () => {
  const jpeg = await samplePhoto(2);
  const wide = await sharp({ create: { width: 4097, height: 8, channels: 3, background: 'white' } })
    .png()
    .toBuffer();
  const gif = await sharp(jpeg).resize(64).gif().toBuffer();
  const cases: [Buffer, string][] = [
    [Buffer.from('no picture at all, only words'), 'not_an_image'],
    [Buffer.alloc(0), 'not_an_image'],
    [gif, 'unsupported_format'],
    [jpeg.subarray(0, jpeg.length >> 1), 'image_damaged'],
    [wide, 'image_too_many_pixels'],
    [Buffer.alloc(4 * 1024 * 1024 + 1), 'image_too_large'],
  ];
  for (const [image, problem] of cases) {
    const error = await client.detectFaces(image).then(
      () => assert.fail(`${problem} was let through`),
      (reason: ServiceError) => reason,
    );
    assert.equal(error.code, status.INVALID_ARGUMENT, `${problem}: ${error.message}`);
    assert.deepEqual(error.metadata.get(IMAGE_PROBLEM_TRAILER), [problem], error.message);
    assert.doesNotMatch(error.details, /\bat .*\.ts/);
  }
});

test('health and reflection answer by the standard protocols', async () => {
  const service = 'facepass.inference.v1.FaceAnalysis';
  assert.equal(await client.checkHealth(), 1);
  assert.equal(await client.checkHealth(service), 1);
  await assert.rejects(client.checkHealth('nobody.knows.It'), { code: status.NOT_FOUND });
  assert.match((await client.reflect(encodeString(7)(''))).toString('latin1'), /facepass\.inference\.v1\.FaceAnalysis/);
  assert.match((await client.reflect(encodeString(4)(service))).toString('latin1'), /DetectFacesRequest/);
});

test('the metrics say what happened, by closed sets of labels', async () => {
  const before = await server.metric('facepass_inference_faces_total');
  const { faces } = await client.detectFaces(await samplePhoto(3));
  assert.equal(await server.metric('facepass_inference_faces_total'), before + faces.length);
  assert.ok((await server.metric('facepass_inference_requests_total{code="OK"}')) >= 1);
  assert.ok((await server.metric('facepass_inference_requests_total{code="INVALID_ARGUMENT"}')) >= 1);
  assert.equal(await server.metric('facepass_inference_model_info{model_id="sface-3",pack="sface",provider="cpu"}'), 1);
  for (const stage of ['queue', 'decode', 'detect', 'align', 'embed'])
    assert.ok((await server.metric(`facepass_inference_stage_seconds_count{stage="${stage}"}`)) >= 1);
  const ready = await fetch(`http://127.0.0.1:${server.metricsPort}/readyz`);
  assert.equal(ready.status, 200);
});
