import { likenessOf, type Contestant, type Face } from './contestants.ts';
import type { FacesByPath } from './cache.ts';
import { meanOf } from './pairs.ts';
import { randomNumbers, shuffled, type Person, type Photo } from './people.ts';

/** An event: photos of people, and a search by everyone of them. */
export interface Session {
  photos: { photo: Photo; person: string }[];
  /** Faces of strangers that fill the session up to its size, each as a photo of its own. */
  strangers: readonly Float32Array[];
  searches: Search[];
}

export interface Search {
  person: Person;
  selfies: Photo[];
  /** The person's other photos. */
  own: Photo[];
}

/** What a search gave: ids of photos, and how many faces of `strangers` matched beside them. */
export interface Found {
  search: Search;
  photos: string[];
  strangers: number;
}

export interface SessionPlan {
  /** People in the session, and how many sessions. */
  size: number;
  count: number;
  selfies: number;
  seed: number;
}

/**
 * `count` sessions of `size` people, drawn anew each time. All their photos are in the session; everyone who has more
 * photos than `selfies` searches once, by photos drawn for it. Where there are too few people, faces of `crowd` stand in.
 */
export function planSessions(people: readonly Person[], crowd: readonly Float32Array[], plan: SessionPlan): Session[] {
  const random = randomNumbers(plan.seed);
  return Array.from({ length: plan.count }, () => {
    const members = shuffled(people, random).slice(0, plan.size);
    return {
      photos: members.flatMap(({ name, photos }) => photos.map((photo) => ({ photo, person: name }))),
      strangers: shuffled(crowd, random).slice(0, plan.size - members.length),
      searches: members
        .filter(({ photos }) => photos.length > plan.selfies)
        .map((person) => {
          const mixed = shuffled(person.photos, random);
          return { person, selfies: mixed.slice(0, plan.selfies), own: mixed.slice(plan.selfies) };
        }),
    };
  });
}

/** The searches of a session, compared here: the middle face of each selfie against every face of every photo. */
export function searchSession(
  session: Session,
  faces: FacesByPath,
  { likeness }: Pick<Contestant, 'likeness'>,
  threshold: number,
): Found[] {
  const matches = (query: Float32Array, other: Float32Array) => likenessOf(likeness, query, other) >= threshold;
  return session.searches.map((search) => {
    const selfies = search.selfies.flatMap(({ path }) => faces.get(path)?.slice(0, 1) ?? []);
    if (selfies.length === 0) return { search, photos: [], strangers: 0 };
    const query = queryOf(selfies, likeness);
    const shows = ({ path }: Photo) => faces.get(path)?.some(({ embedding }) => matches(query, embedding));
    return {
      search,
      photos: session.photos.filter(({ photo }) => shows(photo)).map(({ photo }) => photo.id),
      strangers: session.strangers.filter((face) => matches(query, face)).length,
    };
  });
}

function queryOf(selfies: readonly Face[], likeness: Contestant['likeness']): Float32Array {
  const embeddings = selfies.map(({ embedding }) => embedding);
  if (embeddings.length === 1) return embeddings[0]!;
  if (likeness === 'cosine') return meanOf(embeddings);
  return embeddings[0]!.map((_, i) => embeddings.reduce((sum, x) => sum + x[i]!, 0) / embeddings.length);
}

/** Figures of many searches. A photo counts once; the selfies themselves do not count. */
export interface Outcome {
  searches: number;
  /** Share of the people's other photos that were found. */
  recall: number;
  /** Share of what was found that shows the person. */
  precision: number;
  /** Share of searches that found every own photo; that showed no stranger. */
  allOwn: number;
  noStranger: number;
  /** Photos of strangers a search. */
  strangers: number;
}

export function outcomeOf(found: readonly Found[]): Outcome {
  let [own, ownFound, strangers, allOwn, noStranger] = [0, 0, 0, 0, 0];
  for (const { search, photos, strangers: fillers } of found) {
    const selfies = new Set(search.selfies.map(({ id }) => id));
    const ownIds = new Set(search.own.map(({ id }) => id));
    const shown = photos.filter((id) => !selfies.has(id));
    const hits = shown.filter((id) => ownIds.has(id)).length;
    const others = shown.length - hits + fillers;
    own += ownIds.size;
    ownFound += hits;
    strangers += others;
    allOwn += Number(hits === ownIds.size);
    noStranger += Number(others === 0);
  }
  return {
    searches: found.length,
    recall: ownFound / own,
    precision: ownFound / (ownFound + strangers),
    allOwn: allOwn / found.length,
    noStranger: noStranger / found.length,
    strangers: strangers / found.length,
  };
}
