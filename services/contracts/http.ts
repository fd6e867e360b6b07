import * as z from 'zod';

/**
 * The requests and answers of the HTTP API, field by field. The API checks requests with these schemas and generates
 * /openapi.json from them; the command-line client types its calls with them.
 */

/** 1 to 255 characters without control characters, which PostgreSQL or a log could not keep. */
const IDENTIFIER = '^[^\\u0000-\\u001f\\u007f-\\u009f]{1,255}$';
const identifierPattern = new RegExp(IDENTIFIER, 'u');

function identifier(description: string, example: string) {
  return z
    .string('must be given, as text')
    .refine(
      (text) => identifierPattern.test(text) && text.isWellFormed(),
      'must be 1 to 255 characters without control characters',
    )
    .meta({ description, example, minLength: 1, maxLength: 255, pattern: IDENTIFIER });
}

/**
 * Rejects ids that no URL can carry: every client resolves `/photos/..` to the path of the session, so erasing that
 * photo would erase its session. Such ids stored earlier can still be found and erased.
 */
function nameable(id: ReturnType<typeof identifier>) {
  return id
    .refine((text) => text !== '.' && text !== '..', 'must not be . or .., which no URL can carry')
    .meta({ ...id.meta(), pattern: IDENTIFIER.replace('^', '^(?!\\.{1,2}$)') });
}

export const photoId = identifier('The client’s own id of the photo.', '5b0c2a3e-8d5e-4a53-9d0f-0d2f0d6a7c11');
export const sessionId = identifier(
  'The event that the photos belong to. A UUID in capital letters is the same session as in small letters.',
  'wedding-2026-05-09',
).overwrite(foldUuid);

/**
 * Schema 1 stored sessions as `uuid`, which accepts any spelling. A client that writes capitals must still find its
 * session after the migration (RFC 9562, section 4).
 */
function foldUuid(text: string): string {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text) ? text.toLowerCase() : text;
}

/** The ids of a photo to index. */
export const newPhotoId = nameable(photoId);
export const newSessionId = nameable(sessionId);

/** Ids that may be stored: tables of older services contain empty ids and control characters. */
function stored(description: string) {
  return z
    .string('must be given, as text')
    .refine((text) => /^[^\0]{0,255}$/u.test(text) && text.isWellFormed(), 'must be at most 255 characters without NUL')
    .meta({ description, maxLength: 255 });
}

export const storedPhotoId = stored('Any stored id, including those that a path cannot carry: `.`, `..`, or empty.');
export const storedSessionId = stored(
  'Any stored id, including those that a path cannot carry: `.`, `..`, or empty.',
).overwrite(foldUuid);

/** Form fields are text: a plain decimal becomes a number; the next check rejects anything else. */
const numberOfText = (value: unknown) =>
  typeof value === 'string' && /^-?\d{1,15}(\.\d{1,15})?$/.test(value) ? Number(value) : value;

const faceIndexField = z.preprocess(
  numberOfText,
  z.int('must be a whole number').min(0, 'must be 0 or more').max(10_000, 'must be 10000 or less'),
);
/** Of a face that is indexed. */
export const storedFaceIndex = faceIndexField.meta({ description: 'Index of a face, as the photo lists it.' });
const thresholdField = z.preprocess(
  numberOfText,
  z.number('must be a number').min(0, 'must be 0 to 1').max(1, 'must be 0 to 1'),
);
const limitField = z.preprocess(
  numberOfText,
  z.int('must be a whole number').min(1, 'must be 1 to 1000').max(1000, 'must be 1 to 1000'),
);

const cursorField = z
  .string('must be given once')
  .max(2048, 'must be at most 2048 characters')
  .meta({ description: '`next_cursor` of the answer before; absent for the first page.' });

const expiresAtField = z.iso
  .datetime({ offset: true, abort: true, error: 'must be a time such as 2026-12-31T23:59:59Z' })
  .refine((text) => Date.parse(text) > Date.now(), 'must be in the future')
  .meta({
    description: 'When the service erases the whole session; a later call changes it.',
    example: '2027-01-31T00:00:00Z',
  });

