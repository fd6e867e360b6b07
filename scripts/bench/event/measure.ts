import sharp from 'sharp';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { facesOfPhotos, type FacesByPath } from './cache.ts';
import { groupsOf } from './calibration.ts';
import { likenessOf, type Contestant, type Face } from './contestants.ts';
import {
  equalErrorRate,
  portraitsOf,
  scorePairs,
  shareAbove,
  thresholdAt,
  trueAcceptRate,
  type PairScores,
} from './pairs.ts';
import { halvesOf, type Person, type Photo } from './people.ts';
import { outcomeOf, planSessions, searchSession, type Found, type Outcome } from './sessions.ts';

/** What is reported of a contestant. */
export interface Measured {
  name: string;
  /** The threshold of its users, and the one that half of the people gives for a rate of 1e-4. */
  threshold: number;
  calibrated: number;
  found: { portraits: number; photos: number };
  pairs: PairScores;
  equalErrorRate: number;
  /** Share of same pairs at rates of 1e-3, 1e-4 and 1e-5: of the reported half, and of everybody. */
  trueAcceptRates: { half: number[]; all: number[] };
  sessions: SessionRow[];
  groups: GroupRow[];
  /** Recall at a session of 100, by the quality of the selfie and by the size of the faces in the photos. */
  byQuality: { upTo: number; recall: number }[];
  bySize: { pixels: number; recall: number }[];
  roc: { rate: number; share: number }[];
}

export interface SessionRow extends Outcome {
  size: number;
  selfies: number;
  /** The last two: one session at the default threshold, compared in this process and by a service. */
  threshold: 'default' | 'calibrated' | 'the session of HTTP' | 'over HTTP';
}

export interface GroupRow {
  group: string;
  people: number;
  pairs: number;
  falseMatchRate: number;
  trueMatchRate: number;
  recall: number;
  strangers: number;
}

export const RATES = [1e-3, 1e-4, 1e-5];
const SIZES = [12, 16, 20, 24, 32, 48, 64];
/** Sessions of each size: about 2,000 searches. */
const PLANS = [
  { size: 20, count: 60 },
  { size: 100, count: 20 },
  { size: 500, count: 10 },
];

/** Faces of a contestant that stand for strangers: those of photos without any of the people. */
export function crowdOf(crowd: readonly Photo[], faces: FacesByPath): Float32Array[] {
  return crowd.flatMap(({ path }) => (faces.get(path) ?? []).map(({ embedding }) => embedding));
}

/** Measures a contestant: half of the people gives a threshold, the other half is searched for. */
export async function measure(
  contestant: Contestant,
  people: readonly Person[],
  crowd: readonly Photo[],
  seed: number,
): Promise<Measured> {
  const photos = people.flatMap((person) => person.photos);
  const faces = await facesOfPhotos(contestant, [...photos, ...crowd]);
  const strangers = crowdOf(crowd, faces);
  const [known, reported] = halvesOf(people, seed);
  const pairsOf = (some: readonly Person[]) => scorePairs(portraitsOf(some, faces), contestant.likeness);
  const [pairs, half] = [pairsOf(people), pairsOf(reported)];
  const calibrated = thresholdAt(pairsOf(known).different, 1e-4);
  const threshold = contestant.defaultThreshold;
  const run = (size: number, count: number, selfies: number, at: number) =>
    planSessions(reported, strangers, { size, count, selfies, seed }).flatMap((session) =>
      searchSession(session, faces, contestant, at),
    );
  const sessions = PLANS.flatMap(({ size, count }) =>
    [1, 2].flatMap((selfies): SessionRow[] => [
      { size, selfies, threshold: 'default', ...outcomeOf(run(size, count, selfies, threshold)) },
      { size, selfies, threshold: 'calibrated', ...outcomeOf(run(size, count, selfies, calibrated)) },
    ]),
  );
  const hundred = run(100, 20, 1, threshold);
  return {
    name: contestant.name,
    threshold,
    calibrated,
    found: { portraits: photos.filter(({ path }) => faces.get(path)!.length > 0).length, photos: photos.length },
    pairs,
    equalErrorRate: equalErrorRate(pairs),
    trueAcceptRates: {
      half: RATES.map((rate) => trueAcceptRate(half, rate)),
      all: RATES.map((rate) => trueAcceptRate(pairs, rate)),
    },
    sessions,
    groups: groupRows(people, hundred, faces, contestant, threshold),
    byQuality: byQuality(hundred, faces),
    bySize: await bySize(contestant, reported, faces, threshold),
    roc: rocOf(pairs),
  };
}

