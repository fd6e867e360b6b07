import type { FacesByPath } from './cache.ts';
import { likenessOf, type Contestant } from './contestants.ts';
import type { Person } from './people.ts';

/** The face of a person in one photo. */
export interface Portrait {
  person: string;
  group: string;
  embedding: Float32Array;
}

/** Largest first, so that the share above a threshold is found by halving. */
export type Scores = Float64Array;

/** How alike the faces of all pairs of photos are: of one person, and of two. */
export interface PairScores {
  same: Scores;
  different: Scores;
}

export function portraitsOf(people: readonly Person[], faces: FacesByPath): Portrait[] {
  return people.flatMap(({ name, group, photos }) =>
    photos.flatMap(({ path }) => {
      const [face] = faces.get(path) ?? [];
      return face ? [{ person: name, group, embedding: face.embedding }] : [];
    }),
  );
}

export function scorePairs(portraits: readonly Portrait[], likeness: Contestant['likeness']): PairScores {
  const same: number[] = [];
  const different: number[] = [];
  portraits.forEach((a, i) => {
    for (let j = i + 1; j < portraits.length; j += 1) {
      const b = portraits[j]!;
      (a.person === b.person ? same : different).push(likenessOf(likeness, a.embedding, b.embedding));
    }
  });
  return { same: descending(same), different: descending(different) };
}

/** Every one of `embeddings` against every one of `others`. */
export function scoreAcross(
  embeddings: readonly Float32Array[],
  others: readonly Float32Array[],
  likeness: Contestant['likeness'],
): Scores {
  return descending(embeddings.flatMap((a) => others.map((b) => likenessOf(likeness, a, b))));
}

/** The vector of the mean direction: what a search by several selfies compares. */
export function meanOf(embeddings: readonly Float32Array[]): Float32Array {
  const sum = new Float32Array(embeddings[0]!.length);
  for (const embedding of embeddings) embedding.forEach((x, i) => (sum[i]! += x));
  const length = Math.hypot(...sum);
  return sum.map((x) => x / length);
}

export function descending(scores: Iterable<number>): Scores {
  return Float64Array.from(scores).sort().reverse();
}

/** Share of scores of at least `threshold`; NaN of none. */
export function shareAbove(scores: Scores, threshold: number): number {
  let [low, high] = [0, scores.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (scores[middle]! >= threshold) low = middle + 1;
    else high = middle;
  }
  return low / scores.length;
}

/** The lowest threshold that at most the share `rate` of the scores reaches; −∞ where all may. */
export function thresholdAt(scores: Scores, rate: number): number {
  const next = scores[Math.floor(rate * scores.length + 1e-9)];
  return next === undefined ? -Infinity : next + Number.EPSILON * Math.max(1, Math.abs(next));
}

/** Share of pairs of one person that match where at most the share `rate` of the others do. */
export function trueAcceptRate({ same, different }: PairScores, rate: number): number {
  return shareAbove(same, thresholdAt(different, rate));
}

/** Where as many pairs of one person are missed as pairs of two match. */
export function equalErrorRate({ same, different }: PairScores): number {
  let [low, high] = [-2, 2];
  while (high - low > 1e-6) {
    const middle = (low + high) / 2;
    if (shareAbove(different, middle) > 1 - shareAbove(same, middle)) low = middle;
    else high = middle;
  }
  return shareAbove(different, high);
}
