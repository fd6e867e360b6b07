import type { ModelPack } from '@facepass/contracts/model-pack';
import { stopIfAbandoned } from './abandoned.ts';
import { CHIP_SIZE } from './align.ts';
import { FACES_PER_RUN, type Model, type Tensor } from './models.ts';

/**
 * Aligned chips (8-bit RGB, `CHIP_SIZE` square) in, L2-normalised embeddings out, in the same order. @throws Abandoned
 * when `abandoned` said so.
 */
export type Embed = (chips: readonly Uint8Array[], abandoned?: () => boolean) => Promise<Embedded[]>;

export interface Embedded {
  embedding: Float32Array;
  /** Length of the network's output before it was made 1. */
  length: number;
}

/** @throws Error, when it runs, if the network's output is not as long as the manifest says. */
export function createEmbedder(
  pack: Pick<ModelPack, 'name' | 'alignment' | 'recogniser' | 'embedding_size'>,
  model: Model,
): Embed {
  const side = CHIP_SIZE[pack.alignment];
  const batch = model.input.shape[0] ?? FACES_PER_RUN;
  const layOut = model.input.type === 'uint8' ? interleavedBytes : planarFloats(pack.recogniser);
  const { embedding_size: size } = pack;
  return async (chips, abandoned) => {
    const embeddings: Embedded[] = [];
    for (let start = 0; start < chips.length; start += batch) {
      stopIfAbandoned(abandoned);
      const group = chips.slice(start, start + batch);
      const [output] = Object.values(await model.run(layOut(group, side)));
      if (output!.data.length !== group.length * size)
        throw new Error(
          `model pack ${pack.name}: ${output!.data.length / group.length} numbers per face, but the manifest says ${size}`,
        );
      const rows = group.map((_, i) => Float32Array.from(output!.data.subarray(i * size, (i + 1) * size)));
      embeddings.push(...rows.map((row) => embeddedOf(row, pack.recogniser.centre)));
    }
    return embeddings;
  };
}

function embeddedOf(output: Float32Array, centre: readonly number[] | undefined): Embedded {
  const embedding = normalised(output);
  return {
    embedding: centre ? normalised(embedding.map((x, i) => x - centre[i]!)) : embedding,
    length: Math.hypot(...output),
  };
}

/** The vector of length 1 in the same direction. */
export function normalised(vector: Float32Array): Float32Array {
  const length = Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
  return vector.map((x) => x / length);
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