export const s3Key = z
  .string('must be given, as text')
  .refine((key) => key !== '' && new TextEncoder().encode(key).length <= 1024, 'must be 1 to 1024 bytes')
  .meta({
    description: 'Key of the photo in the configured bucket, relative to the configured prefix.',
    example: 'wedding/IMG_0001.jpg',
    minLength: 1,
    maxLength: 1024,
  });

/** Which faces of a photo are indexed. */
const selectionFields = {
  max_faces: z
    .preprocess(
      numberOfText,
      z.int('must be a whole number').min(1, 'must be 1 to 1000').max(1000, 'must be 1 to 1000'),
    )
    .optional()
    .meta({
      description:
        'Maximum number of faces to index of a photo, largest first; the others are rejected as `over_limit`.',
    }),
  min_quality: z
    .preprocess(numberOfText, z.number('must be a number').min(0, 'must be 0 to 1').max(1, 'must be 0 to 1'))
    .optional()
    .meta({ description: 'Minimum `quality` of a face to index; the others are rejected as `low_quality`.' }),
};

const modelField = z.string('must be given once').max(64, 'must be at most 64 characters').meta({
  description:
    'Model for a session without photos, one of `models` of GET /api/v1/settings; default: the first of them. A session keeps its model.',
  example: 'sface-3',
});

/** Fields of POST /api/v1/index in addition to the image. */
export const indexFields = z.strictObject({
  photo_id: newPhotoId,
  session_id: newSessionId,
  s3_key: s3Key.optional(),
  expires_at: expiresAtField.optional(),
  model: modelField.optional(),
  ...selectionFields,
});

export const indexByKey = indexFields.required({ s3_key: true }).meta({ id: 'IndexByKey' });

/** Sessions that one search may name. */
export const SESSIONS_LIMIT = 20;

/** Fields of POST /api/v1/search in addition to the image; `session_id` may be given up to `SESSIONS_LIMIT` times. */
export const searchFields = z.strictObject({
  session_id: sessionId,
  photo_id: photoId.optional().meta({
    description:
      'Searches a stored face instead of a selfie: face `face_index` of this photo of the (first) session. Needs an API key with the scope `index`.',
  }),
  threshold: thresholdField.optional().meta({
    description:
      'Minimum similarity of a match, 0 to 1. It determines how many strangers to expect: at 0.5 one pair of different people in 10,000 matches, each 0.1 less gives ten times as many, and at 0.1 everybody matches. `expected_false_matches` in the answer gives the number for the session.',
  }),
  limit: limitField.default(100).meta({ description: 'Maximum number of matches to return.' }),
  face_index: faceIndexField.optional().meta({
    description:
      'Which face of the selfie (of the first one, if there are several selfies) to search, numbered as in `query`. Default: the largest. With `photo_id`: the index of the stored face.',
  }),
  cursor: cursorField.optional().meta({
    description:
      '`next_cursor` of the previous answer, with the same selfie and parameters; absent for the first page.',
  }),
});

/** A search by a stored face, as JSON. */
export const searchByFace = searchFields
  .extend({
    session_id: z.union([sessionId, z.array(sessionId).min(1).max(SESSIONS_LIMIT)]),
    photo_id: photoId.meta({ description: 'A photo of the session; if there are several sessions, of the first.' }),
  })
  .meta({ id: 'SearchByFace' });

export const box = z.strictObject({ x: z.number(), y: z.number(), width: z.number(), height: z.number() }).meta({
  id: 'Box',
  description: 'In pixels of the upright image, origin at the upper left; may extend beyond the edge.',
});

const unit = z.number().min(0).max(1);

export const indexedFace = z
  .strictObject({
    face_index: z.int().min(0),
    box,
    confidence: unit.meta({ description: 'Detector score.' }),
    quality: unit.meta({ description: 'Size, sharpness and pose in one number.' }),
  })
  .meta({ id: 'IndexedFace' });

export const rejectedFace = z
  .strictObject({
    box,
    reason: z.string().meta({
      description:
        'too_small, blurred, extreme_pose or truncated; not_a_face: a closer look shows no face; ' +
        'low_quality: below `min_quality`; over_limit: the photo has more faces than the limit',
    }),
  })
  .meta({ id: 'RejectedFace' });

export const imageWarning = z
  .strictObject({
    code: z.string().meta({ description: 'image_incomplete: the file ends early.', example: 'image_incomplete' }),
    detail: z.string(),
  })
  .meta({ id: 'ImageWarning' });

