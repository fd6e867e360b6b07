import { crowdOf } from './measure.ts';
import { meanOf, portraitsOf } from './pairs.ts';
import type { FacesByPath } from './cache.ts';
import type { Person, Photo } from './people.ts';

/**
 * What all faces share: the mean of vectors that nothing was taken off, half of it from portraits of people and half from
 * the faces of other photos, so that neither kind of picture decides alone. Four digits, as the manifest has it.
 */
export function centreOf(people: readonly Person[], crowd: readonly Photo[], faces: FacesByPath): number[] {
  const kinds = [portraitsOf(people, faces).map(({ embedding }) => embedding), crowdOf(crowd, faces)].filter(
    ({ length }) => length > 0,
  );
  const means = kinds.map((embeddings) => sumOf(embeddings).map((x) => x / embeddings.length));
  return [...sumOf(means)].map((x) => Number((x / means.length).toFixed(4)));
}

function sumOf(vectors: readonly Float32Array[]): Float32Array {
  const sum = new Float32Array(vectors[0]!.length);
  for (const vector of vectors) vector.forEach((x, i) => (sum[i]! += x));
  return sum;
}

/** The faces as they are with the centre `next` instead of `previous`; undefined is none. */
export function moveCentre(
  faces: FacesByPath,
  previous: readonly number[] | undefined,
  next: readonly number[] | undefined,
): FacesByPath {
  const moved = (embedding: Float32Array) => {
    const whole = previous ? uncentred(embedding, previous) : embedding;
    return next ? meanOf([whole.map((x, i) => x - next[i]!)]) : whole;
  };
  return new Map(
    [...faces].map(([path, found]) => [path, found.map((face) => ({ ...face, embedding: moved(face.embedding) }))]),
  );
}

/** The vector of length 1 that points from `centre` in the direction `embedding`. */
function uncentred(embedding: Float32Array, centre: readonly number[]): Float32Array {
  let [along, squares] = [0, 0];
  centre.forEach((x, i) => {
    along += x * embedding[i]!;
    squares += x * x;
  });
  const distance = Math.sqrt(along * along + 1 - squares) - along;
  return embedding.map((x, i) => centre[i]! + distance * x);
}
