import type { TestContext } from 'node:test';
import fc from 'fast-check';

/** fast-check's parameters with a seed that the test prints; FACEPASS_TEST_SEED repeats a run. */
export function seeded<Values>(t: TestContext, numRuns: number): fc.Parameters<Values> {
  const seed = Number(process.env['FACEPASS_TEST_SEED'] ?? Date.now() % 2 ** 31);
  t.diagnostic(`seed ${seed}, ${numRuns} runs`);
  return { seed, numRuns };
}

/** Any identifier that the contract allows. */
export const identifier = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 255 })
  .map((text) =>
    [...text.toWellFormed()]
      .filter((character) => !/\p{Cc}/u.test(character))
      .slice(0, 255)
      .join(''),
  )
  .filter((text) => text.length > 0);

/** The two usual kinds of photo id. */
export const usualPhotoId = fc.oneof(
  fc.uuid(),
  fc
    .tuple(fc.integer({ min: 1.5e12, max: 2e12 }), fc.stringMatching(/^[0-9a-f]{8,40}$/))
    .map(([time, hash]) => `${time}-${hash}`),
);