function groupRows(
  people: readonly Person[],
  found: readonly Found[],
  faces: FacesByPath,
  { likeness }: Contestant,
  threshold: number,
): GroupRow[] {
  return groupsOf(people).map((group) => {
    const members = people.filter((person) => person.group === group);
    const pairs = scorePairs(portraitsOf(members, faces), likeness);
    const { recall, strangers } = outcomeOf(found.filter(({ search }) => search.person.group === group));
    return {
      group,
      people: members.length,
      pairs: pairs.different.length,
      falseMatchRate: shareAbove(pairs.different, threshold),
      trueMatchRate: shareAbove(pairs.same, threshold),
      recall,
      strangers,
    };
  });
}

function byQuality(found: readonly Found[], faces: FacesByPath): Measured['byQuality'] {
  const qualityOf = ({ search }: Found) => faces.get(search.selfies[0]!.path)?.[0]?.quality ?? Number.NaN;
  const ordered = found.filter((one) => qualityOf(one) >= 0).toSorted((a, b) => qualityOf(a) - qualityOf(b));
  const step = ordered.length / 10;
  if (step < 1) return [];
  return Array.from({ length: 10 }, (_, i) => {
    const part = ordered.slice(Math.round(i * step), Math.round((i + 1) * step));
    return { upTo: qualityOf(part.at(-1)!), recall: outcomeOf(part).recall };
  });
}

/** A selfie as it is against another photo of the person, made so small that the shorter side of the face is `pixels`. */
async function bySize(
  contestant: Contestant,
  people: readonly Person[],
  faces: FacesByPath,
  threshold: number,
): Promise<Measured['bySize']> {
  const folder = join(tmpdir(), 'facepass-bench-event');
  mkdirSync(folder, { recursive: true });
  const cases = people.flatMap(({ photos: [selfie, photo] }) => {
    const query = selfie && faces.get(selfie.path)?.[0];
    return query && photo ? [{ query, photo, size: sizeOf(faces.get(photo.path)?.[0]) }] : [];
  });
  const rows: Measured['bySize'] = [];
  for (const pixels of SIZES) {
    const small: Photo[] = [];
    for (const { photo, size } of cases) {
      const name = createHash('sha256').update(`${photo.path} ${size} ${pixels}`).digest('hex');
      small.push({ path: join(folder, `${name}.png`), id: photo.id });
      writeFileSync(small.at(-1)!.path, await shrunk(readFileSync(photo.path), pixels / size));
    }
    const found = await facesOfPhotos(contestant, small);
    const hits = cases.filter(({ query }, i) =>
      found
        .get(small[i]!.path)!
        .some(({ embedding }) => likenessOf(contestant.likeness, query.embedding, embedding) >= threshold),
    );
    rows.push({ pixels, recall: hits.length / cases.length });
  }
  return rows;
}

/** Shorter side of a face's box, as the smallest face worth keeping is given; 80 pixels of one that was not found. */
function sizeOf(face: Face | undefined): number {
  return face ? Math.min(face.box.width, face.box.height) : 80;
}

async function shrunk(picture: Buffer, factor: number): Promise<Buffer> {
  const { width } = await sharp(picture).metadata();
  return sharp(picture)
    .resize({ width: Math.max(16, Math.round(width * factor)) })
    .png()
    .toBuffer();
}

function rocOf(pairs: PairScores): Measured['roc'] {
  const rates = Array.from({ length: 51 }, (_, i) => 10 ** (-5 + i / 10));
  return rates.map((rate) => ({ rate, share: trueAcceptRate(pairs, rate) }));
}
