import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { cosineOfSimilarity, readModelPack, similarityOfCosine } from './model-pack.ts';

const cosine = fc.double({ min: -1, max: 1, noNaN: true });
const decision = fc.double({ min: -0.9, max: 0.99, noNaN: true });

test('similarity is 0.5 at the decision point, 1 for the same picture and 0 for the opposite', () => {
  fc.assert(
    fc.property(decision, (point) => {
      assert.equal(similarityOfCosine(point, point), 0.5);
      assert.equal(similarityOfCosine(1, point), 1);
      assert.equal(similarityOfCosine(-1, point), 0);
    }),
  );
});

test('similarity grows with the cosine, and rounding errors beyond 1 stay in range', () => {
  fc.assert(fc.property(decision, cosine, cosine, (point, a, b) => similarityOfCosine(Math.min(a, b), point) <= similarityOfCosine(Math.max(a, b), point)));
  assert.equal(similarityOfCosine(1.0000001, 0.9), 1);
  assert.equal(similarityOfCosine(-1.0000001, 0.9), 0);
});

test('a threshold in similarity has one cosine, and back', () => {
  fc.assert(
    fc.property(decision, fc.double({ min: 0, max: 1, noNaN: true }), (point, similarity) => {
      assert.ok(Math.abs(similarityOfCosine(cosineOfSimilarity(similarity, point), point) - similarity) < 1e-9);
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
  await assert.rejects(readModelPack(directory, 'dlib'), /manifest\.json: [^]*ssd-mobilenet finds no landmarks[^]*landmarks/);
  await writeFile(path, JSON.stringify({ ...manifest, detector: { ...(manifest['detector'] as object), kind: 'yunet' } }));
  assert.equal((await readModelPack(directory, 'dlib')).landmarks, undefined);
});
