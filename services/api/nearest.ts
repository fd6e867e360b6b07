import { cosineOfSimilarity, similarityOfCosine, type Model } from '@facepass/contracts/model-pack';
import { nearestPhotos, type NearestPhoto } from '@facepass/indexing/db/faces';
import type { Context } from './context.ts';

/** A match's place in the order of all: by similarity, then by the bytes of photo and session. */
export interface Place {
  /** Under the model of the session. */
  cosine: number;
  photoId: string;
  sessionId: string;
}

export interface Found {
  /** Photos of all pages. */
  total: number;
  photos: (NearestPhoto & { sessionId: string; model: Model })[];
  /** Where the next page begins; null on the last. */
  next: Place | null;
}

/** A session to search, and the face that is searched, as its model embeds it. */
export interface SessionQuery {
  sessionId: string;
  model: Model;
  embedding: readonly number[];
}

export interface PageQuery {
  /** Least similarity of a match. */
  similarity: number;
  limit: number;
  after?: Place;
}

/**
 * A page of the photos of some sessions that are nearest to a face. Cosines of two models do not compare; their
 * similarities do, which count strangers (docs/decisions/0045). Each session is searched by the same exact
 * statement, one after the other, so that one request takes one connection.
 */
export async function nearestOfSessions(
  { pool }: Pick<Context, 'pool'>,
  sessions: readonly SessionQuery[],
  { similarity, limit, after }: PageQuery,
): Promise<Found> {
  let total = 0;
  const photos: Found['photos'] = [];
  const modelOfPlace = sessions.find(({ sessionId }) => sessionId === after?.sessionId)?.model;
  for (const { sessionId, model, embedding } of sessions) {
    const place = after && {
      cosine: cosineUnder(model, after.cosine, modelOfPlace ?? model),
      photoId: after.photoId,
      inclusive: compareBytes(sessionId, after.sessionId) > 0,
    };
    const found = await nearestPhotos(pool, {
      sessionId,
      modelId: model.modelId,
      embedding,
      cosine: cosineOfSimilarity(similarity, model.pack.calibration),
      limit: limit + 1,
      after: place,
    });
    total += found.total;
    photos.push(...found.photos.map((photo) => ({ ...photo, sessionId, model })));
  }
  const page = photos.toSorted(compareMatches).slice(0, limit);
  const last = page.at(-1);
  const next = last && photos.length > limit ? placeOf(last) : null;
  return { total, photos: page, next };
}

/** The cosine that means under `model` what `cosine` means under the model `of`. */
function cosineUnder({ modelId, pack }: Model, cosine: number, of: Model): number {
  if (modelId === of.modelId) return cosine;
  return cosineOfSimilarity(similarityOfCosine(cosine, of.pack.calibration), pack.calibration);
}

function placeOf({ cosine, photo_id, sessionId }: Found['photos'][number]): Place {
  return { cosine, photoId: photo_id, sessionId };
}

function compareMatches(a: Found['photos'][number], b: Found['photos'][number]): number {
  return closeness(b, a) || compareBytes(a.photo_id, b.photo_id) || compareBytes(a.sessionId, b.sessionId);
}

/** By cosine under one model, where two similarities may round to one number. */
function closeness(a: Found['photos'][number], b: Found['photos'][number]): number {
  if (a.model.modelId === b.model.modelId) return a.cosine - b.cosine;
  return (
    similarityOfCosine(a.cosine, a.model.pack.calibration) - similarityOfCosine(b.cosine, b.model.pack.calibration)
  );
}

/** As `collate "C"` does. */
function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
