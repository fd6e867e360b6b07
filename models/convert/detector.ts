import { Graph } from './graph.ts';
import { arithmetic, convolve, integers, relu6, scaled, subtractMean } from './layers.ts';
import type { Value } from './onnx.ts';
import type { Tensor, Weights } from './weights.ts';

/**
 * SSD with MobileNet v1, trained on WIDER FACE (face-api: `ssdMobilenetv1/`), up to but without the suppression of
 * overlaps. `pixels` uint8 [batch, height, width, 3] RGB, of any height and width up to 512 → `boxes` float [batch,
 * anchors, 4] (top, left, bottom, right, in units of 512 pixels whatever the input's size) and `scores` float [batch,
 * anchors], 0 to 1. At 512×512 there are 5,118 anchors, in the order of face-api.
 */
export function buildDetector(weights: Weights): Graph {
  const graph = new Graph('ssd_mobilenet_v1');
  const pixels = graph.pixels('pixels', ['batch', 'height', 'width', 3]);
  const maps = featureMaps(graph, weights, subtractMean(graph, pixels, [127.5, 127.5, 127.5]));

  const anchors = anchorGrids(weights.tensor('Output/extra_dim'));
  const heads = maps.map((map, level) => predict(graph, weights, map, level, anchors[level]!));
  const concatenate = (values: Value[], axis: number) => graph.apply('Concat', values, { axis });
  const encoded = concatenate(
    heads.map((head) => head.boxes),
    1,
  );
  const boxes = decodeBoxes(
    graph,
    encoded,
    concatenate(
      heads.map((head) => head.anchors),
      0,
    ),
  );
  const scores = graph.apply('Sigmoid', [
    concatenate(
      heads.map((head) => head.scores),
      1,
    ),
  ]);

  graph.output('boxes', boxes, ['batch', 'anchors', 4]);
  graph.output('scores', scores, ['batch', 'anchors']);
  return graph;
}

/** The six maps in which faces are looked for: one cell for every 16, 32, 64, 128, 256 and 512 pixels. */
function featureMaps(graph: Graph, weights: Weights, centredPixels: Value): Value[] {
  const maps: Value[] = [];
  let x = pointwise(graph, weights, centredPixels, 'MobilenetV1/Conv2d_0_pointwise', 2, 1 / 127.5);
  for (let layer = 1; layer <= 13; layer++) {
    x = depthwise(graph, weights, x, `MobilenetV1/Conv2d_${layer}_depthwise`, [2, 4, 6, 12].includes(layer) ? 2 : 1);
    x = pointwise(graph, weights, x, `MobilenetV1/Conv2d_${layer}_pointwise`);
    if (layer === 11 || layer === 13) maps.push(x);
  }
  for (let layer = 0; layer < 8; layer += 2) {
    x = pointwise(graph, weights, x, `Prediction/Conv2d_${layer}_pointwise`);
    x = pointwise(graph, weights, x, `Prediction/Conv2d_${layer + 1}_pointwise`, 2);
    maps.push(x);
  }
  return maps;
}

/** A full convolution (its batch norm is already folded in by the authors), then ReLU6. `gain` scales the filters. */
function pointwise(graph: Graph, weights: Weights, x: Value, name: string, stride: 1 | 2 = 1, gain = 1): Value {
  const filters = scaled(weights.tensor(`${name}/weights`), [gain]);
  return relu6(
    graph,
    convolve(graph, x, { name, filters, bias: weights.tensor(`${name}/convolution_bn_offset`), stride }),
  );
}

/** A depthwise convolution with its batch norm folded into filters and bias, then ReLU6. */
function depthwise(graph: Graph, weights: Weights, x: Value, name: string, stride: 1 | 2): Value {
  const batchNorm = (part: string) => weights.tensor(`${name}/BatchNorm/${part}`).data;
  const [gamma, beta, mean, variance] = [
    batchNorm('gamma'),
    batchNorm('beta'),
    batchNorm('moving_mean'),
    batchNorm('moving_variance'),
  ];
  const gain = Array.from(gamma, (value, i) => value / Math.sqrt(variance[i]! + BATCH_NORM_EPSILON));
  const filters = scaled(weights.tensor(`${name}/depthwise_weights`), gain);
  const bias: Tensor = { shape: [beta.length], data: beta.map((value, i) => value - mean[i]! * gain[i]!) };
  return relu6(graph, convolve(graph, x, { name, filters, bias, stride, depthwise: true }));
}

