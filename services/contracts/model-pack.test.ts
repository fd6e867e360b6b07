import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import {
  cosineOfSimilarity,
  falseMatchRateOf,
  readModelPack,
  similarityOfCosine,
  SURE_SIMILARITY,
  type Calibration,
} from './model-pack.ts';

const cosine = fc.double({ min: -1, max: 1, noNaN: true });
/** Tables as a measurement gives them: each cosine at least 0.001 above, each rate at most 0.9 of the one before. */
const calibration = fc
  .record({
    first: fc.record({
      cosine: fc.double({ min: -0.9, max: 0, noNaN: true }),
      rate: fc.double({ min: 1e-2, max: 1, noNaN: true }),
    }),
    steps: fc.array(
      fc.record({
        up: fc.double({ min: 0.001, max: 0.12, noNaN: true }),
        share: fc.double({ min: 0.15, max: 0.9, noNaN: true }),
      }),
      { maxLength: 8 },
    ),
  })
  .map(({ first, steps }): Calibration => {
    const points = [{ cosine: first.cosine, false_match_rate: first.rate }];
    for (const { up, share } of steps) {
      const last = points.at(-1)!;
      points.push({ cosine: last.cosine + up, false_match_rate: last.false_match_rate * share });
    }
    return { false_match_rates: points };
  });

const MEASURED: Calibration = {
  false_match_rates: [
    { cosine: -0.2, false_match_rate: 1 },
    { cosine: 0.3, false_match_rate: 0.01 },
    { cosine: 0.4, false_match_rate: 0.0001 },
    { cosine: 0.46, false_match_rate: 0.00001 },
  ],
};

test('similarity 0.5 is one pair of strangers in 10,000, each 0.1 a factor of ten, 0.1 everybody, 1 the same photo', () => {
  const expected: [cosine: number, similarity: number][] = [
    [-1, 0],
    [-0.6, 0.05],
    [-0.2, 0.1],
    [0.05, 0.2],
    [0.3, 0.3],
    [0.35, 0.4],
    [0.4, 0.5],
    [0.43, 0.55],
    [0.46, 0.6],
    [0.73, 0.8],
    [1, 1],
  ];
  for (const [cosine, similarity] of expected) {
    const got = similarityOfCosine(cosine, MEASURED);
    assert.ok(Math.abs(got - similarity) < 1e-12, `cosine ${cosine} has similarity ${got}, not ${similarity}`);
  }
  for (const [similarity, rate] of [
    [0, 1],
    [0.1, 1],
    [0.2, 0.1],
    [0.5, 1e-4],
    [SURE_SIMILARITY, 1e-5],
    [1, 1e-9],
  ] as const)
    assert.ok(Math.abs(falseMatchRateOf(similarity) / rate - 1) < 1e-9, `${similarity}`);
});

test('a measured cosine has the similarity of its rate', () => {
  fc.assert(
    fc.property(calibration, (pack) => {
      for (const { cosine, false_match_rate } of pack.false_match_rates) {
        const rate = falseMatchRateOf(similarityOfCosine(cosine, pack));
        assert.ok(Math.abs(rate / false_match_rate - 1) < 1e-9, `${rate}, not ${false_match_rate}`);
      }
    }),
  );
});

test('similarity grows with the cosine, and rounding errors beyond 1 stay in range', () => {
  fc.assert(
    fc.property(
      calibration,
      cosine,
      cosine,
      (pack, a, b) => similarityOfCosine(Math.min(a, b), pack) <= similarityOfCosine(Math.max(a, b), pack),
    ),
  );
  assert.equal(similarityOfCosine(1.0000001, MEASURED), 1);
  assert.equal(similarityOfCosine(-1.0000001, MEASURED), 0);
});

test('a threshold in similarity has one cosine, and back', () => {
  fc.assert(
    fc.property(calibration, fc.double({ min: 0, max: 1, noNaN: true }), (pack, similarity) => {
      assert.ok(Math.abs(similarityOfCosine(cosineOfSimilarity(similarity, pack), pack) - similarity) < 1e-9);
    }),
  );
});

test('a table whose rates do not fall, or whose cosines do not ascend, is refused, and the message names the field', async (t) => {
  const points = MEASURED.false_match_rates;
  for (const [bad, message] of [
    [points.toReversed(), /cosines must ascend and rates must fall[^]*false_match_rates/],
    [[points[0], points[0]], /cosines must ascend and rates must fall/],
    [[], /false_match_rates/],
    [[{ cosine: 0.4, false_match_rate: 0 }], /false_match_rates\[0\]\.false_match_rate/],
  ] as const)
    await assert.rejects(
      readModelPack(await packsWith(t, { false_match_rates: bad, evidence: 'none' }), 'copy'),
      message,
    );
  assert.deepEqual(
    (await readModelPack(await packsWith(t, { ...MEASURED, evidence: 'none' }), 'copy')).calibration.false_match_rates,
    points,
  );
});

/** A models directory with one pack, `copy`, of another calibration. */
async function packsWith(t: TestContext, calibration: object): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'facepass-packs-'));
  t.after(() => rm(directory, { recursive: true }));
  const manifest = JSON.parse(await readFile(join(MODELS, 'sface/manifest.json'), 'utf8')) as object;
  await mkdir(join(directory, 'copy'));
  await writeFile(join(directory, 'copy/manifest.json'), JSON.stringify({ ...manifest, name: 'copy', calibration }));
  return directory;
}

const MODELS = resolve(import.meta.dirname, '../../models');

test('a manifest whose detector finds no landmarks must name a network that does, and the message names the field', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'facepass-packs-'));
  t.after(() => rm(directory, { recursive: true }));
  const path = join(directory, 'mobilefacenet/manifest.json');
  await cp(resolve(import.meta.dirname, '../../models/mobilefacenet/manifest.json'), path);
  const { landmarks: _, ...manifest } = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  assert.equal((await readModelPack(directory, 'mobilefacenet')).landmarks?.kind, 'dlib-68');
  await writeFile(path, JSON.stringify(manifest));
  await assert.rejects(
    readModelPack(directory, 'mobilefacenet'),
    /manifest\.json: [^]*ssd-mobilenet finds no landmarks[^]*landmarks/,
  );
  await writeFile(
    path,
    JSON.stringify({ ...manifest, detector: { ...(manifest['detector'] as object), kind: 'yunet' } }),
  );
  assert.equal((await readModelPack(directory, 'mobilefacenet')).landmarks, undefined);
});
