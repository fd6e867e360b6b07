import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { SAMPLES, readSample } from '../services/inference/tests/pictures.ts';
import { cosine, faceApi, ourPipeline, type Contestant } from './bench-accuracy/contestants.ts';
import {
  rocAuc,
  scorePairs,
  shareAccepted,
  thresholdAt,
  trueAcceptRate,
  type LabelledFace,
  type PairScores,
} from './bench-accuracy/measures.ts';
import {
  GROUPS,
  pasteGroups,
  readPortraits,
  withBorder,
  type LabelledGroup,
  type Portrait,
} from './bench-accuracy/photos.ts';

/**
 * How well faces are found and told apart, ours and the peer's on the same pictures in one run, and where the packs'
 * decision points lie. FACEPASS_TEST_PHOTOS names the folder of `people/` and `groups/`.
 */
const photos = process.env['FACEPASS_TEST_PHOTOS'];
if (!photos) throw new Error('FACEPASS_TEST_PHOTOS: name the folder that holds people/ and groups/');
const models = resolve(import.meta.dirname, '../models');

const portraits = readPortraits(photos);
const pasted = { large: await pasteGroups(portraits, 150), small: await pasteGroups(portraits, 64) };
const ours = [];
for (const modelPack of ['dlib', 'sface', 'mobilefacenet'])
  ours.push(await ourPipeline(`Facepass, pack ${modelPack}`, { modelsDirectory: models, modelPack }));
const peer = await faceApi();

const rows: string[] = [];
for (const contestant of [...ours, peer]) {
  const crops = await facesOfPortraits(contestant, portraits);
  rows.push(row(contestant, 'close crops as they are', crops));
  if (contestant === peer)
    rows.push(
      row(
        contestant,
        'close crops in a grey border',
        await facesOfPortraits(contestant, await Promise.all(portraits.map(withBorder))),
      ),
    );
  const large = await facesOfGroups(contestant, pasted.large);
  const small = await facesOfGroups(contestant, pasted.small);
  rows.push(row(contestant, 'pasted groups, 150 pixels', large), row(contestant, 'pasted groups, 64 pixels', small));
  if (contestant !== peer) await calibrate(contestant, [...crops, ...large, ...small]);
}
console.log(
  `| | pictures | faces found | ROC AUC | TAR at FAR 1e-1 | 1e-2 | 1e-3 |\n|---|---|---|---|---|---|---|\n${rows.join('\n')}\n`,
);
console.log(
  `| group photos | ${GROUPS.map(({ name }) => name.replace('.jpg', '')).join(' | ')} |\n|---${'|---'.repeat(GROUPS.length)}|`,
);
console.log(`| faces a viewer counts | ${GROUPS.map(({ faces }) => faces).join(' | ')} |`);
for (const contestant of [...ours, peer])
  console.log(`| ${contestant.name} | ${(await countGroups(contestant)).join(' | ')} |`);

type Faces = LabelledFace<Float32Array>[];

/** The largest face of each portrait. */
async function facesOfPortraits(contestant: Contestant, list: readonly Portrait[]): Promise<Faces> {
  const faces: Faces = [];
  for (const { person, name, picture } of list) {
    const [largest] = (await contestant.findFaces(picture)).sort(
      (a, b) => b.box.width * b.box.height - a.box.width * a.box.height,
    );
    if (largest) faces.push({ person, source: name, embedding: largest.embedding });
  }
  return faces;
}

/** The faces found where portraits were pasted. */
async function facesOfGroups(contestant: Contestant, groups: readonly LabelledGroup[]): Promise<Faces> {
  const faces: Faces = [];
  for (const { picture, faces: truth } of groups) {
    const found = await contestant.findFaces(picture);
    for (const { person, name, box } of truth) {
      const match = found.find(({ box: { x, y, width, height } }) => {
        const [centreX, centreY] = [x + width / 2, y + height / 2];
        return centreX > box.x && centreX < box.x + box.width && centreY > box.y && centreY < box.y + box.height;
      });
      if (match) faces.push({ person, source: name, embedding: match.embedding });
    }
  }
  return faces;
}

function row(contestant: Contestant, pictures: string, faces: Faces): string {
  const scores = scorePairs(faces, contestant.likeness);
  const rates = [0.1, 0.01, 0.001].map((far) => trueAcceptRate(scores, far).toFixed(3));
  return `| ${contestant.name} | ${pictures} | ${faces.length} of ${portraits.length} | ${rocAuc(scores).toFixed(4)} | ${rates.join(' | ')} |`;
}

async function countGroups(contestant: Contestant): Promise<number[]> {
  const counts: number[] = [];
  for (const { name } of GROUPS)
    counts.push((await contestant.findFaces(readFileSync(join(photos!, 'groups', name)))).length);
  return counts;
}

/**
 * The decision point from one half of the people, its errors on the other half, then the other way round, then from
 * all.
 */
async function calibrate(contestant: Contestant, faces: Faces): Promise<void> {
  const people = [...new Set(faces.map(({ person }) => person))];
  const halves = [people.filter((_, i) => i % 2 === 0), people.filter((_, i) => i % 2 === 1)];
  const scoresOf = (some: string[]) =>
    scorePairs(
      faces.filter(({ person }) => some.includes(person)),
      cosine,
    );
  console.log(`${contestant.name}: decision point, false match rate 1e-3`);
  for (const [known, other] of [halves, halves.toReversed()] as [string[], string[]][]) {
    const decision = thresholdAt(scoresOf(known), 0.001);
    console.log(
      `  from ${known.join(', ')}: cosine ${decision.toFixed(4)}; on the others ${errorsAt(scoresOf(other), decision)}`,
    );
  }
  const all = scoresOf(people);
  const strangers = await strangersInOnePhoto(contestant);
  const decision = thresholdAt({ same: [], different: [...all.different, ...strangers] }, 0.001);
  console.log(
    `  from everybody and ${strangers.length} pairs of people in one photo: cosine ${decision.toFixed(4)}; ${errorsAt(all, decision)}`,
  );
  console.log(`  of the pairs in one photo ${strangers.filter((score) => score >= decision).length} match`);
  console.log(`  median cosine of different people: ${medianOf(all.different).toFixed(4)}\n`);
}

function medianOf(scores: readonly number[]): number {
  return scores.toSorted((a, b) => a - b)[scores.length >> 1] ?? Number.NaN;
}

function errorsAt({ same, different }: PairScores, decision: number): string {
  const [falseMatches, matches] = [shareAccepted(different, decision), shareAccepted(same, decision)];
  return `${different.length} different pairs match at a rate of ${falseMatches.toExponential(1)}, ${same.length} same pairs at ${matches.toFixed(3)}`;
}

/** Likeness of people who stand in one photo, so are different. */
async function strangersInOnePhoto(contestant: Contestant): Promise<number[]> {
  const pictures = [
    ...GROUPS.map(({ name }) => readFileSync(join(photos!, 'groups', name))),
    ...(await Promise.all(SAMPLES.map(({ name }) => readSample(name)))),
  ];
  const scores: number[] = [];
  for (const picture of pictures) {
    const faces = await contestant.findFaces(picture);
    faces.forEach((a, i) =>
      faces.slice(i + 1).forEach((b) => scores.push(contestant.likeness(a.embedding, b.embedding))),
    );
  }
  return scores;
}
