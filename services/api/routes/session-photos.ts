import {
  pageFields,
  storedPhotoId,
  storedSessionId,
  type PhotoAnswer,
  type PhotosAnswer,
} from '@facepass/contracts/http';
import { readSession } from '@facepass/indexing/db/sessions';
import { ApiProblem } from '@facepass/indexing/errors';
import { rounded } from '@facepass/indexing/faces';
import type { RequestHandler } from 'express';
import * as z from 'zod';
import type { Context } from '../context.ts';
import { pageOf, placeOf } from '../cursor.ts';
import { listPhotos, readPhoto } from '../db/inventory.ts';
import { parametersOf, validated } from '../validation.ts';

/** GET /api/v1/sessions/{session_id}/photos: the photos of a session, a page at a time. */
export function sessionPhotos({ pool }: Context): RequestHandler {
  return async (request, response) => {
    const { session_id, limit, cursor } = validated(photosToList, parametersOf(request));
    const after = placeOf(cursor, /^/);
    if (!(await readSession(pool, session_id)))
      throw new ApiProblem('session_not_indexed', `The session ${JSON.stringify(session_id)} has no indexed photos.`);
    const rows = await listPhotos(pool, session_id, limit, after);
    const { page, next_cursor } = pageOf(rows, limit, (row) => [row.photo_id]);
    const photos = page.map((row) => ({ ...row, indexed_at: row.indexed_at.toISOString() }));
    response.json({ session_id, photos, next_cursor } satisfies PhotosAnswer);
  };
}

const photosToList = pageFields.extend({ session_id: storedSessionId });

/** GET /api/v1/sessions/{session_id}/photos/{photo_id}: the indexed faces of one photo. */
export function listedPhoto({ pool }: Context): RequestHandler {
  return async (request, response) => {
    const { session_id, photo_id } = validated(photoToRead, parametersOf(request));
    const faces = (await readSession(pool, session_id)) ? await readPhoto(pool, session_id, photo_id) : [];
    const [first] = faces;
    if (!first) throw new ApiProblem('photo_not_indexed', `The session has no photo ${JSON.stringify(photo_id)}.`);
    response.json({
      session_id,
      photo_id,
      model: first.model_id,
      indexed_at: first.indexed_at.toISOString(),
      faces: faces.map(({ face_index, box, confidence, quality }) => ({
        face_index,
        box,
        confidence: rounded(confidence, 4),
        quality: quality === null ? null : rounded(quality, 4),
      })),
    } satisfies PhotoAnswer);
  };
}

const photoToRead = z.strictObject({ session_id: storedSessionId, photo_id: storedPhotoId });
