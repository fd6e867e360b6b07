import type { Box } from '@facepass/contracts/http';
import type { DetectFacesResponse, Face } from '@facepass/contracts/inference';
import type { Model } from '@facepass/contracts/model-pack';
import { ApiProblem } from './errors.ts';
import type { InferenceClient, Purpose } from './inference-client.ts';

/** Who finds faces, and by which models. */
export interface FaceFinder {
  inference: InferenceClient;
  /** Those that are served; the first is that of new sessions. */
  models: readonly [Model, ...Model[]];
}

/** The served model of vectors that are stored, or undefined where nobody serves it any more. */
export function servedModel({ models }: Pick<FaceFinder, 'models'>, modelId: string): Model | undefined {
  return models.find((model) => model.modelId === modelId);
}

/**
 * The model that a session keeps.
 * @throws ApiProblem model_mismatch where it is not served
 */
export function modelOfSession(context: Pick<FaceFinder, 'models'>, sessionId: string, modelId: string): Model {
  const model = servedModel(context, modelId);
  if (model) return model;
  const served = context.models.map((one) => one.modelId).join(', ');
  throw new ApiProblem(
    'model_mismatch',
    `Session ${JSON.stringify(sessionId)} was indexed with ${modelId}; this service runs ${served}.`,
  );
}

/** A face found by the inference server; its numbers are rounded to their precision. */
export interface FoundFace {
  box: Box;
  confidence: number;
  quality: number;
  embedding: number[];
}

export interface FoundFaces {
  /** Largest first: a face's position is its face_index. */
  faces: FoundFace[];
  rejected: { box: Box; reason: string }[];
  /** What is wrong with the image although it has faces; absent if nothing is wrong. */
  warnings?: { code: string; detail: string }[];
}

/** Which of an image's faces a call wants. */
export interface Selection {
  max_faces?: number;
  min_quality?: number;
}

/**
 * Finds the faces of an image that `selection` wants, at least one, and embeds them with `model`.
 * @throws ApiProblem no_face, inference_model_mismatch, or what `InferenceClient.detectFaces` throws
 */
export async function findFaces(
  { inference }: Pick<FaceFinder, 'inference'>,
  model: Model,
  image: Uint8Array,
  purpose: Purpose,
  signal?: AbortSignal,
  selection: Selection = {},
): Promise<FoundFaces> {
  const found = await inference.detectFaces(image, model.modelId, purpose, signal);
  requireModel(model, found);
  const refused = found.rejected.map(({ box, reason }) => ({ box: roundedBox(box), reason }));
  const { faces, rejected } = selected(found.faces.map(foundFace), selection);
  rejected.push(...refused);
  if (faces.length === 0) throw new ApiProblem('no_face', noFaceDetail(rejected), { rejected });
  return { faces, rejected, ...warningsOf(found) };
}

/** The largest faces of those that are good enough; the others with the reason. */
function selected(found: FoundFace[], { max_faces = Infinity, min_quality = 0 }: Selection): FoundFaces {
  const good = found.filter((face) => face.quality >= min_quality);
  const faces = good.slice(0, max_faces);
  const reasonOf = (face: FoundFace) => (face.quality < min_quality ? 'low_quality' : 'over_limit');
  const others = found.filter((face) => !faces.includes(face));
  return { faces, rejected: others.map((face) => ({ box: face.box, reason: reasonOf(face) })) };
}

function warningsOf({ rowsDecoded }: DetectFacesResponse): Pick<FoundFaces, 'warnings'> {
  if (rowsDecoded === undefined) return {};
  const missing = Math.ceil(100 * (1 - rowsDecoded));
  const rows = missing === 0 ? 'All its rows are readable.' : `The last ${missing} % of its rows are missing.`;
  return { warnings: [{ code: 'image_incomplete', detail: `The JPEG file ends early. ${rows}` }] };
}

function noFaceDetail(rejected: FoundFaces['rejected']): string {
  if (rejected.length === 0) return 'The image shows no face.';
  return `Every face in the image was rejected: ${[...new Set(rejected.map(({ reason }) => reason))].join(', ')}.`;
}

function requireModel({ modelId, pack }: Model, found: DetectFacesResponse): void {
  const wrongSize = found.faces.find((face) => face.embedding.length !== pack.embedding_size);
  if (found.modelId === modelId && !wrongSize) return;
  throw new ApiProblem(
    'inference_model_mismatch',
    `The inference server runs model ${found.modelId}; this service needs ${modelId}.`,
  );
}

function foundFace({ box, confidence, quality, embedding }: Face): FoundFace {
  return {
    box: roundedBox(box),
    confidence: rounded(confidence, 4),
    quality: rounded(quality?.score ?? 0, 4),
    embedding,
  };
}

function roundedBox(box: Box | undefined): Box {
  const { x, y, width, height } = box ?? { x: 0, y: 0, width: 0, height: 0 };
  return { x: rounded(x, 2), y: rounded(y, 2), width: rounded(width, 2), height: rounded(height, 2) };
}

/** Rounds `value` to `decimals` places. */
export function rounded(value: number, decimals: number): number {
  return Number(value.toFixed(decimals));
}
