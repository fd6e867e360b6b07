import assert from 'node:assert/strict';
import { join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { calibrate, cosineAt, ratesAt } from './calibration.ts';
import { centreOf, moveCentre } from './centre.ts';
import type { Face } from './contestants.ts';
import { faceRecognition } from './face-recognition.ts';
import { descending, meanOf, shareAbove, thresholdAt, trueAcceptRate } from './pairs.ts';
import { halvesOf, randomNumbers, type Person } from './people.ts';
import { outcomeOf, planSessions, searchSession } from './sessions.ts';
import { sourcesOf } from './sources.ts';

test('a threshold lets in at most the share of strangers that was asked for, and one step lower lets in more', () => {
  const scores = descending(Array.from({ length: 1000 }, (_, i) => i / 1000));
  for (const rate of [0, 0.001, 0.01, 0.5]) {
    const threshold = thresholdAt(scores, rate);
    assert.ok(shareAbove(scores, threshold) <= rate, `${rate}`);
    assert.ok(shareAbove(scores, threshold - 0.0011) > rate, `${rate}`);
  }
  assert.equal(thresholdAt(scores, 1), -Infinity);
  assert.equal(trueAcceptRate({ same: descending([0.9, 0.9985, 1]), different: scores }, 0.001), 2 / 3);
});

test('the cosine of a rate is that of the hardest of all pairs, groups and crowd', () => {
  const falling = (from: number) => descending(Array.from({ length: 1000 }, (_, i) => from - i / 1000));
  const strangers = { all: falling(0.4), groups: new Map([['g', falling(0.5)]]), crowd: falling(0.3) };
  assert.ok(Math.abs(cosineAt(strangers, 0.01) - 0.4) < 0.011);
  assert.ok(Math.abs(cosineAt({ ...strangers, groups: new Map([['g', falling(0.7)]]) }, 0.01) - 0.6) < 0.002);
  assert.ok(Math.abs(cosineAt({ ...strangers, crowd: falling(0.9) }, 0.01) - 0.89) < 0.002);
});

test('a centre that is moved and moved back leaves the vectors, and the centre of centred vectors is near nothing', () => {
  const random = randomNumbers(3);
  const people = Array.from({ length: 50 }, (_, i): Person => {
    return { name: `${i}`, group: '', photos: [{ path: `p${i}`, id: `p${i}` }] };
  });
  const faces = new Map(
    people.map(({ photos: [photo] }) => {
      const embedding = meanOf([Float32Array.from({ length: 8 }, (_, i) => random() - (i === 0 ? 0 : 0.5))]);
      return [photo!.path, [{ box: { x: 0, y: 0, width: 1, height: 1 }, confidence: 1, quality: 1, embedding }]];
    }),
  );
  const centre = centreOf(people, [], faces);
  assert.ok(Math.hypot(...centre) > 0.3);
  const centred = moveCentre(faces, undefined, centre);
  assert.ok(Math.hypot(...centreOf(people, [], centred)) < 0.1);
  for (const [path, [face]] of moveCentre(centred, centre, undefined))
    face!.embedding.forEach((x, i) => assert.ok(Math.abs(x - faces.get(path)![0]!.embedding[i]!) < 1e-5, path));
});

test('two halves share nobody, have as many of each group, and depend on the seed alone', () => {
  const people = Array.from({ length: 41 }, (_, i): Person => ({ name: `${i}`, group: `g${i % 3}`, photos: [] }));
  const [a, b] = halvesOf(people, 7);
  assert.equal(new Set([...a, ...b]).size, 41);
  for (const group of ['g0', 'g1', 'g2']) {
    const [inA, inB] = [a, b].map((half) => half.filter((person) => person.group === group).length) as [number, number];
    assert.ok(Math.abs(inA - inB) <= 1);
  }
  assert.deepEqual(halvesOf(people, 7), [a, b]);
  assert.notDeepEqual(halvesOf(people, 8), [a, b]);
});

/** People whose photos lie around a direction of their own, `noise` apart. */
function madePeople(count: number, noise: number) {
  const random = randomNumbers(3);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const direction = () => meanOf([Float32Array.from({ length: 64 }, normal)]);
  const faces = new Map<string, Face[]>();
  const people = Array.from({ length: count }, (_, i): Person => {
    const own = direction();
    const photos = Array.from({ length: 4 }, (_, n) => {
      const path = `${i}/${n}`;
      const away = direction();
      const embedding = meanOf([own.map((x, k) => x + noise * away[k]!)]);
      faces.set(path, [{ box: { x: 0, y: 0, width: 9, height: 9 }, confidence: 1, quality: 1, embedding }]);
      return { path, id: path };
    });
    return { name: `${i}`, group: i % 2 ? 'odd' : 'even', photos };
  });
  return { people, faces };
}

test('a session counts own photos found and strangers shown, and its selfies not at all', () => {
  const { people, faces } = madePeople(30, 0.3);
  const cosine = { likeness: 'cosine' } as const;
  const [session] = planSessions(people, [], { size: 30, count: 1, selfies: 1, seed: 1 });
  const clean = outcomeOf(searchSession(session!, faces, cosine, 0.7));
  assert.deepEqual(clean, { searches: 30, recall: 1, precision: 1, allOwn: 1, noStranger: 1, strangers: 0 });
  const all = outcomeOf(searchSession(session!, faces, cosine, -1));
  assert.equal(all.recall, 1);
  assert.equal(all.strangers, 29 * 4);
  assert.equal(all.precision, 3 / (3 + 29 * 4));
  const filled = planSessions(people, [faces.get('0/0')![0]!.embedding], { size: 31, count: 1, selfies: 2, seed: 1 });
  assert.equal(outcomeOf(searchSession(filled[0]!, faces, cosine, -1)).strangers, 29 * 4 + 1);
});

test('a table holds its rates over all pairs and a tenth within each group, and its points ascend', () => {
  const { people, faces } = madePeople(60, 1);
  const table = calibrate(people, faces, [new Float32Array(64)]);
  const points = table.false_match_rates;
  assert.ok(points.length > 5);
  for (const [i, { cosine, false_match_rate: rate }] of points.entries()) {
    const rates = ratesAt(table.strangers, cosine);
    assert.ok(rate === 1 || rates.all <= rate, `${rates.all} at ${rate}`);
    for (const within of rates.groups.values()) assert.ok(rate === 1 || within <= 10 * rate);
    if (i > 0) assert.ok(cosine > points[i - 1]!.cosine);
  }
});

test('kept faces depend on every file that the pipeline runs, by whatever path it is imported, and on its packages', () => {
  const root = resolve(import.meta.dirname, '../../..');
  const { files, packages } = sourcesOf(join(root, 'services/inference/seeing/faces.ts'));
  const names = files.map((file) => relative(root, file));
  for (const name of [
    'services/inference/seeing/align.ts',
    'services/contracts/model-pack.ts',
    'services/runtime/errors.ts',
  ])
    assert.ok(names.includes(name), name);
  assert.ok(!names.includes('services/inference/seeing/raster.ts'), 'types alone do not run');
  for (const name of ['sharp', 'onnxruntime-node'])
    assert.ok(
      packages.some((found) => new RegExp(`^${name}@\\d+\\.`).test(found)),
      `${name} in ${packages.join()}`,
    );
});

test('skips a peer that is not installed', async () => {
  assert.equal(await faceRecognition('/no/such/python'), null);
  assert.equal(await faceRecognition('false'), null, 'a program that is there and fails');
});
