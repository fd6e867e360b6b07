import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Box, Point } from './boxes.ts';
import { decodeScrfd } from './detector-scrfd.ts';
import { decodeSsd } from './detector-ssd.ts';
import { decodeYunet } from './detector-yunet.ts';
import { createDetector } from './detector.ts';
import type { Model, Tensor } from './models.ts';

const input = { width: 320, height: 192 };
const faces = fc.record({
  stride: fc.constantFrom(8, 16, 32),
  column: fc.nat(9),
  row: fc.nat(5),
  anchor: fc.nat(1),
  box: fc.record({
    x: fc.integer({ min: -20, max: 200 }),
    y: fc.integer({ min: -20, max: 100 }),
    width: fc.integer({ min: 8, max: 150 }),
    height: fc.integer({ min: 8, max: 150 }),
  }),
  score: fc.double({ min: 0.5, max: 1, noNaN: true }),
});
type Face = { stride: number; column: number; row: number; anchor: number; box: Box; score: number };

test('YuNet tensors made from a face give the face back, whatever its stride and cell', () => {
  fc.assert(
    fc.property(faces, (face) => {
      const detections = decodeYunet(yunetTensors(face), input, 0.5);
      assert.equal(detections.length, 1);
      assertFace(detections[0]!, face);
    }),
    { verbose: true },
  );
});

test('SCRFD tensors made from a face give the face back, whatever its stride, cell and anchor, with or without a batch dimension', () => {
  fc.assert(
    fc.property(faces, fc.boolean(), (face, batched) => {
      const detections = decodeScrfd(scrfdTensors(face, batched), input, 0.5);
      assert.equal(detections.length, 1);
      assertFace(detections[0]!, face);
    }),
    { verbose: true },
  );
});

test('SCRFD without key points is refused', () => {
  assert.throws(
    () => decodeScrfd({ a: { data: new Float32Array(10), shape: [10, 1] } }, input, 0.5),
    /1 outputs of depth 1, 3 expected/,
  );
});

test('SSD boxes come in units of 512 pixels and end at the edge of the input', () => {
  const boxes = Float32Array.of(0.25, 0.125, 0.5, 0.25, -0.1, -0.1, 0.5, 0.9, 0, 0, 1, 1);
  const outputs = {
    boxes: { data: boxes, shape: [1, 3, 4] },
    scores: { data: Float32Array.of(0.9, 0.6, 0.04), shape: [1, 3] },
  };
  assert.deepEqual(
    decodeSsd(outputs, input, 0.05).map(({ box }) => box),
    [
      { x: 64, y: 128, width: 64, height: 64 },
      { x: 0, y: 0, width: 320, height: 192 },
    ],
  );
});

test('a network of fixed input gets the raster in its upper left, channels in its order', async () => {
  let given: Tensor | undefined;
  const model = modelOf([1, 3, 64, 64], (tensor) => (given = tensor));
  const raster = { pixels: Uint8Array.from({ length: 40 * 20 * 3 }, (_, i) => (i % 3) + 1), width: 40, height: 20 };
  await createDetector(packOf('yunet'), model).detect(raster, 0.5);
  assert.deepEqual(given!.shape, [1, 3, 64, 64]);
  const at = (channel: number, y: number, x: number) => given!.data[channel * 64 * 64 + y * 64 + x];
  assert.deepEqual([at(0, 19, 39), at(1, 19, 39), at(2, 19, 39)], [3, 2, 1]);
  assert.deepEqual([at(0, 20, 0), at(2, 0, 40)], [0, 0]);
});

test('SCRFD gets pixels from -1 to 1, and its padding is black, not grey', async () => {
  let given: Tensor | undefined;
  const empty = Object.fromEntries(
    [1, 4, 10].flatMap((depth) =>
      [8, 16, 32].map((s) => [`${depth}_${s}`, { data: new Float32Array(0), shape: [0, depth] }]),
    ),
  );
  const model = modelOf([1, 3, 64, 64], (tensor) => (given = tensor), empty);
  await createDetector(packOf('scrfd'), model).detect(
    { pixels: new Uint8Array(40 * 20 * 3).fill(255), width: 40, height: 20 },
    0.5,
  );
  const at = (channel: number, y: number, x: number) => given!.data[channel * 64 * 64 + y * 64 + x];
  for (const channel of [0, 1, 2])
    assert.deepEqual(
      [at(channel, 19, 39), at(channel, 20, 0), at(channel, 0, 40)],
      [127.5 / 128, -127.5 / 128, -127.5 / 128],
    );
});

