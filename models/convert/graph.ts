import { isDeepStrictEqual } from 'node:util';
import { encodeModel, FLOAT, UINT8 } from './onnx.ts';
import type { Attributes, Constant, Dimension, Interface, Node, Value } from './onnx.ts';

/** An ONNX graph, built node by node in the order of its computation. The same calls give the same bytes. */
export class Graph {
  readonly #name: string;
  readonly #nodes: Node[] = [];
  readonly #constants = new Map<string, Constant>();
  readonly #inputs: Interface[] = [];
  readonly #outputs: Interface[] = [];

  constructor(name: string) {
    this.#name = name;
  }

  /** Declares an input of bytes. */
  pixels(name: string, shape: Dimension[]): Value {
    return this.#input(name, UINT8, shape);
  }

  /** Declares an input of floats. */
  floats(name: string, shape: Dimension[]): Value {
    return this.#input(name, FLOAT, shape);
  }

  #input(name: string, type: Interface['type'], shape: Dimension[]): Value {
    const value = { name };
    this.#inputs.push({ value, type, shape });
    return value;
  }

  /**
   * A constant; asked for again with the same name and numbers, it is the same one.
   * @throws Error when the name belongs to other numbers.
   */
  constant(name: string, tensor: Constant['tensor']): Value {
    const known = this.#constants.get(name);
    if (known && !isDeepStrictEqual(known.tensor, tensor))
      throw new Error(`${this.#name} has another constant named ${name}`);
    if (known) return known.value;
    const value = { name };
    this.#constants.set(name, { value, tensor });
    return value;
  }

  /** The result of an operator of ONNX that has one. */
  apply(operator: string, inputs: Value[], attributes: Attributes = {}): Value {
    return this.applyMany(operator, inputs, 1, attributes)[0]!;
  }

  /** The results of an operator that has several. */
  applyMany(operator: string, inputs: Value[], count: number, attributes: Attributes = {}): Value[] {
    const index = this.#nodes.length;
    const outputs = Array.from({ length: count }, (_, i) => ({
      name: `${operator}_${index}${i === 0 ? '' : `_${i}`}`,
    }));
    this.#nodes.push({ operator, inputs, outputs, attributes });
    return outputs;
  }

  /** Declares a computed value to be an output of floats, under this name. */
  output(name: string, value: Value, shape: Dimension[]): void {
    value.name = name;
    this.#outputs.push({ value, type: FLOAT, shape });
  }

  /** The bytes of the .onnx file. `metadata` is kept in it as text. */
  encode(metadata: Record<string, string>): Uint8Array {
    return encodeModel({
      name: this.#name,
      nodes: this.#nodes,
      constants: [...this.#constants.values()],
      inputs: this.#inputs,
      outputs: this.#outputs,
      metadata,
    });
  }
}
