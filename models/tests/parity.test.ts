import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type * as FaceApi from '@vladmandic/face-api';
import ort from 'onnxruntime-node';
import { convertNetwork } from '../convert/dlib.ts';
import { crop, letterbox, loadFaceApi, samplePhotos, type Pixels } from './face-api.ts';

/** The largest difference allowed, as a part of the largest magnitude in the package's own tensor. */
const TOLERANCE = 1e-3;

describe('the converted networks give the tensors of the package they come from, on its own sample photos', () => {
  let faceapi: typeof FaceApi;
  const differences = new Map<string, { absolute: number; relative: number }>();

  before(async () => {
    faceapi = await loadFaceApi();
  });

  after(() => {
    for (const [tensor, { absolute, relative }] of differences) {
      console.log(`largest difference of ${tensor}: ${absolute.toExponential(1)} absolute, ${relative.toExponential(1)} relative`);
    }
  });

  test('the boxes and the scores of the detector, before overlaps are suppressed', async () => {
    await using network = await converted('detector.onnx');
    for (const photo of samplePhotos()) {
      const pixels = await letterbox(photo, 512);
      const { boxes, scores } = (await faceapi.nets.ssdMobilenetv1.forward(tensorOf(pixels))) as unknown as DetectorTensors;
      const ours = await network.run(pixels);
      assert.deepEqual(ours['boxes']!.dims, [1, 5118, 4]);
      compare('boxes', ours['boxes']!, boxes[0]!.dataSync());
      compare('scores', ours['scores']!, scores[0]!.dataSync());
      assert.ok(Math.max(...scores[0]!.dataSync()) > 0.8, `${photo} shows a face`);
    }
  });

  test('the 68 landmarks of every face', async () => {
    await using network = await converted('landmarks.onnx');
    for (const face of await facesOf(faceapi)) {
      const pixels = await crop(face.photo, face, 112);
      const theirs = (await faceapi.nets.faceLandmark68Net.forward(tensorOf(pixels))) as unknown as TensorLike;
      compare('points', (await network.run(pixels))['points']!, theirs.dataSync());
    }
  });

  test('the descriptor of every face, one by one and as a batch', async () => {
    await using network = await converted('recogniser.onnx');
    const faces = await Promise.all((await facesOf(faceapi)).map((face) => crop(face.photo, face, 150)));
    const batch = await network.run(...faces);
    assert.deepEqual(batch['embedding']!.dims, [faces.length, 128]);
    for (const [i, pixels] of faces.entries()) {
      const theirs = (await faceapi.nets.faceRecognitionNet.forward(tensorOf(pixels))) as unknown as TensorLike;
      const ours = (await network.run(pixels))['embedding']!;
      compare('embedding', ours, theirs.dataSync());
      assert.deepEqual((batch['embedding']!.data as Float32Array).slice(i * 128, (i + 1) * 128), ours.data);
    }
  });

  function compare(name: string, ours: ort.Tensor, theirs: ArrayLike<number>): void {
    const values = ours.data as Float32Array;
    assert.equal(values.length, theirs.length);
    const magnitude = Math.max(...Array.from(theirs, Math.abs));
    const absolute = Math.max(...values.map((value, i) => Math.abs(value - theirs[i]!)));
    const relative = absolute / magnitude;
    const before = differences.get(name);
    if (!before || absolute > before.absolute) differences.set(name, { absolute, relative });
    assert.ok(relative < TOLERANCE, `${name} differ by ${absolute}, ${relative} of the largest`);
  }

  function tensorOf({ data, width, height }: Pixels): FaceApi.tf.Tensor3D {
    return (faceapi.tf as any).tensor3d(data, [height, width, 3], 'int32');
  }
});

/** A network as it is converted now, in ONNX Runtime. */
async function converted(file: string) {
  const session = await ort.InferenceSession.create(await convertNetwork(file), { intraOpNumThreads: 1 });
  return {
    run: (...pictures: Pixels[]) =>
      session.run({
        pixels: new ort.Tensor('uint8', Buffer.concat(pictures.map(({ data }) => data)), [pictures.length, pictures[0]!.height, pictures[0]!.width, 3]),
      }),
    [Symbol.asyncDispose]: () => session.release(),
  };
}

/** A square around every face the package finds in its sample photos, in pixels of the photo. */
async function facesOf(faceapi: typeof FaceApi) {
  const faces: { photo: string; left: number; top: number; side: number }[] = [];
  for (const photo of samplePhotos()) {
    const { data, width, height } = await letterbox(photo, 512);
    const input = (faceapi.tf as any).tensor3d(data, [height, width, 3], 'int32');
    for (const { box } of await faceapi.detectAllFaces(input)) {
      const scale = 1920 / 512;
      const side = Math.round(Math.max(box.width, box.height) * scale);
      faces.push({ photo, left: Math.max(0, Math.round(box.x * scale)), top: Math.max(0, Math.round(box.y * scale)), side });
    }
  }
  assert.ok(faces.length >= 10, `${faces.length} faces in the sample photos`);
  return faces;
}

interface TensorLike {
  dataSync(): Float32Array;
}

interface DetectorTensors {
  boxes: TensorLike[];
  scores: TensorLike[];
}
