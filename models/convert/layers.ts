import type { Graph } from './graph.ts';
import { FLOAT, type Value } from './onnx.ts';
import type { Tensor } from './weights.ts';

/**
 * A convolution as TensorFlow stores it: filters [height, width, in, out] (depthwise: [height, width, channels, 1]).
 */
export interface Convolution {
  /** Unique in the graph; names the constants. */
  name: string;
  filters: Tensor;
  bias?: Tensor;
  stride?: 1 | 2;
  padding?: 'same' | 'valid';
  depthwise?: boolean;
}

/**
 * Bytes [N, height, width, 3] to floats [N, 3, height, width], each channel less its mean. What the network divides by
 * goes into the filters of its first convolution (`scaled`); the mean cannot, where that convolution pads with zeros.
 */
export function subtractMean(graph: Graph, pixels: Value, mean: [number, number, number]): Value {
  // The order matters: with the channels last, ONNX Runtime 1.30 subtracts one number at a time (detector: 3.0 ms, so:
  // 0.3 ms).
  const planes = graph.apply('Cast', [graph.apply('Transpose', [pixels], { perm: [0, 3, 1, 2] })], { to: FLOAT });
  return graph.apply('Sub', [planes, graph.constant('mean', { shape: [3, 1, 1], data: Float32Array.from(mean) })]);
}

/** Adds a convolution over [N, channels, height, width]. */
export function convolve(graph: Graph, x: Value, convolution: Convolution): Value {
  const { name, filters, bias, stride = 1, padding = 'same', depthwise = false } = convolution;
  const kernel = filters.shape[0]!;
  const inputs = [x, graph.constant(`${name}/filters`, onnxFilters(filters, depthwise))];
  if (bias) inputs.push(graph.constant(`${name}/bias`, bias));
  return graph.apply('Conv', inputs, {
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    pads: padding === 'same' ? samePads(kernel, stride) : [0, 0, 0, 0],
    group: depthwise ? filters.shape[2]! : 1,
  });
}

/** `max(x, 0)`. */
export function relu(graph: Graph, x: Value): Value {
  return graph.apply('Relu', [x]);
}

/** `min(max(x, 0), 6)`. */
export function relu6(graph: Graph, x: Value): Value {
  return graph.apply('Clip', [x, scalar(graph, 0), scalar(graph, 6)]);
}

/** `x` above zero, and `slopes` times it below, one slope for each channel of [N, channels, height, width]. */
export function prelu(graph: Graph, x: Value, { name, slopes }: { name: string; slopes: Tensor }): Value {
  return graph.apply('PRelu', [
    x,
    graph.constant(`${name}/slopes`, { shape: [slopes.data.length, 1, 1], data: slopes.data }),
  ]);
}

/** Arithmetic on values of a graph and numbers, element by element. */
export function arithmetic(graph: Graph) {
  const valueOf = (operand: Value | number) => (typeof operand === 'number' ? scalar(graph, operand) : operand);
  const operator = (name: string) => (a: Value, b: Value | number) => graph.apply(name, [a, valueOf(b)]);
  return {
    add: operator('Add'),
    subtract: operator('Sub'),
    multiply: operator('Mul'),
    divide: operator('Div'),
    exp: (x: Value) => graph.apply('Exp', [x]),
  };
}

function scalar(graph: Graph, value: number): Value {
  return graph.constant(`number_${value}`, { shape: [], data: Float32Array.of(value) });
}

/** A constant list of integers: a shape, the ends of a slice. */
export function integers(graph: Graph, values: number[]): Value {
  return graph.constant(`integers_${values.join('_')}`, { shape: [values.length], integers: values });
}

/** Filters whose output channels are multiplied by `gain`: one factor each, or one for all. */
export function scaled(filters: Tensor, gain: ArrayLike<number>): Tensor {
  return { shape: filters.shape, data: filters.data.map((value, i) => value * gain[i % gain.length]!) };
}

/** Filters as ONNX stores them: [out, in, height, width] (depthwise: [channels, 1, height, width]). */
function onnxFilters({ shape, data }: Tensor, depthwise: boolean): Tensor {
  const [height, width, ins, outs] = shape as [number, number, number, number];
  const result = new Float32Array(data.length);
  for (const [i, value] of data.entries()) {
    const out = i % outs;
    const channel = Math.floor(i / outs) % ins;
    const position = Math.floor(i / (outs * ins));
    const filter = depthwise ? channel : out * ins + channel;
    result[filter * height * width + position] = value;
  }
  return { shape: depthwise ? [ins, 1, height, width] : [outs, ins, height, width], data: result };
}

/**
 * Padding [top, left, bottom, right] that gives TensorFlow's 'SAME': outputs of `ceil(size / stride)`.
 * At stride 2 TensorFlow pads an even size by one, at the end only; two give the same outputs there (the second is
 * never read), and on an odd size keep the filters where an even size has them, over the same pixels.
 */
function samePads(kernel: number, stride: 1 | 2): [number, number, number, number] {
  const half = (kernel - 1) / 2;
  return stride === 1 ? [half, half, half, half] : [0, 0, 2 * half, 2 * half];
}
