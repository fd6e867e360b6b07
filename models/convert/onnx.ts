import { BinaryWriter, WireType } from './protobuf.ts';
import type { Tensor } from './weights.ts';

/** A graph as ONNX describes it: nodes in the order of their computation. */
export interface Model {
  name: string;
  nodes: Node[];
  constants: Constant[];
  inputs: Interface[];
  outputs: Interface[];
  metadata: Record<string, string>;
}

/** Something a graph computes or is given. Its name is read when the graph is written. */
export interface Value {
  name: string;
}

export interface Node {
  operator: string;
  inputs: Value[];
  outputs: Value[];
  attributes: Attributes;
}

/** Whole numbers, one or several, a float, or a text: no operator used here has attributes of other types. */
export type Attributes = Record<string, number | number[] | { float: number } | string>;

/** Floats, or integers of 64 bits for shapes, starts and ends. */
export interface Constant {
  value: Value;
  tensor: Tensor | { shape: number[]; integers: number[] };
}

export interface Interface {
  value: Value;
  type: typeof FLOAT | typeof UINT8;
  shape: Dimension[];
}

/** A size, or the name of one that the caller chooses. */
export type Dimension = number | string;

/** TensorProto.DataType. */
export const FLOAT = 1;
export const UINT8 = 2;
export const INT8 = 3;
export const INT64 = 7;

/** AttributeProto.AttributeType. */
export const ATTRIBUTE = { float: 1, int: 2, string: 3, ints: 7 } as const;

/** Version 8 of the file format goes with operator set 17 (ONNX 1.12); every ONNX Runtime since 1.12 reads both. */
const IR_VERSION = 8;
const OPERATOR_SET = 17;

/**
 * The bytes of an .onnx file: a ModelProto. Constants are initializers, never inputs.
 * Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3
 */
export function encodeModel(model: Model): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.Varint).int64(IR_VERSION);
  writer.tag(2, WireType.LengthDelimited).string('facepass');
  message(writer, 7, (graph) => writeGraph(graph, model));
  message(writer, 8, (operatorSet) => operatorSet.tag(2, WireType.Varint).int64(OPERATOR_SET));
  for (const [key, value] of Object.entries(model.metadata)) {
    message(writer, 14, (entry) => {
      entry.tag(1, WireType.LengthDelimited).string(key);
      entry.tag(2, WireType.LengthDelimited).string(value);
    });
  }
  return writer.finish();
}

/** GraphProto. */
function writeGraph(writer: BinaryWriter, { name, nodes, constants, inputs, outputs }: Model): void {
  for (const node of nodes) message(writer, 1, (inner) => writeNode(inner, node));
  writer.tag(2, WireType.LengthDelimited).string(name);
  for (const constant of constants) message(writer, 5, (inner) => writeConstant(inner, constant));
  for (const input of inputs) message(writer, 11, (inner) => writeInterface(inner, input));
  for (const output of outputs) message(writer, 12, (inner) => writeInterface(inner, output));
}

/** NodeProto. */
function writeNode(writer: BinaryWriter, { operator, inputs, outputs, attributes }: Node): void {
  for (const { name } of inputs) writer.tag(1, WireType.LengthDelimited).string(name);
  for (const { name } of outputs) writer.tag(2, WireType.LengthDelimited).string(name);
  writer.tag(3, WireType.LengthDelimited).string(outputs[0]!.name);
  writer.tag(4, WireType.LengthDelimited).string(operator);
  for (const [name, value] of Object.entries(attributes)) {
    message(writer, 5, (attribute) => {
      attribute.tag(1, WireType.LengthDelimited).string(name);
      writeAttributeValue(attribute, value);
    });
  }
}

/** The value and the type of an AttributeProto. */
function writeAttributeValue(writer: BinaryWriter, value: Attributes[string]): void {
  const type = (number: number) => writer.tag(20, WireType.Varint).int32(number);
  if (typeof value === 'number') {
    writer.tag(3, WireType.Varint).int64(value);
    type(ATTRIBUTE.int);
  } else if (typeof value === 'string') {
    writer.tag(4, WireType.LengthDelimited).string(value);
    type(ATTRIBUTE.string);
  } else if (Array.isArray(value)) {
    for (const item of value) writer.tag(8, WireType.Varint).int64(item);
    type(ATTRIBUTE.ints);
  } else {
    writer.tag(2, WireType.Bit32).float(value.float);
    type(ATTRIBUTE.float);
  }
}

/** TensorProto; raw data is little-endian whatever the machine. */
function writeConstant(writer: BinaryWriter, { value, tensor }: Constant): void {
  for (const size of tensor.shape) writer.tag(1, WireType.Varint).int64(size);
  writer.tag(2, WireType.Varint).int32('integers' in tensor ? INT64 : FLOAT);
  writer.tag(8, WireType.LengthDelimited).string(value.name);
  writer
    .tag(9, WireType.LengthDelimited)
    .bytes('integers' in tensor ? int64Bytes(tensor.integers) : float32Bytes(tensor.data));
}

/** ValueInfoProto, of a tensor. */
function writeInterface(writer: BinaryWriter, { value, type, shape }: Interface): void {
  writer.tag(1, WireType.LengthDelimited).string(value.name);
  message(writer, 2, (typeProto) =>
    message(typeProto, 1, (tensorType) => {
      tensorType.tag(1, WireType.Varint).int32(type);
      message(tensorType, 2, (shapeProto) => {
        for (const size of shape) {
          message(shapeProto, 1, (dimension) => {
            if (typeof size === 'number') dimension.tag(1, WireType.Varint).int64(size);
            else dimension.tag(2, WireType.LengthDelimited).string(size);
          });
        }
      });
    }),
  );
}

function message(writer: BinaryWriter, field: number, write: (inner: BinaryWriter) => void): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  write(writer);
  writer.join();
}

function float32Bytes(values: Float32Array): Uint8Array {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => bytes.writeFloatLE(value, i * 4));
  return bytes;
}

function int64Bytes(values: number[]): Uint8Array {
  const bytes = Buffer.alloc(values.length * 8);
  values.forEach((value, i) => bytes.writeBigInt64LE(BigInt(value), i * 8));
  return bytes;
}
