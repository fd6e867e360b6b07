import { searchFields, SESSIONS_LIMIT, type SearchAnswer } from '@facepass/contracts/http';
import { falseMatchRateOf, similarityOfCosine, SURE_SIMILARITY, type Model } from '@facepass/contracts/model-pack';
import { readSession, type SessionRow } from '@facepass/indexing/db/sessions';
import { ApiProblem } from '@facepass/indexing/errors';
import { modelOfSession, rounded } from '@facepass/indexing/faces';
import { exchangeOf } from '@facepass/runtime/http-server';
import type { RequestHandler, Response } from 'express';
import type * as z from 'zod';
import { requireKeyWithScope, requireSessionAccess } from '../auth.ts';
import type { Context } from '../context.ts';
import { cursorOf, placeOf } from '../cursor.ts';
import { observeSearch } from '../metrics.ts';
import { nearestOfSessions, type Found, type Place } from '../nearest.ts';
import { readQuery, SELFIES_LIMIT, type QueryModels } from '../selfies.ts';
import { readUpload, type Upload } from '../upload.ts';
import { fieldProblem, validated } from '../validation.ts';

/**
 * POST /api/v1/search: the photos of a session that show the person of a selfie, of several selfies, or of a stored
 * face; with an API key of several sessions.
 */
export function searchFaces(context: Context): RequestHandler {
  return async (request, response) => {
    const started = performance.now();
    observeSearch(context.metrics, response);
    using upload = await readUpload(request, limitsOf(context));
    const { fields, sessionIds, after } = requireSearch(upload, response);
    const sessions = await requireSearchable(context, sessionIds);
    const faceCount = sessions.reduce((sum, session) => sum + session.faces, 0);
    const models = modelsOf(sessions);
    const session_id = sessionIds[0]!;
    const query = await readQuery(context, models, upload.images, { ...fields, session_id }, leftOf(response));
    response.locals.faces = query.presented.faces_detected;
    response.locals.model = models.map(({ modelId }) => modelId).join(', ');
    const threshold = fields.threshold ?? context.config.search.threshold;
    const found = await nearestOfSessions(
      context,
      sessions.map((session) => ({ ...session, embedding: query.embeddings[models.indexOf(session.model)]! })),
      { similarity: leastSimilarity(threshold), limit: fields.limit, after },
    );
    response.json({
      matches: presentMatches(found, sessionIds.length > 1),
      query_time_ms: rounded(performance.now() - started, 1),
      total_matches: found.total,
      next_cursor: found.next && cursorOf([String(found.next.cosine), found.next.photoId, found.next.sessionId]),
      faces_compared: faceCount,
      expected_false_matches: expectedFalseMatches(threshold, faceCount),
      query: query.presented,
    } satisfies SearchAnswer);
  };
}

function limitsOf({ imageMemory, config }: Context) {
  const repeatable = { session_id: SESSIONS_LIMIT };
  return { memory: imageMemory, maxImageBytes: config.upload.maxImageBytes, maxImages: SELFIES_LIMIT, repeatable };
}

function requireSearch({ images, fields }: Upload, response: Response): Search {
  const given: unknown[] = Array.isArray(fields['session_id']) ? fields['session_id'] : [fields['session_id']];
  if (given.length > SESSIONS_LIMIT) throw fieldProblem('session_id', `must be given at most ${SESSIONS_LIMIT} times`);
  const checked = [given[0], ...given.slice(1)].map((session_id) => validated(searchFields, { ...fields, session_id }));
  const sessionIds = [...new Set(checked.map(({ session_id }) => session_id))];
  for (const sessionId of sessionIds) requireSessionAccess(response, sessionId);
  const [search] = checked;
  if (sessionIds.length > 1 || search!.photo_id !== undefined) requireKeyWithScope(response, 'index');
  if (images.length > 0 && search!.photo_id !== undefined)
    throw fieldProblem('photo_id', 'must not be given together with an image');
  if (images.length === 0 && search!.photo_id === undefined)
    throw new ApiProblem('image_missing', 'The call contains neither an image nor a photo_id.');
  return { fields: search!, sessionIds, after: placeOfCursor(search!.cursor) };
}

interface Search {
  fields: z.infer<typeof searchFields>;
  /** Each once. */
  sessionIds: string[];
  after: Place | undefined;
}

function placeOfCursor(cursor: string | undefined): Place | undefined {
  const place = placeOf(cursor, /^-?\d(\.\d{1,20})?(e-\d{1,3})?$/, /^/, /^/);
  return place ? { cosine: Number(place[0]), photoId: place[1]!, sessionId: place[2]! } : undefined;
}

interface SearchableSession {
  sessionId: string;
  model: Model;
  faces: number;
}

async function requireSearchable(context: Context, sessionIds: readonly string[]): Promise<SearchableSession[]> {
  const sessions: SearchableSession[] = [];
  for (const sessionId of sessionIds) {
    const session: SessionRow | null = await readSession(context.pool, sessionId);
    if (!session)
      throw new ApiProblem('session_not_indexed', `Session ${JSON.stringify(sessionId)} has no indexed photos.`);
    const model = modelOfSession(context, sessionId, session.model_id);
    sessions.push({ sessionId, model, faces: session.face_count });
  }
  return sessions;
}

/** Each once. */
function modelsOf(sessions: readonly SearchableSession[]): QueryModels {
  const [first, ...others] = new Set(sessions.map(({ model }) => model));
  return [first!, ...others];
}

function leftOf(response: Response): AbortSignal {
  return exchangeOf(response).left;
}

/**
 * A match is a photo whose similarity, as answered, reaches the threshold; half a unit of the last decimal is added for
 * the rounding.
 */
function leastSimilarity(threshold: number): number {
  return Math.max(0, threshold - 0.00005);
}

function presentMatches({ photos }: Found, ofSeveral: boolean): SearchAnswer['matches'] {
  return photos.map(({ photo_id, sessionId, model, cosine, confidence, face_index, box }) => {
    const similarity = rounded(similarityOfCosine(cosine, model.pack.calibration), 4);
    return {
      photo_id,
      ...(ofSeveral && { session_id: sessionId }),
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
