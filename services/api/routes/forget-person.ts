import { createHash } from 'node:crypto';
import { forgetFields, type ForgetAnswer } from '@facepass/contracts/http';
import { cosineOfSimilarity, falseMatchRateOf, similarityOfCosine, type Model } from '@facepass/contracts/model-pack';
import { eraseFaces } from '@facepass/indexing/db/erase-faces';
import { readSession } from '@facepass/indexing/db/sessions';
import { ApiProblem } from '@facepass/indexing/errors';
import { modelOfSession, rounded } from '@facepass/indexing/faces';
import { exchangeOf } from '@facepass/runtime/http-server';
import type { RequestHandler } from 'express';
import { requireKey } from '../auth.ts';
import type { Context } from '../context.ts';
import { facesOfPerson, type PersonFace } from '../db/person-faces.ts';
import { readQuery, SELFIES_LIMIT } from '../selfies.ts';
import { readUpload } from '../upload.ts';
import { fieldProblem, validated } from '../validation.ts';

/**
 * POST /api/v1/sessions/{session_id}/forget: the faces of the person of a selfie, photo by photo; with the token of
 * that preview and the same selfie it erases them, and leaves the other faces of their photos.
 */
export function forgetPerson(context: Context): RequestHandler {
  return async (request, response) => {
    const { imageMemory: memory, config } = context;
    using upload = await readUpload(request, {
      memory,
      maxImageBytes: config.upload.maxImageBytes,
      maxImages: SELFIES_LIMIT,
    });
    const fields = validated(forgetFields, upload.fields);
    const { session_id, confirmation_token } = fields;
    if (upload.images.length === 0) throw new ApiProblem('image_missing', 'The call contains no image.');
    const { model, faceCount } = await requireSession(context, session_id);
    const query = await readQuery(context, [model], upload.images, fields, exchangeOf(response).left);
    const threshold = fields.threshold ?? config.search.threshold;
    const found = await requireFaces(context, session_id, { model, embedding: query.embeddings[0]! }, threshold);
    const token = tokenOf(session_id, found);
    if (confirmation_token !== undefined) {
      if (confirmation_token !== token)
        throw new ApiProblem('confirmation_outdated', 'The faces of the person are not those of the preview.');
      await erasePhotoByPhoto(context, session_id, found, requireKey(response).name);
    }
    response.json({
      session_id,
      erased: confirmation_token !== undefined,
      faces: found.map(({ photo_id, face_index, box, cosine }) => ({
        photo_id,
        face_index,
        box,
        similarity: rounded(similarityOfCosine(cosine, model.pack.calibration), 4),
      })),
      photo_count: new Set(found.map(({ photo_id }) => photo_id)).size,
      confirmation_token: token,
      expected_false_matches: Number((falseMatchRateOf(threshold) * faceCount).toPrecision(2)),
      query: query.presented,
    } satisfies ForgetAnswer);
  };
}

/** Faces of one call: the answer lists them all. */
const FACES_LIMIT = 5000;

/** Its model, and the number of its faces. */
async function requireSession(context: Context, sessionId: string): Promise<{ model: Model; faceCount: number }> {
  const session = await readSession(context.pool, sessionId);
  if (!session)
    throw new ApiProblem('session_not_indexed', `Session ${JSON.stringify(sessionId)} has no indexed photos.`);
  return { model: modelOfSession(context, sessionId, session.model_id), faceCount: session.face_count };
}

/** As in a search, a similarity counts as it is answered: half a unit of its last decimal is added for the rounding. */
async function requireFaces(
  { pool }: Context,
  sessionId: string,
  { model: { modelId, pack }, embedding }: { model: Model; embedding: readonly number[] },
  threshold: number,
): Promise<PersonFace[]> {
  const cosine = cosineOfSimilarity(Math.max(0, threshold - 0.00005), pack.calibration);
  const faces = await facesOfPerson(pool, { sessionId, modelId, embedding, cosine, limit: FACES_LIMIT + 1 });
  if (faces.length > FACES_LIMIT)
    throw fieldProblem('threshold', `must be higher: more than ${FACES_LIMIT} faces reach it`);
  return faces;
}

/** Without a secret and without a time: whoever has it has seen this list, and may erase what it names anyway. */
function tokenOf(sessionId: string, faces: readonly PersonFace[]): string {
  const names = faces.map(({ photo_id, face_index, indexed_at }) => [photo_id, face_index, indexed_at]);
  return createHash('sha256')
    .update(JSON.stringify([sessionId, names]))
    .digest('base64url');
}

/** Each photo in a transaction of its own; a call that was interrupted is repeated from a new preview. */
async function erasePhotoByPhoto({ pool }: Context, sessionId: string, faces: PersonFace[], actor: string) {
  for (const [photoId, ofPhoto] of Map.groupBy(faces, ({ photo_id }) => photo_id)) {
    const faceIndexes = ofPhoto.map(({ face_index }) => face_index);
    const [indexedAt] = ofPhoto.map(({ indexed_at }) => indexed_at).toSorted();
    await eraseFaces(pool, { sessionId, photoId, faceIndexes, indexedAt, actor });
  }
}
