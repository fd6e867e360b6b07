import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { cosineOfSimilarity, readModelPack, similarityOfCosine, type Calibration } from './model-pack.ts';

const cosine = fc.double({ min: -1, max: 1, noNaN: true });
const calibration = fc
  .record({
    decision: fc.double({ min: -0.9, max: 0.99, noNaN: true }),
    below: fc.option(fc.double({ min: 0.001, max: 0.999, noNaN: true }), { nil: undefined }),
  })
  .map(({ decision, below }): Calibration => ({
    decision_cosine: decision,
    stranger_cosine: below && decision - below * (decision + 0.99),
  }));

test('similarity is 0.5 at the decision point, 0.25 between strangers, 1 for the same picture and 0 for the opposite', () => {
  fc.assert(
    fc.property(calibration, (pack) => {
      assert.equal(similarityOfCosine(pack.decision_cosine, pack), 0.5);
      if (pack.stranger_cosine !== undefined) assert.equal(similarityOfCosine(pack.stranger_cosine, pack), 0.25);
      assert.equal(similarityOfCosine(1, pack), 1);
      assert.equal(similarityOfCosine(-1, pack), 0);
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
  assert.equal(similarityOfCosine(1.0000001, { decision_cosine: 0.9 }), 1);
  assert.equal(similarityOfCosine(-1.0000001, { decision_cosine: 0.9 }), 0);
});

test('a threshold in similarity has one cosine, and back', () => {
  fc.assert(
    fc.property(calibration, fc.double({ min: 0, max: 1, noNaN: true }), (pack, similarity) => {
      assert.ok(Math.abs(similarityOfCosine(cosineOfSimilarity(similarity, pack), pack) - similarity) < 1e-9);
    }),
  );
});

test('a manifest whose detector finds no landmarks must name a network that does, and the message names the field', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'facepass-packs-'));
  t.after(() => rm(directory, { recursive: true }));
  const path = join(directory, 'dlib/manifest.json');
  await cp(resolve(import.meta.dirname, '../../models/dlib/manifest.json'), path);
  const { landmarks: _, ...manifest } = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  assert.equal((await readModelPack(directory, 'dlib')).landmarks?.kind, 'dlib-68');
  await writeFile(path, JSON.stringify(manifest));
  await assert.rejects(
    readModelPack(directory, 'dlib'),
    /manifest\.json: [^]*ssd-mobilenet finds no landmarks[^]*landmarks/,
  );
  await writeFile(
    path,
    JSON.stringify({ ...manifest, detector: { ...(manifest['detector'] as object), kind: 'yunet' } }),
  );
  assert.equal((await readModelPack(directory, 'dlib')).landmarks, undefined);
});

test('strangers must resemble each other less than the decision point asks, and the message names the field', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'facepass-packs-'));
  t.after(() => rm(directory, { recursive: true }));
  const path = join(directory, 'dlib/manifest.json');
  await cp(resolve(import.meta.dirname, '../../models/dlib/manifest.json'), path);
  const { calibration, ...manifest } = JSON.parse(await readFile(path, 'utf8')) as { calibration: Calibration };
  await writeFile(
    path,
    JSON.stringify({ ...manifest, calibration: { ...calibration, stranger_cosine: calibration.decision_cosine } }),
  );
  await assert.rejects(
    readModelPack(directory, 'dlib'),
    /manifest\.json: [^]*must be below decision_cosine[^]*stranger_cosine/,
  );
});
