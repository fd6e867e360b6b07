import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEmbedder, normalised, type Embedded } from './embedder.ts';
import type { Model, Tensor } from './models.ts';

test('a normalised vector has length 1 and the same direction', () => {
  const vector = Float32Array.of(3, 0, 4);
  assert.deepEqual(
    [...normalised(vector)].map((x) => Math.round(x * 1e6) / 1e6),
    [0.6, 0, 0.8],
  );
});

test('colour order, mean and scale reach the network as the manifest says, and a fixed batch of one is kept', async () => {
  const given: Tensor[] = [];
  const embed = createEmbedder(
    { ...pack, recogniser: { ...pack.recogniser, channels: 'bgr', mean: [1, 2, 3], scale: [10, 100, 1000] } },
    modelOf([1, 3, 112, 112], given),
  );
  const chip = new Uint8Array(112 * 112 * 3).map((_, i) => [50, 60, 70][i % 3]!);
  assert.equal((await embed([chip, chip, chip])).length, 3);
  assert.equal(given.length, 3);
  const plane = 112 * 112;
  assert.deepEqual([given[0]!.data[0], given[0]!.data[plane], given[0]!.data[2 * plane]], [690, 5800, 47000]);
});

test('the centre of the manifest is taken off the vector of length 1, and the length stays that of the output', async () => {
  const centre = [0.5, 0, 0, 0, 0, 0, 0, 0];
  const embed = createEmbedder(
    { ...pack, recogniser: { ...pack.recogniser, centre } },
    modelOf([null, 3, 112, 112], []),
  );
  const [{ embedding, length }] = (await embed([new Uint8Array(112 * 112 * 3)])) as [Embedded];
  const one = Math.sqrt(1 / 8);
  const left = Math.hypot(one - 0.5, ...Array<number>(7).fill(one));
  assert.ok(Math.abs(length - Math.sqrt(8)) < 1e-6);
  assert.ok(Math.abs(embedding[0]! - (one - 0.5) / left) < 1e-6);
  assert.ok(Math.abs(embedding[1]! - one / left) < 1e-6);
});

test('a network whose output is longer or shorter than the manifest says is refused', async () => {
  await assert.rejects(
    createEmbedder({ ...pack, embedding_size: 64 }, modelOf([null, 3, 112, 112], []))([new Uint8Array(112 * 112 * 3)]),
    /model pack p: 8 numbers per face, but the manifest says 64/,
  );
});

const pack = {
  name: 'p',
  alignment: 'arcface-112' as const,
  embedding_size: 8,
  recogniser: {
    file: 'x.onnx',
    sha256: '',
    source: '',
    licence: '',
    channels: 'rgb' as const,
    mean: [0, 0, 0] as [number, number, number],
    scale: [1, 1, 1] as [number, number, number],
  },
};

/** A network of eight ones a face, to look at what it is given. */
function modelOf(shape: (number | null)[], given: Tensor[]): Model {
  return {
    input: { name: 'input', type: 'float32', shape },
    async run(tensor) {
      given.push(tensor);
      return { output: { data: new Float32Array(tensor.shape[0]! * 8).fill(1), shape: [tensor.shape[0]!, 8] } };
    },
    async [Symbol.asyncDispose]() {},
  };
}
