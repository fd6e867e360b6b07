import { Graph } from './graph.ts';
import { arithmetic, convolve, prelu, scaled, subtractMean, type Convolution } from './layers.ts';
import type { Value } from './onnx.ts';
import type { Weights } from './weights.ts';

/**
 * MobileFaceNet (Chen et al., 2018) with the names of sirius-ai's MobileFaceNet_TF. `pixels` uint8 [batch, 112, 112,
 * 3] RGB, a face aligned as ArcFace's → `embedding` float [batch, 192], not normalised.
 */
export function buildMobileFaceNet(weights: Weights): Graph {
  const graph = new Graph('mobilefacenet');
  const { linear, activated } = layersOf(graph, weights);
  const pixels = subtractMean(graph, graph.pixels('pixels', ['batch', 112, 112, 3]), [127.5, 127.5, 127.5]);
  let x = activated(pixels, { filters: 'Conv2d_0', scope: 'MobileFaceNet/Conv2d_0', stride: 2, gain: 1 / 128 });
  x = activated(x, { filters: 'SeparableConv2d', scope: 'MobileFaceNet/SeparableConv2d', depthwise: true });
  x = linear(x, { filters: 'Conv', scope: 'MobileFaceNet/Conv' });

  for (const [i, { stage, block, halves }] of BLOCKS.entries()) {
    const scope = `MobileFaceNet/Conv2d_${stage}_InvResBlock_${block}`;
    const wide = activated(x, { filters: `Conv_${2 * i + 1}`, scope: `${scope}/Conv` });
    const filters = `SeparableConv2d_${i + 1}`;
    const stride = halves ? 2 : 1;
    const filtered = activated(wide, { filters, scope: `${scope}/SeparableConv2d`, stride, depthwise: true });
    const narrow = linear(filtered, { filters: `Conv_${2 * i + 2}`, scope: `${scope}/Conv_1` });
    x = halves ? narrow : arithmetic(graph).add(narrow, x);
  }

  x = activated(x, { filters: 'Conv2d_7', scope: 'MobileFaceNet/Conv2d_7' });
  const [logits, conv, last] = ['Logits/SeparableConv2d', 'Logits/Conv', 'Logits/LinearConv1x1'] as const;
  x = linear(x, { filters: logits, scope: logits, depthwise: true, padding: 'valid' });
  x = linear(x, { filters: conv, scope: conv });
  x = linear(x, { filters: last, scope: last });
  graph.output('embedding', graph.apply('Flatten', [x]), ['batch', 192]);
  return graph;
}

/** The blocks in their order; those that halve their input have no shortcut. */
const BLOCKS = [
  { stage: 2, blocks: 5, halves: true },
  { stage: 3, blocks: 1, halves: true },
  { stage: 4, blocks: 6, halves: false },
  { stage: 5, blocks: 1, halves: true },
  { stage: 6, blocks: 2, halves: false },
].flatMap(({ stage, blocks, halves }) =>
  Array.from({ length: blocks }, (_, block) => ({ stage, block, halves: halves && block === 0 })),
);

/** Convolutions with the batch norm that the authors folded in, with and without the PReLU after it. */
function layersOf(graph: Graph, weights: Weights) {
  const tensor = (name: string) => weights.tensor(`MobileFaceNet/${name}`);
  const linear = (x: Value, { filters, scope, gain = 1, ...convolution }: Layer): Value =>
    convolve(graph, x, {
      ...convolution,
      name: scope,
      filters: scaled(tensor(`${filters}/${convolution.depthwise ? 'depthwise_weights' : 'weights'}/read`), [gain]),
      bias: tensor(`${scope}/${convolution.depthwise ? 'depthwise_bias' : 'Conv2D_bias'}`),
    });
  // The authors write max(x, 0) + m · (x − |x|): below zero that is 2m · x.
  const activated = (x: Value, layer: Layer): Value =>
    prelu(graph, linear(x, layer), { name: layer.scope, slopes: scaled(tensor(`${layer.scope}/mul`), [2]) });
  return { linear, activated };
}

interface Layer extends Pick<Convolution, 'stride' | 'padding' | 'depthwise'> {
  filters: string;
  scope: string;
  /** What the filters are multiplied by. */
  gain?: number;
}
