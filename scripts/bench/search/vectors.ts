/** Numbers in [0, 1) that are the same in every run (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A vector of unit length, its direction drawn evenly from the sphere. */
export function randomUnitVector(dimension: number, random: () => number): Float32Array {
  return normalised(Float32Array.from({ length: dimension }, () => gaussian(random)));
}

/** Another picture of the person whose face is `identity`: a unit vector whose cosine with it is about `cosine`. */
export function anotherPicture(identity: Float32Array, cosine: number, random: () => number): Float32Array {
  const noise = randomUnitVector(identity.length, random);
  const weight = Math.sqrt(1 - cosine * cosine);
  return normalised(identity.map((value, i) => cosine * value + weight * (noise[i] ?? 0)));
}

function normalised(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

function gaussian(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
