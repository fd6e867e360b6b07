import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';

/** One weight file of a pack. It is loaded only when its bytes hash to `sha256`. */
const weightFile = z.strictObject({
  file: z.string().regex(/^[a-z0-9_.-]+\.onnx$/i),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  source: z.string().min(1),
  /** Where `models/prepare.ts` fetches it; absent where it is converted or brought by the user. */
  url: z.url({ protocol: /^https?$/ }).optional(),
  licence: z.string().min(1),
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
   * Set where the network was trained for Euclidean distance: an output `e` is stored as `(e, √(r² − |e|²)) / r`, one number longer and
   * of length 1, so that the cosine of two falls as the Euclidean distance of their outputs grows. No output is longer than `r`.
   */
  euclidean_radius: z.number().positive().optional(),
});

const calibration = z
  .strictObject({
    /** Cosine of two embeddings at which a match is as good as a guess should ever be: similarity 0.5. */
    decision_cosine: z.number().min(-0.9999).max(0.9999),
    /**
     * Median cosine of the faces of two different people: similarity 0.25, so that thresholds below 0.5 find more
     * people by and by. Absent where it was not measured; similarity then falls to −1 in one line.
     */
    stranger_cosine: z.number().min(-0.9999).max(0.9999).optional(),
    /** How the decision point was measured: photos, pairs, false match rate. */
    evidence: z.string().min(1),
  })
  .refine(({ decision_cosine, stranger_cosine = -1 }) => stranger_cosine <= decision_cosine - 0.0001, {
    path: ['stranger_cosine'],
    error: 'must be below decision_cosine',
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
  alignment: z.enum(['dlib-150', 'arcface-112']),
  recogniser,
  calibration,
});

/** `models/<name>/manifest.json`. */
export const modelPackManifest = fields.refine(
  ({ detector, landmarks }) => detector.kind !== 'ssd-mobilenet' || landmarks !== undefined,
  {
    path: ['landmarks'],
    error: 'must be given: the detector ssd-mobilenet finds no landmarks',
  },
);

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

/** The id stored with every vector; vectors of different ids are never compared. */
export function modelIdOf(pack: Pick<ModelPack, 'name' | 'version'>): string {
  return `${pack.name}-${pack.version}`;
}

/**
 * Similarity, 0 to 1, of two embeddings whose cosine is `cosine`: 0.25 between strangers, 0.5 at the pack's decision
 * point, 1 for the same picture; straight lines between, so monotonic and exactly invertible by `cosineOfSimilarity`.
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

export type Calibration = Pick<ModelPack['calibration'], 'decision_cosine' | 'stranger_cosine'>;
type Knot = [x: number, y: number];

function knotsOf({ decision_cosine, stranger_cosine }: Calibration): Knot[] {
  return [
    [-1, 0],
    ...(stranger_cosine === undefined ? [] : [[stranger_cosine, 0.25] satisfies Knot]),
    [decision_cosine, 0.5],
    [1, 1],
  ];
}

/** The y of the line through `knots` (ascending) at `x`; beyond their ends, that of the end. */
function along(x: number, knots: readonly Knot[]): number {
  const next = knots.findIndex(([knotX]) => x < knotX);
  if (next === -1) return knots.at(-1)![1];
  if (next === 0) return knots[0]![1];
  const [[x0, y0], [x1, y1]] = [knots[next - 1]!, knots[next]!];
  return y0 + ((x - x0) * (y1 - y0)) / (x1 - x0);
}
