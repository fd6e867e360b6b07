import { Graph } from './graph.ts';
import { arithmetic, convolve, integers, relu, scaled, subtractMean } from './layers.ts';
import type { Value } from './onnx.ts';
import type { Weights } from './weights.ts';

/**
 * face-api's 68-point landmark network (`faceLandmarkNet/`, `faceFeatureExtractor/`): four dense blocks of separable
 * convolutions. `pixels` uint8 [batch, 112, 112, 3] RGB, a square crop of a face → `points` float [batch, 68, 2], (x,
 * y) in parts of the crop.
 */
export function buildLandmarks(weights: Weights): Graph {
  const graph = new Graph('face_landmark_68');
  const pixels = graph.pixels('pixels', ['batch', 112, 112, 3]);
  const stem = convolve(graph, subtractMean(graph, pixels, [122.782, 117.001, 104.298]), {
    name: 'dense0/conv0',
    filters: scaled(weights.tensor('dense0/conv0/filters'), [1 / 255]),
    bias: weights.tensor('dense0/conv0/bias'),
    stride: 2,
  });
  let x = denseBlock(graph, weights, stem, 'dense0');
  for (const block of ['dense1', 'dense2', 'dense3']) {
    x = denseBlock(graph, weights, separable(graph, weights, x, `${block}/conv0`, 2), block);
  }
  const features = graph.apply('Flatten', [graph.apply('GlobalAveragePool', [x])]);
  const coordinates = graph.apply('Gemm', [
    features,
    graph.constant('fc/weights', weights.tensor('fc/weights')),
    graph.constant('fc/bias', weights.tensor('fc/bias')),
  ]);
  graph.output('points', graph.apply('Reshape', [coordinates, integers(graph, [-1, 68, 2])]), ['batch', 68, 2]);
  return graph;
}

/** Three convolutions, each over the rectified sum of all before it; the sum of all four is the result. */
function denseBlock(graph: Graph, weights: Weights, entry: Value, block: string): Value {
  const { add } = arithmetic(graph);
  let sum = relu(graph, entry);
  let x = sum;
  for (const layer of ['conv1', 'conv2', 'conv3']) {
    sum = add(sum, separable(graph, weights, x, `${block}/${layer}`));
    x = relu(graph, sum);
  }
  return x;
}

/** A depthwise convolution and a pointwise one, with nothing between them. */
function separable(graph: Graph, weights: Weights, x: Value, name: string, stride: 1 | 2 = 1): Value {
  const filtered = convolve(graph, x, {
    name: `${name}/depthwise`,
    filters: weights.tensor(`${name}/depthwise_filter`),
    stride,
    depthwise: true,
  });
  return convolve(graph, filtered, {
    name: `${name}/pointwise`,
    filters: weights.tensor(`${name}/pointwise_filter`),
    bias: weights.tensor(`${name}/bias`),
  });
}
