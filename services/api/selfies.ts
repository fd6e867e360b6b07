import type { Box, SearchAnswer } from '@facepass/contracts/http';
import { similarityOfCosine, type Model } from '@facepass/contracts/model-pack';
import { ApiProblem } from '@facepass/indexing/errors';
import { findFaces, type FoundFace } from '@facepass/indexing/faces';
import type { Context } from './context.ts';
import { readEmbedding, readPhoto } from './db/inventory.ts';

/** Maximum number of selfies per search. */
export const SELFIES_LIMIT = 5;

/**
 * Two selfies below this similarity show different people; one pair of different people in 1,000 reaches it. Of 947
 * pairs of press photos of one person, taken years apart, 1.5 % are below it with SFace, and 3.0 % below 0.5.
 */
export const SAME_PERSON_SIMILARITY = 0.4;

/** The face to search for. */
export interface Query {
  /** The mean direction of the chosen faces under each of the models asked for, in their order. */
  embeddings: readonly (readonly number[])[];
  /** What the answer says of it. */
  presented: SearchAnswer['query'];
}

/** The models of the sessions to search, each once; the first session's first. */
export type QueryModels = readonly [Model, ...Model[]];

/**
 * What a search is for: the person of the selfies, or of a stored face of the session where `photo_id` is given.
 * @throws ApiProblem of a selfie, with its number where there are several; face_index_out_of_range; selfies_differ;
 * photo_not_indexed; model_mismatch where a stored face is asked for in sessions of another model
 */
export async function readQuery(
  context: Context,
  models: QueryModels,
  images: readonly Uint8Array[],
  fields: { session_id: string; photo_id?: string; face_index?: number },
  signal?: AbortSignal,
): Promise<Query> {
  const { session_id, photo_id, face_index = 0 } = fields;
  if (photo_id !== undefined) return readStoredFace(context, models, session_id, photo_id, face_index);
  const [model, ...others] = models;
  const selfies = await readSelfies(context, model, images, face_index, signal);
  const embeddings = [meanDirection(selfies.map(({ face }) => face.embedding))];
  for (const other of others) {
    const again = [];
    for (const [i, { face }] of selfies.entries())
      again.push(await sameFace(context, other, images[i]!, face.box, signal));
    embeddings.push(meanDirection(again.map(({ embedding }) => embedding)));
  }
  return { embeddings, presented: presentQuery(selfies) };
}

/**
 * The face at `box` as another model embeds it. The packs' detectors differ by some pixels, and may order faces of one
 * size in another way.
 */
async function sameFace(
  context: Context,
  model: Model,
  image: Uint8Array,
  box: Box,
  signal?: AbortSignal,
): Promise<FoundFace> {
  const { faces } = await findFaces(context, model, image, 'search', signal);
  const overlaps = faces.map((face) => overlapOf(face.box, box));
  const face = faces[overlaps.indexOf(Math.max(...overlaps))];
  if (face && Math.max(...overlaps) > 0) return face;
  throw new ApiProblem(
    'no_face',
    `Model ${model.modelId}, of one of the sessions, does not find the face of the selfie.`,
  );
}

/** Pixels that two boxes share. */
function overlapOf(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return Math.max(0, width) * Math.max(0, height);
}

async function readStoredFace(
  { pool }: Context,
  [model, other]: QueryModels,
  sessionId: string,
  photoId: string,
  faceIndex: number,
): Promise<Query> {
  if (other)
    throw new ApiProblem(
      'model_mismatch',
      `The stored face is a vector of ${model.modelId}; a session of ${other.modelId} is searched with a selfie.`,
    );
  const stored = await readPhoto(pool, sessionId, photoId);
  if (stored.length === 0)
    throw new ApiProblem('photo_not_indexed', `The session has no photo ${JSON.stringify(photoId)}.`);
  const embedding = await readEmbedding(pool, { sessionId, photoId, faceIndex }, model);
  if (!embedding) {
    const indexes = stored.map(({ face_index }) => face_index).join(', ');
    throw new ApiProblem('face_index_out_of_range', `The photo has no face ${faceIndex}; it has ${indexes}.`);
  }
  const faces = stored.map(({ face_index, box }) => ({ face_index, box: box ?? NO_BOX }));
  const { box } = faces.find(({ face_index }) => face_index === faceIndex) ?? { box: NO_BOX };
  const presented = { faces_detected: faces.length, face_index: faceIndex, box, ...(faces.length > 1 && { faces }) };
  return { embeddings: [embedding], presented };
}

