/**
 * A face whose person is known: `person` is the identity, `source` the picture it was cut from (never compared with
 * itself).
 */
export interface LabelledFace<Embedding> {
  person: string;
  source: string;
  embedding: Embedding;
}

/** Likeness of every pair of faces, of the same person and of different people. Larger is more alike. */
export interface PairScores {
  same: number[];
  different: number[];
}

/** Scores of all pairs of faces from different sources. */
export function scorePairs<E>(faces: readonly LabelledFace<E>[], likeness: (a: E, b: E) => number): PairScores {
  const scores: PairScores = { same: [], different: [] };
  faces.forEach((a, i) => {
    for (const b of faces.slice(i + 1)) {
      if (a.source !== b.source)
        (a.person === b.person ? scores.same : scores.different).push(likeness(a.embedding, b.embedding));
    }
  });
  return scores;
}

/**
 * Area under the ROC curve: the chance that a pair of the same person scores above a pair of different people; NaN
 * without pairs.
 */
export function rocAuc({ same, different }: PairScores): number {
  const strangers = different.toSorted((a, b) => a - b);
  const wins = same.reduce(
    (sum, score) => sum + (countBelow(strangers, score) + countBelow(strangers, score, true)) / 2,
    0,
  );
  return wins / (same.length * strangers.length);
}

/** Lowest threshold at which at most the share `far` of different pairs is accepted (`score >= threshold`). */
export function thresholdAt({ different }: PairScores, far: number): number {
  const allowed = Math.floor(far * different.length);
  const next = different.toSorted((a, b) => b - a)[allowed];
  return next === undefined ? -Infinity : next + Number.EPSILON * Math.max(1, Math.abs(next));
}

/** Share of same-person pairs accepted at the threshold that lets in the share `far` of different pairs. */
export function trueAcceptRate(scores: PairScores, far: number): number {
  return shareAccepted(scores.same, thresholdAt(scores, far));
}

export function shareAccepted(scores: readonly number[], threshold: number): number {
  return scores.filter((score) => score >= threshold).length / scores.length;
}

function countBelow(ascending: readonly number[], score: number, orEqual = false): number {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle]! < score || (orEqual && ascending[middle] === score)) low = middle + 1;
    else high = middle;
  }
  return low;
}
