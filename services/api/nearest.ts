import { nearestPhotos, type NearestPhoto } from '@facepass/indexing/db/faces';
import type { Context } from './context.ts';

/** A match's place in the order of all: by cosine, then by the bytes of photo and session. */
export interface Place {
  cosine: number;
  photoId: string;
  sessionId: string;
}

export interface Found {
  /** Photos of all pages. */
  total: number;
  photos: (NearestPhoto & { sessionId: string })[];
  /** Where the next page begins; null on the last. */
  next: Place | null;
}

export interface PageQuery {
  embedding: readonly number[];
  /** Least cosine of a match. */
  cosine: number;
  limit: number;
  after?: Place;
}

/**
 * A page of the photos of some sessions that are nearest to a vector. Each session is searched by the same exact
 * statement, one after the other, so that one request takes one connection.
 */
export async function nearestOfSessions(
  { pool, modelId }: Context,
  sessionIds: readonly string[],
  { embedding, cosine, limit, after }: PageQuery,
): Promise<Found> {
  let total = 0;
  const photos: Found['photos'] = [];
  for (const sessionId of sessionIds) {
    const place = after && { ...after, inclusive: compareBytes(sessionId, after.sessionId) > 0 };
    const found = await nearestPhotos(pool, { sessionId, modelId, embedding, cosine, limit: limit + 1, after: place });
    total += found.total;
    photos.push(...found.photos.map((photo) => ({ ...photo, sessionId })));
  }
  const page = photos.toSorted(compareMatches).slice(0, limit);
  const last = page.at(-1);
  const next = last && photos.length > limit ? placeOf(last) : null;
  return { total, photos: page, next };
}

function placeOf({ cosine, photo_id, sessionId }: Found['photos'][number]): Place {
  return { cosine, photoId: photo_id, sessionId };
}

function compareMatches(a: Found['photos'][number], b: Found['photos'][number]): number {
  return b.cosine - a.cosine || compareBytes(a.photo_id, b.photo_id) || compareBytes(a.sessionId, b.sessionId);
}

/** As `collate "C"` does. */
function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
