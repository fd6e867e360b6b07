import type { Tensor, Weights } from './weights.ts';

/**
 * The constants of floats of a TensorFlow Lite file, by name, as TensorFlow has them: filters [height, width, in, out]
 * instead of [out, height, width, in], depthwise ones [height, width, channels, 1] instead of [1, height, width,
 * channels]. The file is a FlatBuffer; slots of its tables: tensorflow/lite/schema/schema.fbs.
 * @throws Error when the bytes are not such a file.
 */
export function readTfliteWeights(file: Uint8Array): Weights {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (Buffer.from(file.subarray(4, 8)).toString('latin1') !== 'TFL3') throw new Error('not a TensorFlow Lite file');
  const model = { view, at: view.getUint32(0, true) };
  const buffers = tables(model, MODEL.buffers);
  const [graph] = tables(model, MODEL.subgraphs);
  const tensors = new Map<string, Tensor>();
  for (const tensor of tables(graph!, SUBGRAPH.tensors)) {
    const { start, length } = vector(buffers[number(tensor, TENSOR.buffer, 'uint32')]!, BUFFER.data);
    if (length === 0 || number(tensor, TENSOR.type, 'int8') !== FLOAT32) continue;
    const name = vector(tensor, TENSOR.name);
    tensors.set(
      Buffer.from(file.subarray(name.start, name.start + name.length)).toString('utf8'),
      asTensorFlow({
        shape: integers(tensor, TENSOR.shape),
        data: Float32Array.from({ length: length / 4 }, (_, i) => view.getFloat32(start + 4 * i, true)),
      }),
    );
  }
  return {
    tensor(name) {
      const tensor = tensors.get(name);
      if (!tensor) throw new Error(`the TensorFlow Lite file has no weight ${name}`);
      return tensor;
    },
  };
}

const MODEL = { subgraphs: 2, buffers: 4 };
const SUBGRAPH = { tensors: 0 };
const TENSOR = { shape: 0, type: 1, buffer: 2, name: 3 };
const BUFFER = { data: 0 };
const FLOAT32 = 0;

function asTensorFlow({ shape, data }: Tensor): Tensor {
  if (shape.length !== 4) return { shape, data };
  const [outs, height, width, ins] = shape as [number, number, number, number];
  if (outs === 1) return { shape: [height, width, ins, 1], data };
  const result = new Float32Array(data.length);
  const inner = height * width * ins;
  for (let i = 0; i < data.length; i++) result[(i % inner) * outs + Math.floor(i / inner)] = data[i]!;
  return { shape: [height, width, ins, outs], data: result };
}

/** A table of a FlatBuffer: before its fields lies the offset of the table that says where each field is. */
interface Table {
  view: DataView;
  at: number;
}

/** Where a field of a table lies; 0 where it is absent. */
function field({ view, at }: Table, slot: number): number {
  const directory = at - view.getInt32(at, true);
  const entry = 4 + 2 * slot;
  const offset = entry < view.getUint16(directory, true) ? view.getUint16(directory + entry, true) : 0;
  return offset && at + offset;
}

function number(table: Table, slot: number, type: 'int8' | 'uint32'): number {
  const at = field(table, slot);
  if (!at) return 0;
  return type === 'int8' ? table.view.getInt8(at) : table.view.getUint32(at, true);
}

function vector(table: Table, slot: number): { start: number; length: number } {
  const at = field(table, slot);
  if (!at) return { start: 0, length: 0 };
  const start = at + table.view.getUint32(at, true);
  return { start: start + 4, length: table.view.getUint32(start, true) };
}

function tables(table: Table, slot: number): Table[] {
  const { start, length } = vector(table, slot);
  return Array.from({ length }, (_, i) => {
    const at = start + 4 * i;
    return { view: table.view, at: at + table.view.getUint32(at, true) };
  });
}

function integers(table: Table, slot: number): number[] {
  const { start, length } = vector(table, slot);
  return Array.from({ length }, (_, i) => table.view.getInt32(start + 4 * i, true));
}
