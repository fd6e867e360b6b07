import { Graph } from './graph.ts';
import type { Dimension, Value } from './onnx.ts';
import { readOnnx, type FileNode, type FileTensor } from './onnx-file.ts';
import type { Tensor } from './weights.ts';

/** How a network of the OpenCV Zoo is taken in: the sizes that its file fixes and the caller may choose. */
export interface Interface {
  name: string;
  input: Dimension[];
  outputs: Record<string, Dimension[]>;
}

/**
 * A network whose weights are stored as blocks of eight-bit integers (`block_quantize.py` of the OpenCV Zoo) with its
 * weights as floats: ONNX Runtime refuses the file as it is, since weights are inputs there, and would work the
 * weights out at each run. `DequantizeLinear` and `Reshape` of constants are done here, `Dropout` is left out, and
 * the sizes of the input are those of `shapes`.
 * @throws Error naming the node that uses what there is not.
 */
export function unquantize(file: Uint8Array, shapes: Interface): Graph {
  const { nodes, constants, inputs, outputs } = readOnnx(file);
  const graph = new Graph(shapes.name);
  const values = new Map<string, Value>(inputs.map((name) => [name, graph.floats(name, shapes.input)]));
  for (const node of nodes) {
    if (node.operator === 'Constant') continue;
    const [first] = node.inputs;
    const folded = fold(node, constants);
    if (folded) constants.set(node.outputs[0]!, folded);
    else if (node.operator === 'Dropout') values.set(node.outputs[0]!, valueOf(first!, node));
    else {
      const applied = graph.applyMany(
        node.operator,
        node.inputs.map((name) => valueOf(name, node)),
        node.outputs.length,
        node.attributes,
      );
      node.outputs.forEach((name, i) => values.set(name, applied[i]!));
    }
  }
  for (const name of outputs) graph.output(name, values.get(name)!, shapes.outputs[name]!);
  return graph;

  function valueOf(name: string, { operator }: FileNode): Value {
    const known = values.get(name);
    if (known) return known;
    if (name === '') return { name };
    const tensor = constants.get(name);
    if (!tensor || 'bytes' in tensor)
      throw new Error(`${operator} uses ${name}, which is neither computed nor a float`);
    const value = graph.constant(name, tensor);
    values.set(name, value);
    return value;
  }
}

/** The result of a node whose inputs are all constants and whose arithmetic is done here; else nothing. */
function fold({ operator, inputs, attributes }: FileNode, constants: Map<string, FileTensor>): FileTensor | undefined {
  const [data, ...others] = inputs.map((name) => constants.get(name));
  if (operator === 'Reshape' && data && others[0] && 'integers' in others[0])
    return { ...data, shape: others[0].integers };
  if (operator !== 'DequantizeLinear' || !data || !('bytes' in data)) return undefined;
  const [scale, zeroPoint] = others;
  if (!scale || !zeroPoint || !('data' in scale) || !('bytes' in zeroPoint)) return undefined;
  return dequantize(data, {
    scale,
    zeroPoint,
    axis: Number(attributes['axis']),
    block: Number(attributes['block_size']),
  });
}

/**
 * `(value − zero point) × scale`, one scale and zero point for each `block` neighbours along `axis` (ONNX operator set
 * 21, DequantizeLinear).
 */
export function dequantize(
  { shape, bytes }: { shape: number[]; bytes: Int8Array },
  { scale, zeroPoint, axis, block }: Quantization,
): Tensor {
  const inner = shape.slice(axis + 1).reduce((product, length) => product * length, 1);
  const [length, blocks] = [shape[axis]!, scale.shape[axis]!];
  const data = new Float32Array(bytes.length);
  for (let i = 0; i < data.length; i++) {
    const [outside, along] = [Math.floor(i / (length * inner)), Math.floor(i / inner) % length];
    const at = (outside * blocks + Math.floor(along / block)) * inner + (i % inner);
    data[i] = (bytes[i]! - zeroPoint.bytes[at]!) * scale.data[at]!;
  }
  return { shape, data };
}

export interface Quantization {
  scale: Tensor;
  zeroPoint: { bytes: Int8Array };
  axis: number;
  block: number;
}
