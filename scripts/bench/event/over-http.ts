import { readFileSync } from 'node:fs';
import { answerOf, createFacepassClient, multipart, patientFetch, type FacepassClient } from '@facepass/client';
import sharp from 'sharp';
import { offMiddle } from './cache.ts';
import type { Found, Session } from './sessions.ts';

/** A running service. */
export interface Service {
  url: string;
  apiKey: string;
}

/**
 * The searches of a session through the HTTP API at its default threshold: every photo is indexed, every selfie searched,
 * and the session erased at the end.
 */
export async function searchOverHttp({ url, apiKey }: Service, session: Session, name: string): Promise<Found[]> {
  const fetch = patientFetch({ attempts: 5, longestWaitMs: 30_000 });
  const client = createFacepassClient({ baseUrl: url, apiKey, fetch });
  try {
    await inTurns(session.photos, async ({ photo }) => {
      const body = { session_id: name, photo_id: photo.id, image: blobOf(photo.path) };
      const { response } = await client.POST('/api/v1/index', { body, bodySerializer: multipart });
      if (response.status !== 200 && response.status !== 400) throw new Error(`${photo.path}: ${response.status}`);
    });
    return await inTurns(session.searches, async (search) => {
      const image = search.selfies.map(({ path }) => blobOf(path));
      const photos = await searchFor(client, name, image, await middleFace(client, name, search.selfies[0]!.path));
      return { search, photos, strangers: 0 };
    });
  } finally {
    await client.DELETE('/api/v1/index/{session_id}', { params: { path: { session_id: name } } });
  }
}

/** By the first selfie alone where the others are refused, as the guest page does. */
async function searchFor(
  client: FacepassClient,
  session_id: string,
  image: Blob[],
  face_index: number | null,
): Promise<string[]> {
  if (face_index === null) return [];
  const body = { session_id, image, face_index, limit: 1000 };
  const result = await client.POST('/api/v1/search', { body, bodySerializer: multipart });
  if (result.error?.code === 'selfies_differ') return searchFor(client, session_id, image.slice(0, 1), face_index);
  const { matches } = answerOf(result);
  return matches.map(({ photo_id }) => photo_id);
}

/** The number of the face nearest the middle, which a guest would choose; null of a picture without a face. */
async function middleFace(client: FacepassClient, session_id: string, path: string): Promise<number | null> {
  const body = { session_id, image: blobOf(path), limit: 1 };
  const result = await client.POST('/api/v1/search', { body, bodySerializer: multipart });
  if (result.response.status === 400) return null;
  const { faces } = answerOf(result).query;
  if (!faces) return 0;
  const { autoOrient } = await sharp(readFileSync(path)).metadata();
  const [nearest] = faces.toSorted((a, b) => offMiddle(a.box, autoOrient) - offMiddle(b.box, autoOrient));
  return nearest!.face_index;
}

function blobOf(path: string): Blob {
  return new Blob([new Uint8Array(readFileSync(path))]);
}

/** Two at a time, in order. */
async function inTurns<T, R>(list: readonly T[], work: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < list.length; i = next++) results[i] = await work(list[i]!);
  };
  await Promise.all([worker(), worker()]);
  return results;
}
