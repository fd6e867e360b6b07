import { formatProblemOf } from '@facepass/contracts/image-format';
import { modelMismatch, replaceFaces } from './db/faces.ts';
import type { Pool } from './db/pool.ts';
import { beginIndexing } from './db/sessions.ts';
import { ApiProblem } from './errors.ts';
import { findFaces, type FaceFinder, type FoundFaces, type Selection } from './faces.ts';
import type { Purpose } from './inference-client.ts';
import type { PhotoStorage } from './storage.ts';

/** What a photo needs on its way from the bucket into the database. */
export interface IndexingContext extends FaceFinder {
  pool: Pool;
  /** null where no bucket is configured. */
  storage: PhotoStorage | null;
  config: { retention: { days: number } };
}

export interface PhotoToIndex extends Selection {
  session_id: string;
  photo_id: string;
  expires_at?: string;
  image: Uint8Array;
  /** The newest erasure of the session that the caller knew; absent: the newest now. */
  last_erasure?: string;
  /** Absent: index. */
  purpose?: Purpose;
}

/**
 * Finds the faces of a photo and stores them. An erasure that comes meanwhile is noticed before anything
 * is written.
 * @throws ApiProblem
 */
export async function indexFaces(
  context: IndexingContext,
  photo: PhotoToIndex,
  signal?: AbortSignal,
): Promise<FoundFaces> {
  const { pool, modelId, config } = context;
  const before = await beginIndexing(pool, photo.session_id);
  if (before.modelId && before.modelId !== modelId) throw modelMismatch(photo.session_id, before.modelId, modelId);
  const found = await findFaces(context, photo.image, photo.purpose ?? 'index', signal, photo);
  await replaceFaces(pool, {
    sessionId: photo.session_id,
    photoId: photo.photo_id,
    modelId,
    faces: found.faces,
    lastErasure: photo.last_erasure ?? before.lastErasure,
    expiresAt: photo.expires_at,
    retentionDays: config.retention.days,
  });
  return found;
}

/**
 * A photo from the bucket.
 * @throws ApiProblem
 */
export async function fetchPhoto(context: IndexingContext, s3Key: string, signal?: AbortSignal): Promise<Buffer> {
  if (!context.storage) throw new ApiProblem('s3_not_configured', 'This service has no bucket; upload the image.');
  const photo = await context.storage.fetchPhoto(s3Key, signal);
  requireImageSignature(photo);
  return photo;
}

/**
 * Checks the format by the first bytes, whatever the header or the name says.
 * @throws ApiProblem unless it is a file of an accepted format that the service decodes
 */
export function requireImageSignature(image: Uint8Array): void {
  const refused = formatProblemOf(image);
  if (refused) throw new ApiProblem(refused.problem, refused.detail);
}