const warnings = z.array(imageWarning).optional().meta({
  description: 'What is wrong with the image, although its faces were indexed. Absent if nothing is wrong.',
});

export const indexAnswer = z
  .strictObject({
    indexed: z.literal(true),
    photo_id: photoId,
    confidence: unit.meta({ description: 'Highest detector score among the photo’s faces.' }),
    faces_detected: z.int().min(1).meta({ description: 'Number of faces indexed: the length of `faces`.' }),
    faces: z.array(indexedFace),
    rejected: z.array(rejectedFace).meta({
      description: 'Faces found but not indexed, because they are too poor to compare or too many. The largest 1,000.',
    }),
    warnings,
  })
  .meta({ id: 'IndexAnswer' });

/** The API rejects larger batches, because it holds the whole list in memory. */
export const BATCH_PHOTOS_LIMIT = 1000;

export const batchRequest = z
  .strictObject({
    session_id: newSessionId,
    photos: z
      .array(z.strictObject({ photo_id: newPhotoId, s3_key: s3Key }))
      .min(1, 'must be 1 to 1000 photos')
      .max(BATCH_PHOTOS_LIMIT, 'must be 1 to 1000 photos'),
    expires_at: expiresAtField.optional(),
    ...selectionFields,
  })
  .meta({ id: 'BatchRequest' });

export const batchError = z
  .strictObject({ photo_id: photoId, code: z.string(), error: z.string() })
  .meta({ id: 'BatchError' });

export const batchAnswer = z
  .strictObject({ indexed: z.int().min(0), failed: z.int().min(0), errors: z.array(batchError) })
  .meta({ id: 'BatchAnswer' });

/** One line of the application/x-ndjson answer, in the order in which the photos are done. */
export const batchLine = z
  .discriminatedUnion('indexed', [
    z.strictObject({
      photo_id: photoId,
      indexed: z.literal(true),
      faces_detected: z.int(),
      confidence: unit,
      warnings,
    }),
    z.strictObject({ photo_id: photoId, indexed: z.literal(false), code: z.string(), error: z.string() }),
  ])
  .meta({ id: 'BatchLine' });

const nextCursor = z
  .string()
  .nullable()
  .meta({ description: 'Give it as `cursor` for the next page; null on the last.' });

/** A job of more photos is refused. */
export const JOB_PHOTOS_LIMIT = 100_000;

export const jobPhoto = z.strictObject({ photo_id: newPhotoId, s3_key: s3Key }).meta({ id: 'JobPhoto' });

const s3Prefix = z
  .string('must be text')
  .refine((prefix) => new TextEncoder().encode(prefix).length <= 1024, 'must be at most 1024 bytes')
  .meta({
    description: 'Index every JPEG, PNG, WebP, HEIC and AVIF file below it, by its key; `photo_id` is the key.',
    example: 'wedding/',
  });

/** What a job is, beside its photos: the first line of an application/x-ndjson request, whose other lines are photos. */
export const jobHead = z.strictObject({
  session_id: newSessionId,
  expires_at: expiresAtField.optional(),
  s3_prefix: s3Prefix.optional(),
});

export const jobRequest = jobHead
  .extend({
    photos: z
      .array(jobPhoto)
      .min(1, 'must be 1 to 100000 photos')
      .max(JOB_PHOTOS_LIMIT, 'must be 1 to 100000 photos')
      .optional()
      .meta({ description: 'Either these or `s3_prefix`. A photo sent twice counts once.' }),
  })
  .meta({ id: 'JobRequest' });

export const jobId = z.uuid('must be the id of a job').meta({ description: 'Id of the job.' });

const count = z.int().min(0);

export const job = z
  .strictObject({
    job_id: jobId,
    session_id: sessionId,
    state: z.enum(['listing', 'running', 'finished', 'failed', 'cancelled']).meta({
      description:
        'listing: the bucket is still being listed; failed: the bucket could not be listed to its end, `code` says why.',
    }),
    s3_prefix: z.string().nullable(),
    total: count.meta({ description: 'Photos known so far: the sum of the five states.' }),
    pending: count,
    indexed: count,
    without_face: count,
    failed: count,
    cancelled: count,
    photos_per_second: z.number().min(0).meta({ description: 'Photos that ended in the last minute, per second.' }),
    estimated_end: z.iso.datetime().nullable().meta({ description: 'At that rate; null while there is none.' }),
    oldest_pending: z.iso.datetime().nullable().meta({ description: 'Since when the oldest pending photo waits.' }),
    created_at: z.iso.datetime(),
    ended_at: z.iso.datetime().nullable(),
    code: z.string().nullable(),
    detail: z.string().nullable(),
  })
  .meta({ id: 'Job' });

