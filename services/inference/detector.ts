import type { ModelPack } from '@facepass/contracts/model-pack';
import { moveDetection, type Box, type Detection } from './boxes.ts';
import { decodeScrfd } from './detector-scrfd.ts';
import { decodeSsd } from './detector-ssd.ts';
import { decodeYunet } from './detector-yunet.ts';
import type { Raster } from './image.ts';
import type { Model, Tensor } from './models.ts';

/** Finds faces in a region of a raster of up to `inputSize` × `inputSize` pixels. */
export interface Detector {
  inputSize: number;
  sight: Sight;
  /**
   * Every detection with a score of `minScore` or more, in the raster's pixels, overlapping ones not yet suppressed.
   * The region, in whole pixels, may reach over the raster's edge.
   */
  detect(raster: Raster, region: Box, minScore: number): Promise<Detection[]>;
}

export function createDetector(pack: Pick<ModelPack, 'detector'>, model: Model): Detector {
  const { kind, input_size: inputSize } = pack.detector;
  const { layOut, decode, sight } = KINDS[kind];
  return {
    inputSize,
    sight,
    async detect(raster, region, minScore) {
      if (region.width > inputSize || region.height > inputSize)
        throw new RangeError(`a region of ${region.width}×${region.height} pixels does not fit a detector of ${inputSize}`);
      const input = inputFor(region, inputSize, model);
      const outputs = await model.run(layOut(raster, region, input));
      return decode(outputs, input, minScore).map((detection) => moveDetection(detection, { x: 1, y: 1 }, region));
    },
  };
}

/**
 * What a network sees, in pixels of its input (longer side of the box), measured on faces pasted at known sizes onto plain and textured
 * ground (docs/decisions/0041).
 */
export interface Sight {
  /** A lower score means nothing; this one is worth a closer look. */
  faintScore: number;
  /** Faces of this size leave a faint trace at least, even those cut out of their surroundings. */
  faintSize: number;
  /** Faces of this size in their natural surroundings do. */
  naturalSize: number;
  /** The size at which a face scores best: a closer look brings it there. */
  closeUpSize: number;
}

interface InputSize {
  width: number;
  height: number;
}

interface DetectorKind {
  /** The region as the network's input tensor, padded on the right and below. */
  layOut: (raster: Raster, region: Box, input: InputSize) => Tensor;
  /** The network's outputs as detections, in pixels of its input. */
  decode: (outputs: Record<string, Tensor>, input: InputSize, minScore: number) => Detection[];
  sight: Sight;
}

/** Width and height of an input that may vary are multiples of this: few shapes keep onnxruntime's memory small. */
const INPUT_MULTIPLE = 64;

const KINDS: Record<ModelPack['detector']['kind'], DetectorKind> = {
  'ssd-mobilenet': {
    layOut: interleavedBytes,
    decode: decodeSsd,
    sight: { faintScore: 0.05, faintSize: 40, naturalSize: 20, closeUpSize: 56 },
  },
  yunet: {
    layOut: planarFloats([2, 1, 0], 0, 1),
    decode: decodeYunet,
    sight: { faintScore: 0.1, faintSize: 26, naturalSize: 14, closeUpSize: 56 },
  },
  scrfd: {
    layOut: planarFloats([0, 1, 2], 127.5, 1 / 128),
    decode: decodeScrfd,
    sight: { faintScore: 0.1, faintSize: 26, naturalSize: 14, closeUpSize: 56 },
  },
};

/** The network's own size where it is fixed, else the region rounded up. */
function inputFor(region: Box, inputSize: number, { input }: Model): InputSize {
  const [height, width] = input.type === 'uint8' ? input.shape.slice(1, 3) : input.shape.slice(2, 4);
  const roundUp = (length: number) => Math.min(inputSize, Math.ceil(length / INPUT_MULTIPLE) * INPUT_MULTIPLE);
  return { width: width ?? roundUp(region.width), height: height ?? roundUp(region.height) };
}

/** [1, height, width, 3] bytes; black where the raster does not reach, as in the pictures that the network learnt from. */
function interleavedBytes(raster: Raster, region: Box, { width, height }: InputSize): Tensor {
  const data = new Uint8Array(height * width * 3);
  forEachRow(raster, region, (y, x0, x1, start) => {
    data.set(raster.pixels.subarray(start, start + (x1 - x0) * 3), (y * width + x0) * 3);
  });
  return { data, shape: [1, height, width, 3] };
}

/** [1, 3, height, width] floats `(pixel - mean) * scale`, channels in the given order; 0 where the raster does not reach. */
function planarFloats(channels: readonly [number, number, number], mean: number, scale: number) {
  return (raster: Raster, region: Box, { width, height }: InputSize): Tensor => {
    const plane = width * height;
    const data = new Float32Array(3 * plane);
    const { pixels } = raster;
    const [first, second, third] = channels;
    forEachRow(raster, region, (y, x0, x1, start) => {
      for (let at = start, out = y * width + x0, end = y * width + x1; out < end; at += 3, out++) {
        data[out] = (pixels[at + first]! - mean) * scale;
        data[out + plane] = (pixels[at + second]! - mean) * scale;
        data[out + 2 * plane] = (pixels[at + third]! - mean) * scale;
      }
    });
    return { data, shape: [1, 3, height, width] };
  };
}

/** For each row of the region inside the raster: its `y` and columns `x0` to `x1` in the region, and where it starts in the pixels. */
function forEachRow(raster: Raster, region: Box, visit: (y: number, x0: number, x1: number, start: number) => void): void {
  const x0 = Math.max(0, -region.x);
  const x1 = Math.min(region.width, raster.width - region.x);
  if (x1 <= x0) return;
  for (let y = Math.max(0, -region.y); y < Math.min(region.height, raster.height - region.y); y++)
    visit(y, x0, x1, ((y + region.y) * raster.width + x0 + region.x) * 3);
}
