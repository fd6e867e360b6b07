import type { Detection } from './boxes.ts';
import type { Tensor } from './models.ts';

const STRIDES = [8, 16, 32];
const ANCHORS_PER_CELL = 2;

/**
 * SCRFD with key points (InsightFace `scrfd_*_kps`): for each stride of 8, 16 and 32 pixels scores [n, 1], distances
 * from the anchor's centre to the four sides [n, 4] and shifts of five points [n, 10], all in strides, two anchors a
 * cell, centred on the cell's upper left corner. Exports name their outputs by number, so they are told apart by shape;
 * a batch dimension of 1 may lead.
 * @throws Error when the nine outputs are not there.
 */
export function decodeScrfd(
  outputs: Record<string, Tensor>,
  input: { width: number; height: number },
  minScore: number,
): Detection[] {
  const [scores, distances, points] = [1, 4, 10].map((depth) => byCellCount(outputs, depth));
  return STRIDES.flatMap((stride, i) => {
    const columns = Math.ceil(input.width / stride);
    return decodeStride(
      { scores: scores![i]!.data, distances: distances![i]!.data, points: points![i]!.data },
      stride,
      columns,
      minScore,
    );
  });
}

/** The outputs of one depth, from the finest stride (most cells) to the coarsest. */
function byCellCount(outputs: Record<string, Tensor>, depth: number): Tensor[] {
  const found = Object.values(outputs).filter(({ shape }) => shape.at(-1) === depth);
  if (found.length !== STRIDES.length)
    throw new Error(`SCRFD: ${found.length} outputs of depth ${depth}, ${STRIDES.length} expected`);
  return found.sort((a, b) => b.data.length - a.data.length);
}

function decodeStride(
  { scores, distances, points }: Record<'scores' | 'distances' | 'points', Tensor['data']>,
  stride: number,
  columns: number,
  minScore: number,
): Detection[] {
  const detections: Detection[] = [];
  for (let anchor = 0; anchor < scores.length; anchor++) {
    const score = scores[anchor]!;
    if (!(score >= minScore)) continue;
    const cell = Math.floor(anchor / ANCHORS_PER_CELL);
    const [centreX, centreY] = [(cell % columns) * stride, Math.floor(cell / columns) * stride];
    const [left, top, right, bottom] = [0, 1, 2, 3].map((side) => distances[4 * anchor + side]! * stride) as [
      number,
      number,
      number,
      number,
    ];
    detections.push({
      box: { x: centreX - left, y: centreY - top, width: left + right, height: top + bottom },
      score,
      landmarks: [0, 2, 4, 6, 8].map((k) => ({
        x: centreX + points[10 * anchor + k]! * stride,
        y: centreY + points[10 * anchor + k + 1]! * stride,
      })),
    });
  }
  return detections;
}
