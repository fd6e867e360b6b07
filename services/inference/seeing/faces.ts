import { join } from 'node:path';
import { readModelPack, type ModelPack } from '@facepass/contracts/model-pack';
import { stopIfAbandoned } from './abandoned.ts';
import { affineOf, CHIP_SIZE, chipToPhoto, composeAffine, cutChip } from './align.ts';
import { areaOf, type Box, type Detection, type Point } from './boxes.ts';
import { createDetector, type Detector } from './detector.ts';
import { createEmbedder, type Embed } from './embedder.ts';
import { decodePhoto, storedFromUpright, type ImageLimits, type Photo } from './image.ts';
import { findLandmarks } from './landmarks.ts';
import { locateFaces, type LocateOptions } from './locate.ts';
import { FACES_PER_RUN, loadPackModels, type PackModels } from './models.ts';
import {
  DEFAULT_QUALITY_LIMITS,
  qualityOf,
  rejectReasonOf,
  type FaceQuality,
  type QualityLimits,
  type RejectReason,
} from './quality.ts';
import { isSteady } from './second-look.ts';
import { turnBack, turnPhoto } from './turned-photo.ts';

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
  /** onnxruntime execution providers by name, in order of preference. */
  executionProviders?: string[];
  limits?: Partial<ImageLimits>;
  /** No more faces than these are kept of one photo, the largest; the others are rejected as `over_limit`. */
  maxFaces?: number;
  quality?: Partial<QualityLimits>;
}

export const DEFAULT_IMAGE_LIMITS: ImageLimits = {
  maxBytes: 10 * 1024 * 1024,
  maxWidth: 4096,
  maxHeight: 4096,
  maxPixels: 4096 * 4096,
};
/**
 * A face costs 27 ms of CPU time to embed with `sface`; its place in the photo was found by then.
 */
export const DEFAULT_MAX_FACES = 500;

/** Loaded models, ready to work. One photo at a time: one pipeline per worker thread. */
export interface Pipeline extends AsyncDisposable {
  readonly pack: ModelPack;
  /**
   * Every face of a photo.
   * @throws ImageError when the bytes are no picture inside the limits, Abandoned when `abandoned` said so.
   */
  findFaces(image: Uint8Array, options?: FindFacesOptions): Promise<FoundFaces>;
}

export interface FindFacesOptions {
  /** Detections below this score are not faces; absent or 0: the pack's own default. */
  minConfidence?: number;
  /** The largest faces are kept; absent or 0: the pipeline's limit, which is the most. */
  maxFaces?: number;
  /** Asked before each run of a network; true gives the work up. */
  abandoned?: () => boolean;
}

