import { formatProblemOf } from '@facepass/contracts/image-format';
import type { Model } from '@facepass/contracts/model-pack';
import { replaceFaces } from './db/faces.ts';
import type { Pool } from './db/pool.ts';
import { beginIndexing } from './db/sessions.ts';
import { ApiProblem } from './errors.ts';
import { findFaces, modelOfSession, servedModel, type FaceFinder, type FoundFaces, type Selection } from './faces.ts';
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
  /** Model of a session that has none yet; absent: the default. */
  model?: string;
}

export interface IndexedFaces extends FoundFaces {
  /** The session's. */
  modelId: string;
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
): Promise<IndexedFaces> {
  const { pool, config } = context;
  const before = await beginIndexing(pool, photo.session_id);
  const lastErasure = photo.last_erasure ?? before.lastErasure;
  let model = modelFor(context, photo, before.modelId);
  for (;;) {
    const found = await findFaces(context, model, photo.image, photo.purpose ?? 'index', signal, photo);
    const { othersModel } = await replaceFaces(pool, {
      sessionId: photo.session_id,
      photoId: photo.photo_id,
      modelId: model.modelId,
      faces: found.faces,
      lastErasure,
      expiresAt: photo.expires_at,
      retentionDays: config.retention.days,
    });
    if (othersModel === null) return { ...found, modelId: model.modelId };
    model = modelFor(context, photo, othersModel);
  }
}

/** The session's model, or for a session without one that of the call. */
function modelFor(context: IndexingContext, { session_id, model }: PhotoToIndex, ofSession: string | null): Model {
  if (!ofSession) return model === undefined ? context.models[0] : requireServed(context, model);
  if (model !== undefined && model !== ofSession)
    throw new ApiProblem(
      'model_mismatch',
      `Session ${JSON.stringify(session_id)} was indexed with ${ofSession}; the call asks for ${model}.`,
    );
  return modelOfSession(context, session_id, ofSession);
}

function requireServed(context: IndexingContext, modelId: string): Model {
  const model = servedModel(context, modelId);
  if (model) return model;
  const rule = `must be a model that is served: ${context.models.map((one) => one.modelId).join(' or ')}`;
  throw new ApiProblem('invalid_parameter', `model: ${rule}`, { errors: [{ field: 'model', rule }] });
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