/** Parameters of the call that lists the jobs of a session. */
export const jobsFields = z.strictObject({
  session_id: storedSessionId,
  limit: z
    .preprocess(numberOfText, z.int('must be a whole number').min(1, 'must be 1 to 100').max(100, 'must be 1 to 100'))
    .default(20)
    .meta({ description: 'Most jobs of a page.' }),
  cursor: z
    .string()
    .max(2000)
    .optional()
    .meta({ description: '`next_cursor` of the answer before; absent for the first page.' }),
});

export const jobsAnswer = z
  .strictObject({ jobs: z.array(job).meta({ description: 'Newest first.' }), next_cursor: nextCursor })
  .meta({ id: 'Jobs' });

export const jobPhotoState = z.enum(['pending', 'indexed', 'without_face', 'failed', 'cancelled']);

export const jobPhotosAnswer = z
  .strictObject({
    job_id: jobId,
    photos: z
      .array(
        z
          .strictObject({
            photo_id: photoId,
            s3_key: z.string(),
            state: jobPhotoState,
            faces_detected: count.nullable(),
            code: z.string().nullable().meta({ description: 'Why it was not indexed: one of the codes of problems.' }),
            detail: z.string().nullable(),
          })
          .meta({ id: 'JobPhotoState' }),
      )
      .meta({ description: 'In the order in which they were sent.' }),
    next_cursor: nextCursor,
  })
  .meta({ id: 'JobPhotos' });

/** Form fields of POST /api/v1/sessions/{session_id}/forget, beside the selfies. */
export const forgetFields = z.strictObject({
  session_id: storedSessionId,
  threshold: thresholdField.optional().meta({
    description:
      'Minimum similarity of a face that is erased, 0 to 1, as in a search. Default: FACE_SIMILARITY_THRESHOLD.',
  }),
  face_index: faceIndexField
    .optional()
    .meta({ description: 'Which face of the (first) selfie. Default: the largest.' }),
  confirmation_token: z
    .string('must be text')
    .regex(/^[\w-]{43}$/, 'must be the confirmation_token of a preview')
    .optional()
    .meta({ description: 'From a preview: erases the faces that it lists. Without it nothing is erased.' }),
});

export const deleteAnswer = z
  .strictObject({ deleted: z.literal(true), embeddings_removed: z.int().min(0) })
  .meta({ id: 'DeleteAnswer' });

export const match = z
  .strictObject({
    photo_id: photoId,
    session_id: sessionId.optional().meta({ description: 'Present if the search named several sessions.' }),
    similarity: unit.meta({
      description:
        'How rarely two different people look this alike: 0.5 is one pair in 10,000, 0.6 one in 100,000, 1 the same photo; four decimals.',
    }),
    certainty: z.enum(['sure', 'likely']).meta({
      description: 'sure: the similarity is 0.6 or more, which one pair of different people in 100,000 reaches.',
    }),
    confidence: unit.meta({ description: 'Detector score of the matched face.' }),
    face: z.strictObject({ face_index: z.int().min(0), box: z.union([box, z.null()]) }),
  })
  .meta({ id: 'Match' });

const readSelfie = z.strictObject({
  faces_detected: z.int().min(1),
  face_index: z.int().min(0),
  box,
  faces: z
    .array(z.strictObject({ face_index: z.int().min(0), box }))
    .optional()
    .meta({ description: 'All faces, if the selfie shows several; choose another one with `face_index`.' }),
});

