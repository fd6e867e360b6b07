import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { loadFaceApi, type FaceApi } from './face-api.ts';
import { facesIn, openNetwork } from './networks.ts';
import { cropSquare, letterbox, SAMPLE_PHOTOS, type Pixels } from './photos.ts';
import { converted } from './published.ts';

/**
 * The largest difference allowed, as a part of the largest magnitude in the package's own tensor: that of rounding,
 * 1.5e-6, and some.
 */
const TOLERANCE = 2e-5;

describe('a converted network gives the tensors of the package it comes from, on the sample photos of the package', () => {
  let faceapi: FaceApi;
  let faces: { photo: string; left: number; top: number; side: number }[];
  const largest = new Map<string, { absolute: number; relative: number }>();

  before(async () => {
    faceapi = await loadFaceApi();
    faces = await facesOf(faceapi);
  });

  after(() => {
    for (const [tensor, { absolute, relative }] of largest) {
      console.log(
        `largest difference in ${tensor}: ${absolute.toExponential(1)} absolute, ${relative.toExponential(1)} relative`,
      );
    }
  });

  test('boxes and scores of the detector, before overlaps are suppressed', async () => {
    await using network = await openNetwork(await converted('mobilefacenet', 'detector.onnx'));
    for (const photo of SAMPLE_PHOTOS) {
      const pixels = await letterbox(photo, 512, 512);
      const theirs = faceapi.detector(pixels);
      const { boxes, scores } = await network.run(pixels);
      assert.deepEqual(boxes!.dims, [1, 5118, 4]);
      assert.deepEqual(scores!.dims, [1, 5118]);
      compare('boxes', boxes!.data, theirs.boxes);
      compare('scores', scores!.data, theirs.scores);
    }
  });

  test('68 landmarks of every face', async () => {
    await using network = await openNetwork(await converted('mobilefacenet', 'landmarks.onnx'));
    for (const face of faces) {
      const pixels = await cropSquare(face.photo, face, 112);
      const { points } = await network.run(pixels);
      assert.deepEqual(points!.dims, [1, 68, 2]);
      compare('points', points!.data, faceapi.landmarks(pixels));
    }
  });

  function compare(name: string, ours: Float32Array, theirs: Float32Array): void {
    assert.equal(ours.length, theirs.length);
    const absolute = theirs.reduce((worst, value, i) => Math.max(worst, Math.abs(value - ours[i]!)), 0);
    const relative = absolute / theirs.reduce((magnitude, value) => Math.max(magnitude, Math.abs(value)), 0);
    if (absolute >= (largest.get(name)?.absolute ?? 0)) largest.set(name, { absolute, relative });
    assert.ok(relative < TOLERANCE, `${name}: differs by ${absolute}, ${relative} of the largest magnitude`);
  }
});

/** A square over every face that the package finds in its sample photos. */
async function facesOf(faceapi: FaceApi) {
  const faces = [];
  for (const photo of SAMPLE_PHOTOS) {
    const pixels: Pixels = await letterbox(photo, 512, 512);
    const { boxes, scores } = faceapi.detector(pixels);
    for (const { top, left, bottom, right } of facesIn(boxes, scores)) {
      faces.push({ photo, left, top, side: Math.max(right - left, bottom - top) });
    }
  }
  assert.ok(faces.length >= 2 * SAMPLE_PHOTOS.length, `${faces.length} faces in ${SAMPLE_PHOTOS.length} photos`);
  return faces;
}
