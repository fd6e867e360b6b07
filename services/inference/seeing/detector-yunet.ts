import type { Detection } from './boxes.ts';
import type { Tensor } from './models.ts';

const STRIDES = [8, 16, 32];

/**
 * YuNet (libfacedetection.train): for each stride of 8, 16 and 32 pixels `cls`, `obj` [1, cells, 1], `bbox` [1, cells,
 * 4] = shift of the centre in cells and logarithm of the size in cells, and `kps` [1, cells, 10], shifts of five points
 * in cells. The score is the geometric mean of class and objectness.
 */
export function decodeYunet(
  outputs: Record<string, Tensor>,
  input: { width: number; height: number },
  minScore: number,
): Detection[] {
  return STRIDES.flatMap((stride) => decodeStride(outputs, stride, Math.floor(input.width / stride), minScore));
}

function decodeStride(outputs: Record<string, Tensor>, stride: number, columns: number, minScore: number): Detection[] {
  const tensor = (name: string) => outputs[`${name}_${stride}`]!.data;
  const [classes, objects, boxes, points] = [tensor('cls'), tensor('obj'), tensor('bbox'), tensor('kps')];
  const detections: Detection[] = [];
  for (let cell = 0; cell < classes.length; cell++) {
    const score = Math.sqrt(clamped(classes[cell]!) * clamped(objects[cell]!));
    if (!(score >= minScore)) continue;
    const [column, row] = [cell % columns, Math.floor(cell / columns)];
    const width = Math.exp(boxes[4 * cell + 2]!) * stride;
    const height = Math.exp(boxes[4 * cell + 3]!) * stride;
    const x = (column + boxes[4 * cell]!) * stride - width / 2;
    const y = (row + boxes[4 * cell + 1]!) * stride - height / 2;
    const landmarks = [0, 2, 4, 6, 8].map((k) => ({
      x: (column + points[10 * cell + k]!) * stride,
      y: (row + points[10 * cell + k + 1]!) * stride,
    }));
    detections.push({ box: { x, y, width, height }, score, landmarks });
  }
  return detections;
}

function clamped(probability: number): number {
  return Math.min(1, Math.max(0, probability));
}