export const searchAnswer = z
  .strictObject({
    matches: z.array(match).meta({ description: 'Each photo appears once, with its best face; most similar first.' }),
    query_time_ms: z.number().min(0),
    total_matches: z
      .int()
      .min(0)
      .meta({ description: 'Number of photos at or above the threshold, including those beyond `limit`.' }),
    next_cursor: z
      .string()
      .nullable()
      .meta({ description: 'Send it as `cursor` with the same search to get the next matches; null: there are none.' }),
    faces_compared: z.int().min(0).meta({ description: 'Number of faces in the session; all are compared.' }),
    expected_false_matches: z.number().min(0).meta({
      description:
        'Expected number of matching faces of other people at this threshold: its false match rate times `faces_compared`. The rate was measured on hundreds of people; relatives and twins are more alike.',
      example: 0.12,
    }),
    query: readSelfie
      .extend({
        selfies: z.array(readSelfie).optional().meta({
          description:
            'If there are several selfies: which face of each was searched, in their order. In the first selfie `face_index` chooses the face; in the others it is the face most similar to that one.',
        }),
      })
      .meta({
        description:
          'Which face of the selfie (of the first one, if there are several) was searched. Faces are numbered from 0, the largest.',
      }),
  })
  .meta({ id: 'SearchAnswer' });

export const forgetAnswer = z
  .strictObject({
    session_id: sessionId,
    erased: z.boolean().meta({ description: 'false: a preview; nothing was erased.' }),
    faces: z
      .array(
        z.strictObject({
          photo_id: photoId,
          face_index: z.int().min(0),
          box: z.union([box, z.null()]),
          similarity: unit,
        }),
      )
      .meta({ description: 'The faces of the person, photo by photo: those that would go, or that went.' }),
    photo_count: z.int().min(0).meta({ description: 'Number of photos among them.' }),
    confirmation_token: z.string().meta({
      description:
        'Stands for exactly these faces. Sent with the same selfie it erases them; it no longer fits once other faces match.',
    }),
    expected_false_matches: searchAnswer.shape.expected_false_matches,
    query: searchAnswer.shape.query,
  })
  .meta({ id: 'ForgetAnswer' });

export const statusAnswer = z
  .strictObject({
    indexed: z.boolean(),
    photo_count: z.int().min(0),
    last_indexed: z.iso.datetime().nullable(),
    session_id: sessionId,
    face_count: z.int().min(0),
    model: z.string().nullable().meta({ description: 'Model of the session’s embeddings.', example: 'sface-3' }),
  })
  .meta({ id: 'SessionStatus' });

/** Parameters of the calls that list something. */
export const pageFields = z.strictObject({
  limit: limitField.default(100).meta({ description: 'Most entries of a page.' }),
  cursor: cursorField.optional(),
});

/** Parameters of the call that lists the photos of a job. */
export const jobPhotosFields = pageFields.extend({
  state: jobPhotoState.optional().meta({ description: 'Only photos of this state.' }),
});

export const sessionSummary = z
  .strictObject({
    session_id: sessionId,
    photo_count: z.int().min(0),
    face_count: z.int().min(0),
    model: z.string().meta({ description: 'Model of the session’s embeddings.', example: 'sface-3' }),
    created_at: z.iso.datetime().meta({ description: 'When its first photo was indexed.' }),
    last_indexed: z.iso.datetime(),
    expires_at: z.iso.datetime().nullable().meta({ description: 'When it is erased; null: it is kept.' }),
  })
  .meta({ id: 'SessionSummary' });

export const sessionsAnswer = z
  .strictObject({
    sessions: z.array(sessionSummary).meta({ description: 'The newest first, by `created_at`.' }),
    next_cursor: nextCursor,
  })
  .meta({ id: 'Sessions' });

export const modelsAnswer = z
  .strictObject({
    models: z
      .array(
        z
          .strictObject({
            model: z.string(),
            served: z.boolean().meta({ description: 'Whether searches and index calls of its sessions are answered.' }),
            default: z.boolean().meta({ description: 'Whether new sessions get it.' }),
            session_count: z.int().min(0),
            photo_count: z.int().min(0),
            face_count: z.int().min(0),
          })
          .meta({ id: 'ModelSummary' }),
      )
      .meta({ description: 'Those that are served, the default first, then others that sessions are of.' }),
  })
  .meta({ id: 'Models' });

export const photoSummary = z
  .strictObject({ photo_id: photoId, face_count: z.int().min(1), indexed_at: z.iso.datetime() })
  .meta({ id: 'PhotoSummary' });

export const photosAnswer = z
  .strictObject({
    session_id: sessionId,
    photos: z.array(photoSummary).meta({ description: 'In the order of their ids.' }),
    next_cursor: nextCursor,
  })
  .meta({ id: 'Photos' });