test('a network of any input gets the next multiple of 64, and never more than the pack allows', async () => {
  const shapes: (readonly number[])[] = [];
  const model = modelOf([null, 3, null, null], ({ shape }) => shapes.push(shape));
  const detector = createDetector(packOf('yunet'), model);
  await detector.detect({ pixels: new Uint8Array(100 * 64 * 3), width: 100, height: 64 }, 0.5);
  assert.deepEqual(shapes, [[1, 3, 64, 128]]);
  await assert.rejects(
    detector.detect({ pixels: new Uint8Array(0), width: 641, height: 1 }, 0.5),
    /641×1 pixels do not fit a detector of 640/,
  );
});

function assertFace(found: { box: Box; score: number; landmarks?: Point[] }, face: Face): void {
  for (const key of ['x', 'y', 'width', 'height'] as const)
    assert.ok(Math.abs(found.box[key] - face.box[key]) < 1e-3, key);
  assert.ok(Math.abs(found.score - face.score) < 1e-6);
  landmarksOf(face.box).forEach((point, i) =>
    assert.ok(Math.hypot(found.landmarks![i]!.x - point.x, found.landmarks![i]!.y - point.y) < 1e-3),
  );
}

function landmarksOf({ x, y, width, height }: Box): Point[] {
  return [
    [0.3, 0.4],
    [0.7, 0.4],
    [0.5, 0.6],
    [0.35, 0.8],
    [0.65, 0.8],
  ].map(([u, v]) => ({ x: x + u! * width, y: y + v! * height }));
}

function yunetTensors(face: Face): Record<string, Tensor> {
  const { stride, column, row, box, score } = face;
  const outputs: Record<string, Tensor> = {};
  for (const s of [8, 16, 32]) {
    const cells = (input.width / s) * (input.height / s);
    for (const [name, depth] of [
      ['cls', 1],
      ['obj', 1],
      ['bbox', 4],
      ['kps', 10],
    ] as const)
      outputs[`${name}_${s}`] = { data: new Float32Array(cells * depth), shape: [1, cells, depth] };
  }
  const cell = row * (input.width / stride) + column;
  outputs[`cls_${stride}`]!.data[cell] = score;
  outputs[`obj_${stride}`]!.data[cell] = score;
  const centre = [(box.x + box.width / 2) / stride - column, (box.y + box.height / 2) / stride - row];
  outputs[`bbox_${stride}`]!.data.set(
    [...centre, Math.log(box.width / stride), Math.log(box.height / stride)],
    cell * 4,
  );
  outputs[`kps_${stride}`]!.data.set(
    landmarksOf(box).flatMap(({ x, y }) => [x / stride - column, y / stride - row]),
    cell * 10,
  );
  return outputs;
}

function scrfdTensors(face: Face, batched: boolean): Record<string, Tensor> {
  const { stride, column, row, anchor, box, score } = face;
  const outputs: Record<string, Tensor> = {};
  [8, 16, 32].forEach((s, i) => {
    const anchors = (input.width / s) * (input.height / s) * 2;
    [1, 4, 10].forEach((depth, k) => {
      outputs[String(440 + 10 * k + i)] = {
        data: new Float32Array(anchors * depth),
        shape: batched ? [1, anchors, depth] : [anchors, depth],
      };
    });
    if (s !== stride) return;
    const index = (row * (input.width / s) + column) * 2 + anchor;
    const [x, y] = [column * s, row * s];
    outputs[String(440 + i)]!.data[index] = score;
    outputs[String(450 + i)]!.data.set(
      [x - box.x, y - box.y, box.x + box.width - x, box.y + box.height - y].map((distance) => distance / s),
      index * 4,
    );
    outputs[String(460 + i)]!.data.set(
      landmarksOf(box).flatMap((point) => [(point.x - x) / s, (point.y - y) / s]),
      index * 10,
    );
  });
  return outputs;
}

const yunetSeesNothing: Record<string, Tensor> = Object.fromEntries(
  [8, 16, 32].flatMap((s) =>
    ['cls', 'obj', 'bbox', 'kps'].map((name) => [`${name}_${s}`, { data: new Float32Array(0), shape: [0] }]),
  ),
);

/** A network that sees nothing, to look at what it is given. */
function modelOf(shape: (number | null)[], watch: (input: Tensor) => void, outputs = yunetSeesNothing): Model {
  return {
    input: { name: 'input', type: 'float32', shape },
    async run(tensor) {
      watch(tensor);
      return outputs;
    },
    async [Symbol.asyncDispose]() {},
  };
}

function packOf(kind: 'yunet' | 'scrfd') {
  return {
    detector: { kind, input_size: 640, min_confidence: 0.5, file: 'x.onnx', sha256: '', source: '', licence: '' },
  };
}
