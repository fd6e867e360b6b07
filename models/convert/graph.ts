import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { Tensor } from './weights.ts';

/** Something a graph computes or is given. It is named when the graph is encoded, so `output` may rename it. */
export interface Value {
  name: string;
}

/** Integers of 64 bits, for shapes, starts and ends. */
export interface Integers {
  shape: number[];
  integers: number[];
}

/** A dimension: a size, or the name of one that the caller chooses. */
export type Dimension = number | string;

export type Attributes = Record<string, number | number[] | string>;

/** An ONNX graph, built node by node in the order of its computation. The same calls give the same bytes. */
export class Graph {
  readonly #name: string;
  readonly #nodes: Node[] = [];
  readonly #constants = new Map<string, { value: Value; tensor: Tensor | Integers }>();
  readonly #inputs: Interface[] = [];
  readonly #outputs: Interface[] = [];

  constructor(name: string) {
    this.#name = name;
  }

  /** Declares an input of bytes. */
  pixels(name: string, shape: Dimension[]): Value {
    const value = { name };
    this.#inputs.push({ value, type: UINT8, shape });
    return value;
  }

  /** A constant; asked for again by the same name, it is the same one. */
  constant(name: string, tensor: Tensor | Integers): Value {
    const known = this.#constants.get(name);
    if (known) return known.value;
    const value = { name };
    this.#constants.set(name, { value, tensor });
    return value;
  }

  /** The result of an operator of ONNX that has one. Whole numbers among the attributes are written as INT. */
  apply(operator: string, inputs: Value[], attributes: Attributes = {}): Value {
    return this.applyMany(operator, inputs, 1, attributes)[0]!;
  }

  /** The results of an operator that has several. */
  applyMany(operator: string, inputs: Value[], count: number, attributes: Attributes = {}): Value[] {
    const index = this.#nodes.length;
    const outputs = Array.from({ length: count }, (_, i) => ({ name: `${operator}_${index}${i === 0 ? '' : `_${i}`}` }));
    this.#nodes.push({ operator, inputs, outputs, attributes });
    return outputs;
  }

  /** Declares a computed value to be an output of floats, under this name. */
  output(name: string, value: Value, shape: Dimension[]): void {
    value.name = name;
    this.#outputs.push({ value, type: FLOAT, shape });
  }

  /** The bytes of the .onnx file (ModelProto). `metadata` is kept in it as text. */
  encode(metadata: Record<string, string>): Uint8Array {
    const model = new BinaryWriter();
    model.tag(1, WireType.Varint).int64(IR_VERSION);
    model.tag(2, WireType.LengthDelimited).string('facepass');
    message(model, 7, (graph) => this.#writeGraph(graph));
    message(model, 8, (opset) => opset.tag(2, WireType.Varint).int64(OPSET));
    for (const [key, value] of Object.entries(metadata)) {
      message(model, 14, (entry) => {
        entry.tag(1, WireType.LengthDelimited).string(key);
        entry.tag(2, WireType.LengthDelimited).string(value);
      });
    }
    return model.finish();
  }

  #writeGraph(writer: BinaryWriter): void {
    for (const node of this.#nodes) message(writer, 1, (inner) => writeNode(inner, node));
    writer.tag(2, WireType.LengthDelimited).string(this.#name);
    for (const { value, tensor } of this.#constants.values()) message(writer, 5, (inner) => writeTensor(inner, value.name, tensor));
    for (const input of this.#inputs) message(writer, 11, (inner) => writeInterface(inner, input));
    for (const output of this.#outputs) message(writer, 12, (inner) => writeInterface(inner, output));
  }
}

// Field numbers are those of onnx.proto3, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3

/** Version 8 of the file format goes with operator set 17 (ONNX 1.12); both are read by every ONNX Runtime since 1.12. */
const IR_VERSION = 8;
const OPSET = 17;

/** TensorProto.DataType. */
export const FLOAT = 1;
const UINT8 = 2;
const INT64 = 7;

/** AttributeProto.AttributeType. */
const ATTRIBUTE_INT = 2;
const ATTRIBUTE_STRING = 3;
const ATTRIBUTE_INTS = 7;

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
  if (typeof value === 'number') {
    writer.tag(3, WireType.Varint).int64(value);
    writer.tag(20, WireType.Varint).int32(ATTRIBUTE_INT);
  } else if (typeof value === 'string') {
    writer.tag(4, WireType.LengthDelimited).string(value);
    writer.tag(20, WireType.Varint).int32(ATTRIBUTE_STRING);
  } else {
    for (const item of value) writer.tag(8, WireType.Varint).int64(item);
    writer.tag(20, WireType.Varint).int32(ATTRIBUTE_INTS);
  }
}

/** TensorProto; raw data is little-endian whatever the machine. */
function writeTensor(writer: BinaryWriter, name: string, tensor: Tensor | Integers): void {
  for (const size of tensor.shape) writer.tag(1, WireType.Varint).int64(size);
  writer.tag(2, WireType.Varint).int32('integers' in tensor ? INT64 : FLOAT);
  writer.tag(8, WireType.LengthDelimited).string(name);
  writer.tag(9, WireType.LengthDelimited).bytes('integers' in tensor ? int64Bytes(tensor.integers) : float32Bytes(tensor.data));
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

interface Node {
  operator: string;
  inputs: Value[];
  outputs: Value[];
  attributes: Attributes;
}

interface Interface {
  value: Value;
  type: number;
  shape: Dimension[];
}
