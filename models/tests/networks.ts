import '../../services/inference/seeing/onnxruntime-telemetry.ts';
import ort from 'onnxruntime-node';
import type { Pixels } from './photos.ts';

/** A network in ONNX Runtime, given pictures of one size as a batch. */
export interface Network extends AsyncDisposable {
  session: ort.InferenceSession;
  run(...pictures: Pixels[]): Promise<Record<string, { dims: readonly number[]; data: Float32Array }>>;
}

/**
 * Opens the bytes of an ONNX file that takes `pixels` uint8 [batch, height, width, 3]. Errors are thrown, not logged.
 */
export async function openNetwork(bytes: Uint8Array): Promise<Network> {
  const session = await ort.InferenceSession.create(bytes, { intraOpNumThreads: 1, logSeverityLevel: 4 });
  return {
    session,
    async run(...pictures) {
      const shape = [pictures.length, pictures[0]!.height, pictures[0]!.width, 3];
      const pixels = new ort.Tensor('uint8', Buffer.concat(pictures.map(({ data }) => data)), shape);
      return (await session.run({ pixels })) as Record<string, ort.TypedTensor<'float32'>>;
    },
    [Symbol.asyncDispose]: () => session.release(),
  };
}

/** Boxes with their scores, best first, without those that overlap a better one by half; coordinates times 512. */
export function facesIn(boxes: Float32Array, scores: Float32Array, minimumScore = 0.5): DetectedFace[] {
  const faces: DetectedFace[] = [];
  const candidates = Array.from(scores, (score, i) => ({ score, i })).filter(({ score }) => score >= minimumScore);
  for (const { score, i } of candidates.sort((a, b) => b.score - a.score)) {
    const corners = Array.from(boxes.subarray(i * 4, i * 4 + 4), (coordinate) => coordinate * 512);
    const [top, left, bottom, right] = corners as [number, number, number, number];
    const face = { score, top, left, bottom, right };
    if (faces.every((better) => intersectionOverUnion(better, face) < 0.5)) faces.push(face);
  }
  return faces;
}

/** Shared area over joint area, 0 to 1. */
export function intersectionOverUnion(a: DetectedFace, b: DetectedFace): number {
  const height = Math.max(0, Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top));
  const width = Math.max(0, Math.min(a.right, b.right) - Math.max(a.left, b.left));
  return (height * width) / (area(a) + area(b) - height * width);
}

function area({ top, left, bottom, right }: DetectedFace): number {
  return (bottom - top) * (right - left);
}

export interface DetectedFace {
  score: number;
  top: number;
  left: number;
  bottom: number;
  right: number;
}
