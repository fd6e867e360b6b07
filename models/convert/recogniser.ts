import { Graph } from './graph.ts';
import { arithmetic, convolve, integers, relu, scaled, subtractMean, type Convolution } from './layers.ts';
import type { Value } from './onnx.ts';
import type { Weights } from './weights.ts';

/**
 * dlib's face recognition ResNet (dlib `dnn_face_recognition_ex.cpp`; face-api `faceRecognitionNet/`). `pixels` uint8
 * [batch, 150, 150, 3] RGB, a face aligned as dlib's 150-pixel chip → `embedding` float [batch, 128], not normalised.
 */
export function buildRecogniser(weights: Weights): Graph {
  const graph = new Graph('dlib_face_recognition_resnet');
  const pixels = graph.pixels('pixels', ['batch', 150, 150, 3]);
  const centred = subtractMean(graph, pixels, [122.782, 117.001, 104.298]);

  let x = relu(
    graph,
    scaledConvolution(graph, weights, centred, { name: 'conv32_down', stride: 2, padding: 'valid', gain: 1 / 255 }),
  );
  x = graph.apply('MaxPool', [x], { kernel_shape: [3, 3], strides: [2, 2] });
  for (const block of ['conv32_1', 'conv32_2', 'conv32_3']) x = residual(graph, weights, x, block);
  for (const { down, repeats } of STAGES) {
    x = residualDown(graph, weights, x, down);
    for (const block of repeats) x = residual(graph, weights, x, block);
  }
  const features = graph.apply('Flatten', [graph.apply('GlobalAveragePool', [x])]);
  graph.output('embedding', graph.apply('MatMul', [features, graph.constant('fc', weights.tensor('fc'))]), [
    'batch',
    128,
  ]);
  return graph;
}

/**
 * The blocks that halve their input, [channels, height, width] at their end, and those that follow at that size.
 * `rowsMissing`: at these sizes a valid convolution of stride 2 gives one row and one column less than the pooled
 * shortcut.
 */
const STAGES: { down: Down; repeats: string[] }[] = [
  { down: { name: 'conv64_down', zeroChannels: 32, rowsMissing: 0 }, repeats: ['conv64_1', 'conv64_2', 'conv64_3'] }, // [64, 17, 17]
  { down: { name: 'conv128_down', zeroChannels: 64, rowsMissing: 0 }, repeats: ['conv128_1', 'conv128_2'] }, // [128, 8, 8]
  { down: { name: 'conv256_down', zeroChannels: 128, rowsMissing: 1 }, repeats: ['conv256_1', 'conv256_2'] }, // [256, 4, 4]
  { down: { name: 'conv256_down_out', zeroChannels: 0, rowsMissing: 1 }, repeats: [] }, // [256, 2, 2]
];

function residual(graph: Graph, weights: Weights, x: Value, name: string): Value {
  const inner = relu(graph, scaledConvolution(graph, weights, x, { name: `${name}/conv1` }));
  const outer = scaledConvolution(graph, weights, inner, { name: `${name}/conv2` });
  return relu(graph, arithmetic(graph).add(outer, x));
}

/**
 * A residual block of stride 2. Its shortcut is pooled, with zeros for the new channels; a convolution that comes out
 * smaller than the shortcut gets zeros below and on the right.
 */
function residualDown(graph: Graph, weights: Weights, x: Value, { name, zeroChannels, rowsMissing }: Down): Value {
  const inner = relu(
    graph,
    scaledConvolution(graph, weights, x, { name: `${name}/conv1`, stride: 2, padding: 'valid' }),
  );
  const outer = scaledConvolution(graph, weights, inner, { name: `${name}/conv2` });
  const pooled = graph.apply('AveragePool', [x], { kernel_shape: [2, 2], strides: [2, 2] });
  const shortcut = padEnds(graph, pooled, [0, zeroChannels, 0, 0]);
  return relu(graph, arithmetic(graph).add(shortcut, padEnds(graph, outer, [0, 0, rowsMissing, rowsMissing])));
}

/** A convolution followed by dlib's affine layer (a frozen batch norm), folded into one. */
function scaledConvolution(graph: Graph, weights: Weights, x: Value, options: ScaledConvolution): Value {
  const { name, gain = 1, ...convolution } = options;
  const scale = weights.tensor(`${name}/scale/weights`).data;
  const offset = weights.tensor(`${name}/scale/biases`).data;
  const bias = weights.tensor(`${name}/conv/bias`);
  return convolve(graph, x, {
    ...convolution,
    name,
    filters: scaled(
      weights.tensor(`${name}/conv/filters`),
      scale.map((value) => value * gain),
    ),
    bias: { shape: bias.shape, data: bias.data.map((value, i) => value * scale[i]! + offset[i]!) },
  });
}

/** Zeros after the end of each axis. */
function padEnds(graph: Graph, x: Value, ends: [number, number, number, number]): Value {
  return ends.every((end) => end === 0) ? x : graph.apply('Pad', [x, integers(graph, [0, 0, 0, 0, ...ends])]);
}

interface Down {
  name: string;
  zeroChannels: number;
  rowsMissing: number;
}

interface ScaledConvolution extends Pick<Convolution, 'name' | 'stride' | 'padding'> {
  /** What the filters are multiplied by beside the affine layer. */
  gain?: number;
}
