import { searchFields, type SearchAnswer } from '@facepass/contracts/http';
import {
  cosineOfSimilarity,
  falseMatchRateOf,
  similarityOfCosine,
  SURE_SIMILARITY,
  type Calibration,
} from '@facepass/contracts/model-pack';
import { modelMismatch, nearestPhotos, type NearestPhoto } from '@facepass/indexing/db/faces';
import { readSession, type SessionRow } from '@facepass/indexing/db/sessions';
import { ApiProblem } from '@facepass/indexing/errors';
import { rounded } from '@facepass/indexing/faces';
import { exchangeOf } from '@facepass/runtime/http-server';
import type { RequestHandler, Response } from 'express';
import type * as z from 'zod';
import { requireSessionAccess } from '../auth.ts';
import type { Context } from '../context.ts';
import { observeSearch } from '../events.ts';
import { presentQuery, readSelfies, SELFIES_LIMIT } from '../selfies.ts';
import { readUpload, type Upload } from '../upload.ts';
import { validated } from '../validation.ts';

/** POST /api/v1/search: the photos of a session that show the person of a selfie, or of several selfies. */
export function searchFaces(context: Context): RequestHandler {
  return async (request, response) => {
    const started = performance.now();
    observeSearch(context.metrics, response);
    const { memory, maxImageBytes } = { memory: context.imageMemory, ...context.config.upload };
    using upload = await readUpload(request, { memory, maxImageBytes, maxImages: SELFIES_LIMIT });
    const fields = requireSearch(upload, response);
    const session = await requireSearchable(context, fields.session_id);
    const query = await readSelfies(context, upload.images, fields.face_index, exchangeOf(response).left);
    response.locals.faces = query.selfies[0]!.faces.length;
    response.locals.model = context.modelId;
    const threshold = fields.threshold ?? context.config.search.threshold;
    const found = await nearestPhotos(context.pool, {
      sessionId: fields.session_id,
      modelId: context.modelId,
      embedding: query.embedding,
      cosine: leastCosine(threshold, context.pack.calibration),
      limit: fields.limit,
    });
    const matches = presentMatches(found.photos, context.pack.calibration);
    response.json({
      matches,
      query_time_ms: rounded(performance.now() - started, 1),
      total_matches: found.total,
      faces_compared: session.face_count,
      expected_false_matches: expectedFalseMatches(threshold, session.face_count),
      query: presentQuery(query),
    } satisfies SearchAnswer);
  };
}

function requireSearch({ images, fields }: Upload, response: Response): z.infer<typeof searchFields> {
  const checked = validated(searchFields, fields);
  requireSessionAccess(response, checked.session_id);
  if (images.length === 0) throw new ApiProblem('image_missing', 'The call contains no image.');
  return checked;
}

async function requireSearchable({ pool, modelId }: Context, sessionId: string): Promise<SessionRow> {
  const session = await readSession(pool, sessionId);
  if (!session)
    throw new ApiProblem('session_not_indexed', `Session ${JSON.stringify(sessionId)} has no indexed photos.`);
  if (session.model_id !== modelId) throw modelMismatch(sessionId, session.model_id, modelId);
  return session;
}

/**
 * A match is a photo whose similarity, as answered, reaches the threshold; half a unit of the last decimal is added for
 * the rounding.
 */
function leastCosine(threshold: number, calibration: Calibration): number {
  return cosineOfSimilarity(Math.max(0, threshold - 0.00005), calibration);
}

function presentMatches(photos: NearestPhoto[], calibration: Calibration): SearchAnswer['matches'] {
  return photos.map(({ photo_id, cosine, confidence, face_index, box }) => {
    const similarity = rounded(similarityOfCosine(cosine, calibration), 4);
    return {
      photo_id,
      similarity,
      certainty: similarity >= SURE_SIMILARITY ? 'sure' : 'likely',
      confidence: rounded(confidence, 4),
      face: { face_index, box },
    };
  });
}

/** The calibration is worth two digits. */
function expectedFalseMatches(threshold: number, faces: number): number {
  return Number((falseMatchRateOf(threshold) * faces).toPrecision(2));
}