export const photoAnswer = z
  .strictObject({
    session_id: sessionId,
    photo_id: photoId,
    model: z.string(),
    indexed_at: z.iso.datetime(),
    faces: z.array(
      z.strictObject({
        face_index: z.int().min(0),
        box: box.nullable().meta({ description: 'null where the photo was indexed before boxes were kept.' }),
        confidence: unit,
        quality: unit.nullable().meta({ description: 'null where the photo was indexed before it was kept.' }),
      }),
    ),
  })
  .meta({ id: 'Photo' });

export const searchTokenRequest = z
  .strictObject({
    session_id: sessionId,
    expires_in_seconds: z
      .int('must be a whole number')
      .min(1, 'must be 1 to 2592000')
      .max(2_592_000, 'must be 1 to 2592000')
      .default(86_400),
  })
  .meta({ id: 'SearchTokenRequest' });

export const searchTokenAnswer = z
  .strictObject({ token: z.string(), session_id: sessionId, expires_at: z.iso.datetime() })
  .meta({ id: 'SearchToken' });

export const settingsAnswer = z
  .strictObject({
    version: z.string(),
    search_access: z.enum(['public', 'token']),
    photo_url_template: z.string().nullable().meta({
      description: 'URL of a photo for the pages; {session_id} and {photo_id} stand for the percent-encoded ids.',
    }),
    max_image_bytes: z.int(),
    max_image_side: z.int().meta({ description: 'Maximum width and height of an image, in pixels.' }),
    default_threshold: unit,
    models: z
      .array(z.string())
      .meta({ description: 'Models that are served; new sessions get the first.', example: ['sface-3'] }),
  })
  .meta({ id: 'Settings' });

export const healthAnswer = z
  .strictObject({
    status: z.enum(['healthy', 'unhealthy']),
    database: z.string().meta({ description: '`connected`, or the fault' }),
    face_recognition_model: z.string().meta({ description: 'The model, or the fault of the inference server' }),
    version: z.string(),
    uptime_seconds: z.number().min(0),
  })
  .meta({ id: 'Health' });

/** RFC 9457. `code` is stable; clients should compare it. */
export const problem = z
  .strictObject({
    type: z.string().meta({ description: 'Path of the page that explains the code.' }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string().meta({ description: 'Id of the request, as in X-Request-Id and the log.' }),
    code: z.string(),
    errors: z
      .array(z.strictObject({ field: z.string(), rule: z.string() }))
      .optional()
      .meta({ description: 'Every field that breaks a rule.' }),
    rejected: z
      .array(rejectedFace)
      .optional()
      .meta({ description: 'With no_face: the faces found but too poor to compare.' }),
  })
  .meta({ id: 'Problem' });

export type Box = z.infer<typeof box>;
export type IndexAnswer = z.infer<typeof indexAnswer>;
export type BatchRequest = z.infer<typeof batchRequest>;
export type BatchLine = z.infer<typeof batchLine>;
export type BatchAnswer = z.infer<typeof batchAnswer>;
export type DeleteAnswer = z.infer<typeof deleteAnswer>;
export type SearchAnswer = z.infer<typeof searchAnswer>;
export type ForgetAnswer = z.infer<typeof forgetAnswer>;
export type StatusAnswer = z.infer<typeof statusAnswer>;
export type SessionsAnswer = z.infer<typeof sessionsAnswer>;
export type ModelsAnswer = z.infer<typeof modelsAnswer>;
export type PhotosAnswer = z.infer<typeof photosAnswer>;
export type PhotoAnswer = z.infer<typeof photoAnswer>;
export type SearchTokenAnswer = z.infer<typeof searchTokenAnswer>;
export type SettingsAnswer = z.infer<typeof settingsAnswer>;
export type HealthAnswer = z.infer<typeof healthAnswer>;
export type JobHead = z.infer<typeof jobHead>;
export type JobPhoto = z.infer<typeof jobPhoto>;
export type JobRequest = z.infer<typeof jobRequest>;
export type Job = z.infer<typeof job>;
export type JobsAnswer = z.infer<typeof jobsAnswer>;
export type JobPhotosAnswer = z.infer<typeof jobPhotosAnswer>;
export type Problem = z.infer<typeof problem>;
