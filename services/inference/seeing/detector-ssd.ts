import type { Detection } from './boxes.ts';
import type { Tensor } from './models.ts';

/** The network gives its boxes in units of 512 pixels, whatever the size of its input. */
const UNIT = 512;

/**
 * SSD MobileNet v1 as models/convert converts it: `boxes` [1, anchors, 4] = top, left, bottom, right and `scores`
 * [1, anchors] of the face class, already sigmoid.
 */
export function decodeSsd(
  outputs: Record<string, Tensor>,
  input: { width: number; height: number },
  minScore: number,
): Detection[] {
  const boxes = outputs.boxes!.data;
  const scores = outputs.scores!.data;
  const detections: Detection[] = [];
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i]!;
    if (!(score >= minScore)) continue;
    const x = Math.max(0, boxes[4 * i + 1]! * UNIT);
    const y = Math.max(0, boxes[4 * i]! * UNIT);
    const width = Math.min(input.width, boxes[4 * i + 3]! * UNIT) - x;
    const height = Math.min(input.height, boxes[4 * i + 2]! * UNIT) - y;
    if (width > 0 && height > 0) detections.push({ box: { x, y, width, height }, score });
  }
  return detections;
}
