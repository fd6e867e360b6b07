import type { ModelPack } from '@facepass/contracts/model-pack';
import type { Detection } from './boxes.ts';
import { decodeScrfd } from './detector-scrfd.ts';
import { decodeSsd } from './detector-ssd.ts';
import { decodeYunet } from './detector-yunet.ts';
import type { Raster } from './raster.ts';
import type { Model, Tensor } from './models.ts';
import { INPUT_MULTIPLE } from './tiles.ts';

/** Finds faces in a raster of up to `inputSize` × `inputSize` pixels. */
export interface Detector {
  inputSize: number;
  sight: Sight;
  /**
   * Every detection with a score of `minScore` or more, in the raster's pixels, overlapping ones not yet suppressed.
   */
  detect(raster: Raster, minScore: number): Promise<Detection[]>;
}

export function createDetector(pack: Pick<ModelPack, 'detector'>, model: Model): Detector {
  const { kind, input_size: inputSize } = pack.detector;
  const { layOut, decode, sight } = KINDS[kind];
  return {
    inputSize,
    sight,
    async detect(raster, minScore) {
      if (raster.width > inputSize || raster.height > inputSize)
        throw new RangeError(`${raster.width}×${raster.height} pixels do not fit a detector of ${inputSize}`);
      const input = inputFor(raster, inputSize, model);
      return decode(await model.run(layOut(raster, input)), input, minScore);
    },
  };
}

/**
 * What a network sees, in pixels of its input (longer side of the box), measured on faces pasted at known sizes onto
 * plain and textured ground (docs/decisions/0041).
 */
export interface Sight {
  /** A lower score means nothing; this one is worth a closer look. */
  faintScore: number;
  /** Faces of this size leave a faint trace at least, even those cut out of their surroundings. */
  faintSize: number;
  /** Many of this size do, in their natural surroundings. */
  naturalSize: number;
  /** The size at which a face scores best: a closer look brings it there. */
  closeUpSize: number;
  /**
   * From this score on a detection is an upright face of a person; below, it is looked at again, turned
   * (second-look.ts). Absent where that was not measured.
   */
  sureScore?: number;
  /**
   * Views in which a face is looked at for its landmarks alone: longer side of the face and side of the view, in pixels
   * of the input. Absent where that was not measured.
   */
  landmarkViews?: readonly { size: number; side: number; mirrored: boolean }[];
  /** So many pixels of input more are spent on any photo, in search of small faces. */
  cheapPixels: number;
}

interface InputSize {
  width: number;
  height: number;
}

interface DetectorKind {
  /** The raster as the network's input tensor, padded on the right and below. */
  layOut: (raster: Raster, input: InputSize) => Tensor;
  /** The network's outputs as detections, in pixels of its input. */
  decode: (outputs: Record<string, Tensor>, input: InputSize, minScore: number) => Detection[];
  sight: Sight;
}

const KINDS: Record<ModelPack['detector']['kind'], DetectorKind> = {
  'ssd-mobilenet': {
    layOut: interleavedBytes,
    decode: decodeSsd,
    sight: { faintScore: 0.05, faintSize: 46, naturalSize: 14, closeUpSize: 56, cheapPixels: 512 * 512 },
  },
  yunet: {
    layOut: planarFloats([2, 1, 0], 0, 1),
    decode: decodeYunet,
    sight: {
      faintScore: 0.08,
      faintSize: 34,
      naturalSize: 12,
      closeUpSize: 56,
      cheapPixels: 2 * 512 * 512,
      sureScore: 0.9,
      landmarkViews: [
        { size: 56, side: 128, mirrored: true },
        { size: 80, side: 192, mirrored: false },
      ],
    },
  },
  scrfd: {
    layOut: planarFloats([0, 1, 2], 127.5, 1 / 128),
    decode: decodeScrfd,
    sight: { faintScore: 0.08, faintSize: 34, naturalSize: 12, closeUpSize: 56, cheapPixels: 2 * 512 * 512 },
  },
};

/** The network's own size where it is fixed, else the raster's rounded up. */
function inputFor(raster: Raster, inputSize: number, { input }: Model): InputSize {
  const [height, width] = input.type === 'uint8' ? input.shape.slice(1, 3) : input.shape.slice(2, 4);
  const roundUp = (length: number) => Math.min(inputSize, Math.ceil(length / INPUT_MULTIPLE) * INPUT_MULTIPLE);
  return { width: width ?? roundUp(raster.width), height: height ?? roundUp(raster.height) };
}

/** [1, height, width, 3] bytes, padded with black as in the pictures that the network learnt from. */
function interleavedBytes(raster: Raster, { width, height }: InputSize): Tensor {
  const data = new Uint8Array(height * width * 3);
  const line = raster.width * 3;
  for (let y = 0; y < raster.height; y++) data.set(raster.pixels.subarray(y * line, (y + 1) * line), y * width * 3);
  return { data, shape: [1, height, width, 3] };
}

/**
 * [1, 3, height, width] floats `(pixel - mean) * scale`, channels in the given order, padded with black as the
 * networks' own programs do.
 */
function planarFloats([first, second, third]: readonly [number, number, number], mean: number, scale: number) {
  return ({ pixels, ...raster }: Raster, { width, height }: InputSize): Tensor => {
    const plane = width * height;
    const data = new Float32Array(3 * plane).fill((0 - mean) * scale);
    for (let y = 0, at = 0; y < raster.height; y++) {
      for (let out = y * width, end = out + raster.width; out < end; out++, at += 3) {
        data[out] = (pixels[at + first]! - mean) * scale;
        data[out + plane] = (pixels[at + second]! - mean) * scale;
        data[out + 2 * plane] = (pixels[at + third]! - mean) * scale;
      }
    }
    return { data, shape: [1, 3, height, width] };
  };
}
