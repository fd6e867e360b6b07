import { ATTRIBUTE, FLOAT, INT64, INT8, type Attributes } from './onnx.ts';
import { decoded, fieldsOf, float32, integersOf, messages, text, type Fields } from './protobuf.ts';

/** What is read of an .onnx file: the nodes in the order of their computation, and the constants they use. */
export interface OnnxFile {
  nodes: FileNode[];
  constants: Map<string, FileTensor>;
  /** Names of the inputs that a node reads and that are not constants, and of the outputs. */
  inputs: string[];
  outputs: string[];
}

export interface FileNode {
  operator: string;
  inputs: string[];
  outputs: string[];
  attributes: Attributes;
}

export type FileTensor =
  | { shape: number[]; data: Float32Array }
  | { shape: number[]; integers: number[] }
  | { shape: number[]; bytes: Int8Array };

/**
 * Reads a ModelProto with constants of floats, 64-bit and 8-bit integers, and attributes of integers, floats and text.
 * Some exporters list the weights among the inputs, too, even those that were replaced: `inputs` leaves them out.
 * Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3
 * @throws Error naming the node or the constant that is of another type.
 */
export function readOnnx(file: Uint8Array): OnnxFile {
  const graph = fieldsOf(file).get(7)?.[0];
  if (!(graph instanceof Uint8Array)) throw new Error('not an ONNX file: it has no graph');
  const fields = fieldsOf(graph);
  const constants = new Map(messages(fields, 5).map(readTensor));
  const nodes = messages(fields, 1).map(readNode);
  const used = new Set(nodes.flatMap(({ inputs }) => inputs));
  const names = (field: number) => messages(fields, field).map((value) => text(fieldsOf(value), 1));
  return {
    nodes,
    constants,
    inputs: names(11).filter((name) => used.has(name) && !constants.has(name)),
    outputs: names(12),
  };
}

function readNode(message: Uint8Array): FileNode {
  const fields = fieldsOf(message);
  const operator = text(fields, 4);
  const attributes = messages(fields, 5).map((attribute) => readAttribute(operator, fieldsOf(attribute)));
  return {
    operator,
    inputs: messages(fields, 1).map(decoded),
    outputs: messages(fields, 2).map(decoded),
    attributes: Object.fromEntries(attributes.filter((entry) => entry !== undefined)),
  };
}

/** AttributeProto; the value of a `Constant` node is left to whoever needs it: no node used here reads one. */
function readAttribute(operator: string, fields: Fields): [string, Attributes[string]] | undefined {
  const name = text(fields, 1);
  const type = Number(fields.get(20)?.[0]);
  if (type === ATTRIBUTE.float) return [name, { float: float32(fields.get(2)![0]) }];
  if (type === ATTRIBUTE.int) return [name, Number(fields.get(3)?.[0] ?? 0n)];
  if (type === ATTRIBUTE.string) return [name, text(fields, 4)];
  if (type === ATTRIBUTE.ints) return [name, integersOf(fields, 8)];
  if (operator === 'Constant') return undefined;
  throw new Error(`${operator} has an attribute ${name} of type ${type}, which the conversion does not read`);
}

/** TensorProto with its numbers as raw little-endian bytes, or, which is the same, as packed floats. */
function readTensor(message: Uint8Array): [string, FileTensor] {
  const fields = fieldsOf(message);
  const [name, type, shape] = [text(fields, 8), Number(fields.get(2)?.[0]), integersOf(fields, 1)];
  const raw = fields.get(9)?.[0] ?? (type === FLOAT ? fields.get(4)?.[0] : undefined) ?? new Uint8Array(0);
  const size = shape.reduce((product, length) => product * length, 1);
  if (!(raw instanceof Uint8Array) || raw.length !== size * (BYTES_PER_ELEMENT[type] ?? NaN))
    throw new Error(`constant ${name} of type ${type} and shape ${shape.join('×')} is none that the conversion reads`);
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const each = <T>(read: (at: number) => T) => Array.from({ length: size }, (_, i) => read(i));
  if (type === INT8) return [name, { shape, bytes: new Int8Array(raw) }];
  if (type === INT64) return [name, { shape, integers: each((i) => Number(view.getBigInt64(8 * i, true))) }];
  const data = new Float32Array(size);
  for (let i = 0; i < size; i++) data[i] = view.getFloat32(4 * i, true);
  return [name, { shape, data }];
}

const BYTES_PER_ELEMENT: Partial<Record<number, number>> = { [FLOAT]: 4, [INT8]: 1, [INT64]: 8 };
