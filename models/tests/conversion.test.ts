import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { convertNetwork } from '../convert/networks.ts';
import { dequantize } from '../convert/unquantize.ts';
import { readWeights } from '../convert/weights.ts';
import { facesIn, intersectionOverUnion, openNetwork } from './networks.ts';
import { letterbox, SAMPLE_PHOTOS } from './photos.ts';
import {
  converted,
  NO_TEST_MODELS,
  publishedFilesOf,
  TEST_MODELS,
  weightFilesOf,
  type WeightFile,
} from './published.ts';

describe('conversion of the networks of @vladmandic/face-api', () => {
  test('gives the bytes that the manifest pins, twice', async () => {
    for (const weights of await weightFilesOf('mobilefacenet')) await assertReproducible(weights);
  });

  test('gives networks that take pixels and nothing else, so that their weights are constants', async () => {
    for (const [file, shape] of INPUTS) {
      await using network = await openNetwork(await converted('mobilefacenet', file));
      assert.deepEqual(network.session.inputMetadata, [{ name: 'pixels', isTensor: true, type: 'uint8', shape }], file);
    }
  });

  test('gives a detector that finds the same faces without most of the black in its square', async () => {
    await using network = await openNetwork(await converted('mobilefacenet', 'detector.onnx'));
    const facesAt = async (photo: string, height: number) => {
      const { boxes, scores } = await network.run(await letterbox(photo, 512, height));
      return facesIn(boxes!.data, scores!.data);
    };
    for (const photo of SAMPLE_PHOTOS) {
      const square = await facesAt(photo, 512);
      const filled = await facesAt(photo, 416);
      assert.equal(filled.length, square.length, photo);
      for (const face of square) {
        assert.ok(
          filled.some((other) => intersectionOverUnion(face, other) > 0.9),
          `${photo}: ${JSON.stringify(face)}`,
        );
      }
    }
  });

  test('gives a detector with as many anchors as its input has cells, and none beyond 512 pixels', async () => {
    await using network = await openNetwork(await converted('mobilefacenet', 'detector.onnx'));
    for (const [width, height] of [
      [512, 512],
      [512, 352],
      [64, 448],
      [333, 500],
      [16, 16],
    ] as const) {
      const cells = [16, 32, 64, 128, 256, 512].map((step) => Math.ceil(width / step) * Math.ceil(height / step));
      const { scores } = await network.run({ data: new Uint8Array(width * height * 3), width, height });
      assert.deepEqual(scores!.dims, [
        1,
        cells.reduce((anchors, count, level) => anchors + count * (level === 0 ? 3 : 6), 0),
      ]);
    }
    await assert.rejects(network.run({ data: new Uint8Array(544 * 512 * 3), width: 544, height: 512 }));
  });

  test('names the file whose length is not what its manifest describes', async () => {
    const files = await landmarkFiles();
    files.set('face_landmark_68_model.bin', files.get('face_landmark_68_model.bin')!.subarray(1));
    assert.throws(
      () => readWeights(files, 'face_landmark_68_model'),
      /face_landmark_68_model\.bin: 356839 bytes, the manifest describes 356840/,
    );
    files.delete('face_landmark_68_model.bin');
    assert.throws(() => readWeights(files, 'face_landmark_68_model'), /face_landmark_68_model\.bin is missing/);
  });

  test('names a weight that is not there, and a conversion that it does not know', async () => {
    const weights = readWeights(await landmarkFiles(), 'face_landmark_68_model');
    assert.throws(
      () => weights.tensor('dense9/conv0/filters'),
      /face_landmark_68_model has no weight dense9\/conv0\/filters/,
    );
    assert.throws(() => convertNetwork('nose', new Map()), /there is no conversion nose; models\/convert has yunet, /);
  });
});

async function landmarkFiles() {
  return publishedFilesOf((await weightFilesOf('mobilefacenet'))[1]!);
}

/** Converts a weight file twice. @throws AssertionError when its bytes are not those that the manifest pins. */
async function assertReproducible({ file, sha256, conversion, made_from }: WeightFile): Promise<void> {
  for (const time of ['first', 'second']) {
    const bytes = convertNetwork(conversion!, await publishedFilesOf({ made_from }));
    assert.equal(createHash('sha256').update(bytes).digest('hex'), sha256, `${file}, ${time} conversion`);
  }
}

const INPUTS: [string, (string | number)[]][] = [
  ['detector.onnx', ['batch', 'height', 'width', 3]],
  ['landmarks.onnx', ['batch', 112, 112, 3]],
];

test(
  "the default pack's networks come out of the published files as the manifest pins them, twice",
  { skip: TEST_MODELS ? false : NO_TEST_MODELS },
  async () => {
    for (const weights of await weightFilesOf('sface')) await assertReproducible(weights);
  },
);

test('each block of eight-bit numbers has a scale and a zero point of its own, also the last and shorter one', () => {
  const { shape, data } = dequantize(
    { shape: [2, 3], bytes: Int8Array.of(1, 2, 3, -1, -2, -3) },
    {
      scale: { shape: [2, 2], data: Float32Array.of(0.5, 2, 1, 10) },
      zeroPoint: { bytes: Int8Array.of(0, 1, -1, 0) },
      axis: 1,
      block: 2,
    },
  );
  assert.deepEqual(shape, [2, 3]);
  assert.deepEqual([...data], [0.5, 1, 4, 0, -1, -30]);
});