/** Names and units are those of contracts/inference.proto. */
export interface FoundFaces {
  /** Faces good enough to be compared, largest first. */
  faces: FoundFace[];
  /** Faces that were seen and refused, the largest `MAX_REJECTED` of them, largest first. */
  rejected: RefusedFace[];
  /** Size of the upright photo, in pixels; boxes and landmarks refer to it. */
  width: number;
  height: number;
  /** Set where a JPEG file ends early: the share of its rows that are there, 0.95 to 1. */
  rowsDecoded?: number;
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

export interface StageTimings {
  decodeMs: number;
  detectMs: number;
  alignMs: number;
  embedMs: number;
}

/**
 * Longer side of the smallest face that is looked for, and of the smallest that is looked for in every photo, in pixels
 * of the photo.
 */
const SMALLEST_FACE = 32;
const COMMON_FACE = 64;

/**
 * Loads a model pack and warms it up.
 * @throws Error naming the file whose bytes are not those of the manifest, or the licence that was not accepted.
 */
export async function createPipeline(config: PipelineConfig): Promise<Pipeline> {
  const pack = await readModelPack(config.modelsDirectory, config.modelPack);
  const models = await loadPackModels(pack, {
    directory: config.weightsDirectory ?? join(config.modelsDirectory, config.modelPack),
    executionProviders: config.executionProviders ?? ['cpu'],
    licenceAccepted: config.licenceAccepted,
  });
  const stages: Stages = {
    pack,
    models,
    detector: createDetector(pack, models.detector),
    embed: createEmbedder(pack, models.recogniser),
    limits: { ...DEFAULT_IMAGE_LIMITS, ...config.limits },
    quality: { ...DEFAULT_QUALITY_LIMITS, ...config.quality },
    maxFaces: config.maxFaces ?? DEFAULT_MAX_FACES,
  };
  await warmUp(stages);
  return {
    pack,
    findFaces: (image, options = {}) => findFaces(stages, image, options),
    async [Symbol.asyncDispose]() {
      for (const model of [models.detector, models.landmarks, models.recogniser]) await model?.[Symbol.asyncDispose]();
    },
  };
}

/**
 * Runs every network on a pattern, with a full batch of faces: the first photo of a cold pipeline took 1.6 times as
 * long as the next.
 */
async function warmUp(stages: Stages): Promise<void> {
  const side = stages.detector.inputSize;
  const pixels = Uint8Array.from({ length: side * side * 3 }, (_, i) => (i * i) >> 8);
  const photo: Photo = { stored: { pixels, width: side, height: side }, orientation: 1, width: side, height: side };
  await locateFaces(photo, stages.detector, {
    minConfidence: 1,
    smallestFace: stages.detector.sight.faintSize,
    commonFace: side,
    search: 'thorough',
  });
  const box = { x: side / 4, y: side / 4, width: side / 2, height: side / 2 };
  const landmarks = [
    [0.3, 0.4],
    [0.7, 0.4],
    [0.5, 0.6],
    [0.35, 0.8],
    [0.65, 0.8],
  ].map(([x, y]) => ({ x: box.x + x! * box.width, y: box.y + y! * box.height }));
  await judgeFaces(
    stages,
    photo,
    Array.from({ length: FACES_PER_RUN }, () => ({ box, score: 1, landmarks })),
  );
  const chip = new Uint8Array(3 * CHIP_SIZE[stages.pack.alignment] ** 2);
  await stages.embed(Array.from({ length: FACES_PER_RUN }, () => chip));
}

interface Stages {
  pack: ModelPack;
  models: PackModels;
  detector: Detector;
  embed: Embed;
  limits: ImageLimits;
  quality: QualityLimits;
  maxFaces: number;
}

async function findFaces(stages: Stages, image: Uint8Array, options: FindFacesOptions): Promise<FoundFaces> {
  const started = performance.now();
  const photo = await decodePhoto(image, stages.limits);
  const decodeMs = performance.now() - started;
  const asTaken = await analyse(stages, photo, options, 'thorough');
  const turned = asTaken.faces.length === 0 ? await analyseTurned(stages, photo, options) : null;
  const { faces, rejected, timings } = turned ?? asTaken;
  return {
    faces,
    rejected: rejected.slice(0, MAX_REJECTED),
    width: photo.width,
    height: photo.height,
    ...(photo.rowsDecoded !== undefined && { rowsDecoded: photo.rowsDecoded }),
    timings: { decodeMs, ...(turned ? sumOf(asTaken.timings, timings) : timings) },
  };
}

type AnalysisTimings = Omit<StageTimings, 'decodeMs'>;

interface Analysis {
  faces: FoundFace[];
  rejected: RefusedFace[];
  timings: AnalysisTimings;
}

function sumOf(a: AnalysisTimings, b: AnalysisTimings): AnalysisTimings {
  return { detectMs: a.detectMs + b.detectMs, alignMs: a.alignMs + b.alignMs, embedMs: a.embedMs + b.embedMs };
}

/**
 * The faces of a photo that lies on its side or stands on its head, as scans and some cameras' files do, without an
 * orientation in the file; null where no turn shows one. Only asked of photos in which no face was found as they are.
 */
async function analyseTurned(stages: Stages, photo: Photo, options: FindFacesOptions): Promise<Analysis | null> {
  for (const quarters of [1, 3, 2] as const) {
    const { faces, rejected, timings } = await analyse(stages, turnPhoto(photo, quarters), options, 'one view');
    if (faces.length === 0) continue;
    return {
      faces: faces.map((face) => turnBack(face, quarters, photo)),
      rejected: rejected.map((face) => turnBack(face, quarters, photo)),
      timings,
    };
  }
  return null;
}

async function analyse(
  stages: Stages,
  photo: Photo,
  { minConfidence, maxFaces: wanted, abandoned }: FindFacesOptions,
  search: LocateOptions['search'],
): Promise<Analysis> {
  const started = performance.now();
  const detections = await locateFaces(photo, stages.detector, {
    minConfidence: Math.max(
      minConfidence || stages.pack.detector.min_confidence,
      search === 'one view' ? (stages.detector.sight.sureScore ?? 0) : 0,
    ),
    smallestFace: SMALLEST_FACE,
    commonFace: COMMON_FACE,
    search,
    abandoned,
  });
  const detected = performance.now();
  const maxFaces = Math.min(wanted || stages.maxFaces, stages.maxFaces);
  const { good, rejected } = await alignFaces(stages, photo, detections, { maxFaces, abandoned });
  const aligned = performance.now();
  const embedded = await stages.embed(
    good.map(({ chip }) => chip),
    abandoned,
  );
  const faces: FoundFace[] = [];
  for (const [i, { chip: _, ...face }] of good.entries()) {
    const { embedding, length } = embedded[i]!;
    if (await isPerson(stages, { photo, abandoned }, face, length)) faces.push({ ...face, embedding });
    else rejected.push({ box: face.box, confidence: face.confidence, reason: 'not_a_face' });
  }
  return {
    faces,
    rejected: rejected.toSorted((a, b) => areaOf(b.box) - areaOf(a.box)),
    timings: { detectMs: detected - started, alignMs: aligned - detected, embedMs: performance.now() - aligned },
  };
}

/**
 * Whether what the detector took for a face is one to the recogniser, too, and a person's: short vectors are hands,
 * lamps and fabrics; animals have long ones.
 */
async function isPerson(
  { pack, detector }: Stages,
  look: { photo: Photo; abandoned?: () => boolean },
  face: { box: Box; confidence: number },
  length: number,
): Promise<boolean> {
  const { lengths } = pack.recogniser;
  if (!lengths) return true;
  const least = face.confidence >= TRUSTED_SCORE ? 0.92 * lengths.least : lengths.least;
  return length >= least && (length < lengths.clear || (await isSteady({ ...look, detector }, face)));
}

/** From this score on a detection needs a little less of the recogniser: people behind masks have such scores. */
const TRUSTED_SCORE = 0.8;

/** Rejected faces of one answer, in gRPC and in JSON: some hundred bytes each. */
const MAX_REJECTED = 1000;

/**
 * The detections as faces, largest first, until `maxFaces` are good; the bad ones and the rest apart. No more are
 * looked at than twice what a photo may have, so that the work has an end where most are bad, too.
 */
async function alignFaces(
  stages: Stages,
  photo: Photo,
  detections: readonly Detection[],
  { maxFaces, abandoned }: { maxFaces: number; abandoned?: () => boolean },
) {
  const ordered = detections.toSorted((a, b) => areaOf(b.box) - areaOf(a.box));
  const good: AlignedFace[] = [];
  const rejected: RefusedFace[] = [];
  let next = 0;
  while (next < ordered.length && good.length < maxFaces && next < 2 * stages.maxFaces) {
    stopIfAbandoned(abandoned);
    for (const { face, reason } of await judgeFaces(stages, photo, ordered.slice(next, (next += FACES_PER_RUN)))) {
      if (!reason && good.length < maxFaces) good.push(face);
      else rejected.push({ box: face.box, confidence: face.confidence, reason: reason ?? 'over_limit' });
    }
  }
  rejected.push(
    ...ordered.slice(next).map(({ box, score: confidence }) => ({ box, confidence, reason: 'over_limit' as const })),
  );
  return { good, rejected };
}

/** Landmarks, chip and quality of some detections, and what is wrong with each, if anything is. */
async function judgeFaces({ pack, models, quality: limits }: Stages, photo: Photo, detections: readonly Detection[]) {
  const landmarks = await findLandmarks(photo, detections, models.landmarks, pack.landmarks?.input_size ?? 0);
  return detections.map(({ box, score: confidence }, i): { face: AlignedFace; reason: RejectReason | null } => {
    const located = { box, landmarks: landmarks[i]!, confidence };
    const chip = cutFace(photo, pack, located.landmarks);
    const quality = qualityOf(located, chip, CHIP_SIZE[pack.alignment]);
    return { face: { ...located, quality, chip }, reason: rejectReasonOf(box, quality, photo, limits) };
  });
}

type AlignedFace = Omit<FoundFace, 'embedding'> & { chip: Uint8Array };

function cutFace(photo: Photo, { alignment }: ModelPack, landmarks: readonly Point[]): Uint8Array {
  const toStored = composeAffine(storedFromUpright(photo), affineOf(chipToPhoto(alignment, landmarks)));
  return cutChip(photo.stored, toStored, CHIP_SIZE[alignment]);
}
