import type { ModelPack } from '@facepass/contracts/model-pack';
import { CHIP_SIZE } from './align.ts';
import type { Model, Tensor } from './models.ts';

/** Faces that go through the network together: a CPU gains nothing from more, and memory grows with them. */
const BATCH = 8;

/** Aligned chips (8-bit RGB, `CHIP_SIZE` square) in, L2-normalised embeddings out, in the same order. */
export type Embed = (chips: readonly Uint8Array[]) => Promise<Float32Array[]>;

/** @throws Error, when it runs, if the network's output is not `embedding_size` numbers a face. */
export function createEmbedder(pack: Pick<ModelPack, 'name' | 'alignment' | 'recogniser' | 'embedding_size'>, model: Model): Embed {
  const side = CHIP_SIZE[pack.alignment];
  const batch = model.input.shape[0] ?? BATCH;
  const layOut = model.input.type === 'uint8' ? interleavedBytes : planarFloats(pack.recogniser);
  return async (chips) => {
    const embeddings: Float32Array[] = [];
    for (let start = 0; start < chips.length; start += batch) {
      const group = chips.slice(start, start + batch);
      const [output] = Object.values(await model.run(layOut(group, side)));
      embeddings.push(...splitRows(output!, group.length, pack).map(normalised));
    }
    return embeddings;
  };
}

/** The vector of length 1 in the same direction. */
export function normalised(vector: Float32Array): Float32Array {
  const length = Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
  return vector.map((x) => x / length);
}

function splitRows({ data }: Tensor, count: number, pack: Pick<ModelPack, 'name' | 'embedding_size'>): Float32Array[] {
  const size = pack.embedding_size;
  if (data.length !== count * size) throw new Error(`model pack ${pack.name}: ${data.length / count} numbers a face, the manifest says ${size}`);
  return Array.from({ length: count }, (_, i) => Float32Array.from(data.subarray(i * size, (i + 1) * size)));
}

/** [n, side, side, 3]: the network normalises by itself. */
function interleavedBytes(chips: readonly Uint8Array[], side: number): Tensor {
  const data = new Uint8Array(chips.length * side * side * 3);
  chips.forEach((chip, i) => data.set(chip, i * chip.length));
  return { data, shape: [chips.length, side, side, 3] };
}

/** [n, 3, side, side] of `(pixel - mean) * scale`, in the order of channels that the network wants. */
function planarFloats({ channels, mean, scale }: ModelPack['recogniser']) {
  const order = channels === 'rgb' ? [0, 1, 2] : [2, 1, 0];
  return (chips: readonly Uint8Array[], side: number): Tensor => {
    const plane = side * side;
    const data = new Float32Array(chips.length * 3 * plane);
    chips.forEach((chip, i) => {
      order.forEach((channel, c) => {
        const [m, s, out] = [mean[c]!, scale[c]!, (i * 3 + c) * plane];
        for (let k = 0; k < plane; k++) data[out + k] = (chip[3 * k + channel]! - m) * s;
      });
    });
    return { data, shape: [chips.length, 3, side, side] };
  };
}
