import * as z from 'zod';

/** A constant of a network: numbers in row-major order. */
export interface Tensor {
  shape: number[];
  data: Float32Array;
}

/** The weights of one network, by the names its authors gave them. */
export interface Weights {
  /** @throws Error naming the network and the weight when there is none of that name. */
  tensor(name: string): Tensor;
}

/**
 * Reads a network stored in the format of TensorFlow.js: `<network>-weights_manifest.json` and the shards it names,
 * all of them in `files`. Integers of eight bits become `value * scale + min` (`decodeWeights` of
 * @tensorflow/tfjs-core).
 * @throws Error naming the file that is missing, malformed, or longer or shorter than its manifest says.
 */
export function readWeights(files: ReadonlyMap<string, Uint8Array>, network: string): Weights {
  const file = (name: string) => {
    const bytes = files.get(name);
    if (!bytes) throw new Error(`${name} is missing`);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
  const manifestName = `${network}-weights_manifest.json`;
  const manifest = weightsManifest.safeParse(JSON.parse(file(manifestName).toString('utf8')));
  if (!manifest.success) throw new Error(`${manifestName}: ${z.prettifyError(manifest.error)}`);

  const tensors = new Map<string, Tensor>();
  for (const { paths, weights } of manifest.data) {
    const bytes = Buffer.concat(paths.map(file));
    const described = weights.reduce((total, entry) => total + byteLength(entry), 0);
    if (bytes.length !== described)
      throw new Error(`${paths.join(', ')}: ${bytes.length} bytes, the manifest describes ${described}`);
    let offset = 0;
    for (const entry of weights) {
      tensors.set(entry.name, decode(entry, bytes, offset));
      offset += byteLength(entry);
    }
  }
  return {
    tensor(name) {
      const tensor = tensors.get(name);
      if (!tensor) throw new Error(`${network} has no weight ${name}`);
      return tensor;
    },
  };
}

function decode({ shape, quantization }: WeightEntry, bytes: Buffer, offset: number): Tensor {
  const data = new Float32Array(elements(shape));
  for (let i = 0; i < data.length; i++) {
    data[i] = quantization
      ? bytes.readUInt8(offset + i) * quantization.scale + quantization.min
      : bytes.readFloatLE(offset + 4 * i);
  }
  return { shape, data };
}

function byteLength({ shape, quantization }: WeightEntry): number {
  return elements(shape) * (quantization ? 1 : 4);
}

function elements(shape: number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

const weightEntry = z.object({
  name: z.string(),
  shape: z.array(z.int().positive()),
  dtype: z.enum(['float32', 'int32']),
  quantization: z.object({ dtype: z.literal('uint8'), scale: z.number(), min: z.number() }).optional(),
});
type WeightEntry = z.infer<typeof weightEntry>;

const weightsManifest = z.array(z.object({ paths: z.array(z.string()), weights: z.array(weightEntry) }));
