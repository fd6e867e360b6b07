import { modelIdOf, readModelPack, type ModelPack } from '@facepass/contracts/model-pack';
import type { ImageLimits } from './image.ts';

/** What a pipeline is made of. Everything but the models has a default. */
export interface PipelineConfig {
  /** Folder that holds a folder per model pack. */
  modelsDirectory: string;
  /** Name of the pack: the folder with its `manifest.json`. */
  modelPack: string;
  /** Where the pack's weight files lie, if not beside its manifest. */
  weightsDirectory?: string;
  /** Name of the licence the operator accepted, for packs that ask for it. */
  licenceAccepted?: string;
  /** onnxruntime execution providers by name, in order of preference; `cpu` by default. */
  executionProviders?: string[];
  limits?: Partial<ImageLimits>;
  /** No more faces than these are kept of one photo, the largest. */
  maxFaces?: number;
}

/** Loaded models, ready to work. One photo at a time: one pipeline per worker thread. */
export interface Pipeline extends AsyncDisposable {
  readonly pack: ModelPack;
  /** For example `dlib-1/128`. */
  readonly modelId: string;
  /**
   * Every face of a photo.
   * @throws ImageError when the bytes are no picture inside the limits.
   */
  findFaces(image: Uint8Array, options?: FindFacesOptions): Promise<FoundFaces>;
}

export interface FindFacesOptions {
  /** Detections below this score are not faces; absent or 0: the pack's own default. */
  minConfidence?: number;
  /** The largest faces are kept; absent or 0: the pipeline's limit. */
  maxFaces?: number;
}

/** Names and units are those of contracts/inference.proto. */
export interface FoundFaces {
  /** Faces good enough to be compared, largest first. */
  faces: FoundFace[];
  /** Faces that were seen and refused. */
  rejected: RefusedFace[];
  /** Size of the upright photo, in pixels; boxes and landmarks refer to it. */
  width: number;
  height: number;
  timings: StageTimings;
}

export interface FoundFace {
  box: Box;
  landmarks: Point[];
  confidence: number;
  quality: FaceQuality;
  /** L2-normalised, `pack.embedding_size` long. */
  embedding: Float32Array;
}

export interface RefusedFace {
  box: Box;
  confidence: number;
  reason: RejectReason;
}

export interface FaceQuality {
  score: number;
  sizePixels: number;
  sharpness: number;
  frontality: number;
}

export interface StageTimings {
  decodeMs: number;
  detectMs: number;
  alignMs: number;
  embedMs: number;
}

export type RejectReason = 'too_small' | 'blurred' | 'extreme_pose' | 'truncated';
export interface Box { x: number; y: number; width: number; height: number }
export interface Point { x: number; y: number }

/**
 * Loads a model pack and warms it up.
 * @throws Error naming the file whose bytes are not those of the manifest, or the licence that was not accepted.
 */
export async function createPipeline(config: PipelineConfig): Promise<Pipeline> {
  const pack = await readModelPack(config.modelsDirectory, config.modelPack);
  throw new Error(`${modelIdOf(pack)}: the pipeline is not written yet`);
}
