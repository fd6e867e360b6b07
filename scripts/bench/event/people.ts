import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Somebody with a folder of photos. */
export interface Person {
  name: string;
  /** What `groups.tsv` says, '' without one. */
  group: string;
  photos: Photo[];
}

export interface Photo {
  path: string;
  /** Folder and file, the photo's id when it is indexed over HTTP. */
  id: string;
}

/**
 * A folder of folders: each is one person, its files the person's photos. `groups.tsv` beside them (a heading line, then
 * folder and group) is optional.
 * @throws Error when fewer than two people have two photos
 */
export function readPeople(folder: string): Person[] {
  const groups = readGroups(folder);
  const people = readdirSync(folder)
    .sort()
    .filter((name) => statSync(join(folder, name)).isDirectory())
    .map((name) => ({ name, group: groups.get(name) ?? '', photos: readPhotos(join(folder, name), name) }))
    .filter(({ photos }) => photos.length > 0);
  if (people.filter(({ photos }) => photos.length > 1).length < 2)
    throw new Error(`${folder}: needs a folder for each person, and two people with two photos or more.`);
  return people;
}

/** The pictures of a folder, by name. */
export function readPhotos(folder: string, prefix = ''): Photo[] {
  return readdirSync(folder)
    .sort()
    .filter((name) => /\.(jpe?g|png|webp)$/i.test(name))
    .map((name) => ({ path: join(folder, name), id: join(prefix, name) }));
}

function readGroups(folder: string): Map<string, string> {
  try {
    const lines = readFileSync(join(folder, 'groups.tsv'), 'utf8').trim().split('\n').slice(1);
    return new Map(lines.map((line) => line.trimEnd().split('\t') as [string, string]));
  } catch {
    return new Map();
  }
}

/** Numbers from 0 to 1 that only `seed` decides (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** In an order that only `random` decides (Fisher and Yates). */
export function shuffled<T>(list: readonly T[], random: () => number): T[] {
  const result = [...list];
  for (let i = result.length - 1; i > 0; i -= 1) {
    const other = Math.floor(random() * (i + 1));
    [result[i], result[other]] = [result[other]!, result[i]!];
  }
  return result;
}

/** Two halves with the same share of every group: one to calibrate on, one to report. */
export function halvesOf(people: readonly Person[], seed: number): [Person[], Person[]] {
  const random = randomNumbers(seed);
  const groups = Map.groupBy(people, ({ group }) => group);
  const mixed = [...groups.keys()].sort().flatMap((group) => shuffled(groups.get(group)!, random));
  return [mixed.filter((_, i) => i % 2 === 0), mixed.filter((_, i) => i % 2 === 1)];
}
