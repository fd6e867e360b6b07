import { readFileSync, writeFileSync } from 'node:fs';
import type { Calibration, ModelPack } from '@facepass/contracts/model-pack';
import type { FacesByPath } from './cache.ts';
import { portraitsOf, scoreAcross, scorePairs, shareAbove, thresholdAt, type Scores } from './pairs.ts';
import { halvesOf, type Person } from './people.ts';

/** A group of fewer people says too little about itself. */
export const LEAST_PEOPLE = 20;

const RATES = [0.5, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001, 0.00003, 0.00001];
/** A rate that fewer pairs reach is not measured. */
const LEAST_PAIRS = 2;
/** Splits of the people into halves from which the error of a cosine is read. */
const SPLITS = 20;

/** Cosines of different people, by where they come from. */
export interface Strangers {
  /** All pairs of portraits. */
  all: Scores;
  /** Both people of one group. */
  groups: Map<string, Scores>;
  /** Portraits against the faces of other photos: of groups, and of what is no face. */
  crowd: Scores;
}

/** Groups of at least `LEAST_PEOPLE` people. */
export function groupsOf(people: readonly Person[]): string[] {
  const groups = Map.groupBy(people, ({ group }) => group);
  return [...groups.keys()].filter((group) => group !== '' && groups.get(group)!.length >= LEAST_PEOPLE).sort();
}

export function strangersOf(
  people: readonly Person[],
  faces: FacesByPath,
  { crowd, groups }: { crowd: readonly Float32Array[]; groups: readonly string[] },
): Strangers {
  const portraits = portraitsOf(people, faces);
  const within = (group: string) => portraits.filter((portrait) => portrait.group === group);
  return {
    all: scorePairs(portraits, 'cosine').different,
    groups: new Map(groups.map((group) => [group, scorePairs(within(group), 'cosine').different])),
    crowd: scoreAcross(
      portraits.map(({ embedding }) => embedding),
      crowd,
      'cosine',
    ),
  };
}

/**
 * The lowest cosine at which the false match rate is at most `rate` over all pairs and against the crowd, and at most
 * ten times that within every group.
 */
export function cosineAt({ all, groups, crowd }: Strangers, rate: number): number {
  const within = [...groups.values()].map((scores) => thresholdAt(scores, 10 * rate));
  return Math.max(thresholdAt(all, rate), thresholdAt(crowd, rate), ...within);
}

/**
 * The table of a pack: the cosine of each rate that is measured, plus its standard error, since the next event shows
 * other people. The error is the deviation of halves of the people from all of them (the jackknife that leaves out
 * half); below 1e-4 that of 1e-4 stands, since half of the people have too few pairs there to tell. Groups have no part in
 * it: half of a group of 25 people has 700 pairs, in which a rate of 1e-3 is luck.
 */
export function calibrate(
  people: readonly Person[],
  faces: FacesByPath,
  crowd: readonly Float32Array[],
): Calibration & { errorAt: (rate: number) => number; strangers: Strangers } {
  const groups = groupsOf(people);
  const strangers = strangersOf(people, faces, { crowd, groups });
  const rates = RATES.filter((rate) => rate * strangers.all.length >= LEAST_PAIRS);
  const everyone = { ...strangers, groups: new Map<string, Scores>() };
  const halves = Array.from({ length: SPLITS }, (_, seed) => halvesOf(people, seed)).flat();
  const deviations = halves.map((half) => {
    const some = strangersOf(half, faces, { crowd, groups: [] });
    return rates.map((rate) => (cosineAt(some, rate) - cosineAt(everyone, rate)) ** 2);
  });
  const errorAt = (rate: number) =>
    Math.sqrt(deviations.reduce((sum, squares) => sum + squares[rates.indexOf(rate)]!, 0) / deviations.length);
  const points = rates.map((rate) => ({
    cosine: Number((cosineAt(strangers, rate) + errorAt(Math.max(rate, 0.0001))).toFixed(4)),
    false_match_rate: rate,
  }));
  const everybody = { cosine: Number(strangers.all.at(-1)!.toFixed(4)), false_match_rate: 1 };
  return { false_match_rates: [everybody, ...points], errorAt, strangers };
}

/** False match rates at a cosine: all pairs, each group, the crowd. */
export function ratesAt({ all, groups, crowd }: Strangers, cosine: number) {
  return {
    all: shareAbove(all, cosine),
    groups: new Map([...groups].map(([group, scores]) => [group, shareAbove(scores, cosine)])),
    crowd: shareAbove(crowd, cosine),
  };
}

/** Puts a table and its evidence into a manifest, and leaves the rest of the file as it is. */
export function writeCalibration(path: string, { false_match_rates }: Calibration, evidence: string): void {
  writeManifest(path, { ...readManifest(path), calibration: { false_match_rates, evidence } });
}

/** Puts what all faces share into a manifest: vectors move, so the pack's version must be raised. */
export function writeCentre(path: string, centre: number[]): void {
  const manifest = readManifest(path);
  writeManifest(path, { ...manifest, recogniser: { ...manifest.recogniser, centre } });
}

function readManifest(path: string): ModelPack {
  return JSON.parse(readFileSync(path, 'utf8')) as ModelPack;
}

/** Numbers of a list in rows: a hundred lines of one number each would hide the rest. */
function writeManifest(path: string, manifest: ModelPack): void {
  const rows = (list: string) => {
    const numbers = list.split(',').map((number) => number.trim());
    const lines = Array.from({ length: Math.ceil(numbers.length / 12) }, (_, i) =>
      numbers.slice(12 * i, 12 * (i + 1)).join(', '),
    );
    return lines.length === 1 ? `[${lines[0]!}]` : `[\n      ${lines.join(',\n      ')}\n    ]`;
  };
  const json = JSON.stringify(manifest, null, 2).replace(/\[([\s\d.,e+-]+)\]/g, (_, list: string) => rows(list));
  writeFileSync(path, `${json}\n`);
}