/**
 * What one map says of its n anchors: `boxes` [batch, n, 4], still encoded relative to `anchors` [n, 4], and `scores`
 * [batch, n] before the sigmoid. Row by row, then column by column, then anchor by anchor.
 */
function predict(graph: Graph, weights: Weights, map: Value, level: number, grid: Tensor) {
  const name = `Prediction/BoxPredictor_${level}`;
  const head = (part: string, channels: (tensor: Tensor) => Tensor, shape: number[]) => {
    const filters = channels(weights.tensor(`${name}/${part}/weights`));
    const bias = channels(weights.tensor(`${name}/${part}/biases`));
    const predicted = convolve(graph, map, { name: `${name}/${part}`, filters, bias });
    return graph.apply('Reshape', [
      graph.apply('Transpose', [predicted], { perm: [0, 2, 3, 1] }),
      integers(graph, shape),
    ]);
  };
  const rowsAndColumns = graph.apply('Shape', [map], { start: 2, end: 4 });
  const cells = graph.apply('Slice', [
    graph.constant(`${name}/anchors`, grid),
    integers(graph, [0, 0]),
    rowsAndColumns,
  ]);
  return {
    boxes: head('BoxEncodingPredictor', allChannels, [0, -1, 4]),
    scores: head('ClassPredictor', faceChannels, [0, -1]),
    anchors: graph.apply('Reshape', [cells, integers(graph, [-1, 4])]),
  };
}

function allChannels(tensor: Tensor): Tensor {
  return tensor;
}

/** Of every three output channels (background, face, and a class that face-api ignores) the second. */
function faceChannels({ shape, data }: Tensor): Tensor {
  return { shape: shape.with(-1, shape.at(-1)! / 3), data: data.filter((_, i) => i % 3 === 1) };
}

/**
 * Offsets to boxes: `centre = anchor centre + offset / 10 * anchor size`, `size = exp(offset / 5) * anchor size`
 * (Liu et al., SSD, 2016, with the usual variances of 0.1 and 0.2).
 */
function decodeBoxes(graph: Graph, encoded: Value, anchors: Value): Value {
  const { add, subtract, multiply, divide, exp } = arithmetic(graph);
  const halves = (value: Value, axis: number) =>
    graph.applyMany('Split', [value, integers(graph, [2, 2])], 2, { axis }) as [Value, Value];
  const [offset, growth] = halves(encoded, 2);
  const [anchorCentre, anchorSize] = halves(anchors, 1);
  const centre = add(anchorCentre, multiply(divide(offset, 10), anchorSize));
  const halfSize = divide(multiply(exp(divide(growth, 5)), anchorSize), 2);
  return graph.apply('Concat', [subtract(centre, halfSize), add(centre, halfSize)], { axis: 2 });
}

/**
 * The package's anchors (top, left, bottom, right of 5,118 boxes, in parts of a 512-pixel square) as one grid for each
 * map: [rows, columns, anchors per cell * 4] of (centre y, centre x, height, width). A smaller picture uses a corner of
 * each grid.
 */
function anchorGrids({ data }: Tensor): Tensor[] {
  let next = 0;
  return GRIDS.map(({ cells, anchorsPerCell }) => {
    const grid = new Float32Array(cells * cells * anchorsPerCell * 4);
    for (let i = 0; i < grid.length; i += 4, next += 4) {
      const [top, left, bottom, right] = Array.from(data.subarray(next, next + 4)) as [number, number, number, number];
      grid.set([(top + bottom) / 2, (left + right) / 2, bottom - top, right - left], i);
    }
    return { shape: [cells, cells, anchorsPerCell * 4], data: grid };
  });
}

/** The six maps of a picture of 512 pixels: cells along each side, and anchors in each cell. */
const GRIDS = [32, 16, 8, 4, 2, 1].map((cells, level) => ({ cells, anchorsPerCell: level === 0 ? 3 : 6 }));

/** `0.001` in single precision, as the trained graph holds it. */
const BATCH_NORM_EPSILON = 0.0010000000474974513;