/** Of a face that was indexed before boxes were kept. */
const NO_BOX = { x: 0, y: 0, width: 0, height: 0 };

interface ReadSelfie {
  faces: FoundFace[];
  face: FoundFace;
  faceIndex: number;
}

/** Takes face `faceIndex` (0 is the largest) of the first selfie, and of each other selfie the face most similar to it. */
async function readSelfies(
  context: Context,
  model: Model,
  images: readonly Uint8Array[],
  faceIndex: number,
  signal?: AbortSignal,
): Promise<ReadSelfie[]> {
  const found: FoundFace[][] = [];
  for (const [i, image] of images.entries()) {
    const { faces } = await findFaces(context, model, image, 'search', signal).catch((error: unknown) => {
      throw images.length > 1 && error instanceof ApiProblem ? numbered(error, i) : error;
    });
    found.push(faces);
  }
  const [first = [], ...others] = found;
  const face = first[faceIndex];
  if (!face)
    throw new ApiProblem(
      'face_index_out_of_range',
      `The selfie has ${first.length} faces, numbered from 0; face ${faceIndex} does not exist.`,
    );
  const selfies = [{ faces: first, face, faceIndex }, ...others.map((faces) => mostSimilar(faces, face))];
  requireOnePerson(model, selfies);
  return selfies;
}

function numbered(problem: ApiProblem, i: number): ApiProblem {
  const { code, extensions, retryAfterMs } = problem;
  return new ApiProblem(code, `Selfie ${i + 1}: ${problem.message}`, { ...extensions, retryAfterMs, cause: problem });
}

function mostSimilar(faces: FoundFace[], { embedding }: FoundFace): ReadSelfie {
  const cosines = faces.map((face) => cosineOf(face.embedding, embedding));
  const faceIndex = cosines.indexOf(Math.max(...cosines));
  return { faces, face: faces[faceIndex]!, faceIndex };
}

function requireOnePerson({ pack }: Model, selfies: readonly ReadSelfie[]): void {
  for (const [i, a] of selfies.entries()) {
    for (const [j, b] of selfies.slice(0, i).entries()) {
      const similarity = similarityOfCosine(cosineOf(a.face.embedding, b.face.embedding), pack.calibration);
      if (similarity < SAME_PERSON_SIMILARITY)
        throw new ApiProblem(
          'selfies_differ',
          `Selfies ${j + 1} and ${i + 1} show different people: their similarity is ${similarity.toFixed(2)}, below ${SAME_PERSON_SIMILARITY}.`,
        );
    }
  }
}

/** The mean of vectors of length 1, scaled to length 1. */
export function meanDirection(vectors: readonly (readonly number[])[]): readonly number[] {
  if (vectors.length === 1) return vectors[0]!;
  const sum = vectors[0]!.map((_, i) => vectors.reduce((total, vector) => total + vector[i]!, 0));
  const length = Math.hypot(...sum);
  return sum.map((x) => x / length);
}

function cosineOf(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, x, i) => sum + x * b[i]!, 0);
}

/** The `query` of the answer. Its top-level fields describe the first selfie. */
function presentQuery(selfies: readonly ReadSelfie[]): SearchAnswer['query'] {
  const presented = selfies.map(presentSelfie);
  return presented.length === 1 ? presented[0]! : { ...presented[0]!, selfies: presented };
}

function presentSelfie({ faces, face, faceIndex }: ReadSelfie) {
  const chosen = { faces_detected: faces.length, face_index: faceIndex, box: face.box };
  return faces.length === 1 ? chosen : { ...chosen, faces: faces.map(({ box }, face_index) => ({ face_index, box })) };
}
