import type { Box } from '@facepass/contracts/http';

/**
 * Every problem that the API can answer with: the one table from code to status. The page of each code, at /docs/errors
 * and in docs/errors/, and the codes of /openapi.json are made from it.
 */
export const PROBLEMS = {
  invalid_parameter: {
    status: 400,
    title: 'Invalid parameter',
    fix: 'Read `errors`: it lists each field and the rule it breaks.',
    cause:
      'A field is missing, unknown, sent twice, or outside its range. `errors` lists all of them, not only the ' +
      'first.',
  },
  malformed_body: {
    status: 400,
    title: 'Malformed body',
    fix: 'Send complete, well-formed multipart/form-data (with a boundary of at most 70 characters) or JSON.',
    cause:
      'The body ended early, its boundary is missing, too long or wrong, a part has no name, or its JSON does not ' +
      'parse. A proxy that cuts uploads causes the same problem.',
  },
  malformed_request: {
    status: 400,
    title: 'Malformed HTTP request',
    fix: 'Send the request with an HTTP library; `detail` says what is wrong.',
    cause:
      'The request line, a header or a chunk breaks the rules of HTTP, the header Host is missing, or the URL ' +
      'contains characters that must be percent-encoded.',
  },
  image_missing: {
    status: 400,
    title: 'Missing image',
    fix: 'Send the file as the multipart field `image` or as an image/jpeg body, or name it with `s3_key`.',
    cause:
      'The call contains neither an image nor an `s3_key`, or the file is in a field with a name other than ' +
      '`image`.',
  },
  not_an_image: {
    status: 400,
    title: 'Not an image',
    fix: 'Send a JPEG, PNG, WebP, HEIC or AVIF file. The service looks at the bytes, not at the name or the content type.',
    cause:
      'The file does not begin like any known image format: it is an HTML error page saved as .jpg, a video, or ' +
      'empty.',
  },
  unsupported_format: {
    status: 400,
    title: 'Unsupported image format',
    fix:
      'Convert the image to an 8-bit JPEG; `detail` names the format found. Of a raw file send the JPEG preview ' +
      'inside it.',
    cause:
      'The file is an image in a format that the service does not decode: TIFF, GIF, SVG, JPEG 2000, ' +
      'PSD, PDF, a camera’s raw format, a CgBI PNG, a HEIF file with another codec than HEVC and AV1, or a 12-bit, lossless or hierarchical JPEG.',
  },
  image_damaged: {
    status: 400,
    title: 'Damaged image',
    fix: 'Send the file again from the original; `detail` says what is wrong with it.',
    cause:
      'The header says JPEG, PNG, WebP, HEIC or AVIF, but the data end early or contradict the header, usually because an ' +
      'upload was cut off. A JPEG with at least 95 % of its rows is indexed, with the warning `image_incomplete`.',
  },
  image_too_many_pixels: {
    status: 400,
    title: 'Image too wide or too high',
    fix: 'Shrink the image below the limit that `detail` names.',
    cause:
      'The width exceeds MAX_IMAGE_WIDTH or the height exceeds MAX_IMAGE_HEIGHT, both 4096 by default. The ' +
      'service reads them from the header before it decodes anything.',
  },
  no_face: {
    status: 400,
    title: 'No usable face',
    fix:
      'Use a sharp photo with a face that looks towards the camera. If the photo was indexed before, those faces ' +
      'are kept.',
    cause:
      'The service found no face, or rejected every face as too small, blurred, turned too far away or cut off; ' +
      '`rejected` lists them with their boxes.',
  },
  face_index_out_of_range: {
    status: 400,
    title: 'No such face in the selfie',
    fix: 'Faces are numbered from 0, the largest; `query.faces_detected` gives their number.',
    cause: '`face_index` exceeds the number of faces found in this selfie.',
  },
  confirmation_outdated: {
    status: 409,
    title: 'The confirmation no longer fits',
    fix: 'Ask for the preview again, look at it, and confirm with its new `confirmation_token`.',
    cause:
      'The faces of the person are not those of the preview: photos were indexed or erased since, or the selfie, the ' +
      'threshold or the session is another. Nothing was erased.',
  },
  selfies_differ: {
    status: 400,
    title: 'Selfies show different people',
    fix: 'Send selfies of one person only, or one selfie; `detail` names the two that differ.',
    cause:
      'The search has several images, and no face of one resembles the searched face of another: their similarity ' +
      'is below 0.4, which one pair of different people in 1,000 reaches.',
  },
  s3_not_configured: {
    status: 400,
    title: 'No bucket configured',
    fix: 'Upload the image, or ask the operator to set S3_BUCKET.',
    cause: 'The call contains an `s3_key`, but the API has no S3_BUCKET.',
  },
  s3_key_refused: {
    status: 400,
    title: 'Invalid S3 key',
    fix:
      'Send a key without `..`, empty segments, backslashes, control characters or percent-encoded dots and ' +
      'slashes.',
    cause: 'The key could leave the configured prefix, or two programs could read it differently.',
  },
  s3_object_not_found: {
    status: 400,
    title: 'No such photo in the bucket',
    fix: 'Check the key, and that it is below the configured prefix.',
    cause: 'S3 answered 404: the photo is not there yet, was moved, or the key repeats the prefix.',
  },
  s3_access_denied: {
    status: 400,
    title: 'Access to the bucket denied',
    fix:
      'Allow the operator’s credentials to read the key. S3 also gives this answer if a key does not exist and ' +
      'the credentials may not list the bucket.',
    cause:
      'S3 rejected the credentials because of a policy, an expired token, a wrong secret, or a disabled KMS key. ' +
      '`detail` has the code from S3.',
  },
  s3_object_archived: {
    status: 400,
    title: 'Photo archived',
    fix: 'Restore the object from its archive class, then send the request again.',
    cause:
      'S3 answered InvalidObjectState: the object is in Glacier or another class that must be restored before ' +
      'reading.',
  },
  s3_bucket_unusable: {
    status: 400,
    title: 'Bucket misconfigured',
    fix: 'Ask the operator to correct S3_BUCKET, S3_REGION or S3_ENDPOINT; `detail` has the code from S3.',
    cause: 'S3 knows no such bucket, or serves it from another region. Sending the request again does not help.',
  },
  search_tokens_not_configured: {
    status: 400,
    title: 'Search tokens not configured',
    fix: 'Ask the operator to set SEARCH_TOKEN_SECRET.',
    cause: 'The API signs no tokens: SEARCH_TOKEN_SECRET is empty.',
  },
  api_key_required: {
    status: 401,
    title: 'API key required',
    fix: 'Send the header X-API-Key.',
    cause: 'The call writes and has no X-API-Key. Some proxies remove headers they do not know.',
  },
  api_key_invalid: {
    status: 401,
    title: 'Invalid API key',
    fix: 'Check the key; the service’s log shows its fingerprint.',
    cause: 'The key was revoked, belongs to another installation, or was copied with a space or a line break.',
  },
  search_token_required: {
    status: 401,
    title: 'Search token required',
    fix: 'Send Authorization: Bearer with a token from POST /api/v1/search/tokens, or an API key.',
    cause: 'The installation has SEARCH_ACCESS=token, and the call has neither a token nor a key.',
  },
  search_token_invalid: {
    status: 401,
    title: 'Invalid search token for this session',
    fix: 'Get a new token: this one has expired, is for another session, or was not signed here.',
    cause:
      'The token expired, was created for another session, or its secret was removed from SEARCH_TOKEN_SECRET. ' +
      'Clocks that differ make it expire early.',
  },
  scope_missing: {
    status: 403,
    title: 'Missing scope',
    fix: 'Use a key with the scope that `detail` names.',
    cause: 'The key is valid but lacks a scope. The scopes are `index`, `delete` and `admin`.',
  },
  route_not_found: {
    status: 404,
    title: 'Not found',
    fix: 'See /docs for the calls.',
    cause:
      'The path is misspelt, lacks /api/v1, or belongs to the legacy calls, which are off unless ' +
      'LEGACY_CLIENTS is set.',
  },
  session_not_indexed: {
    status: 404,
    title: 'Session not indexed',
    fix: 'Index photos first. Expired and erased sessions give the same answer.',
    cause: 'The session never had a photo with a face, was erased, or has passed its `expires_at`.',
  },
  photo_not_indexed: {
    status: 404,
    title: 'Photo not indexed',
    fix: 'Check the photo_id and the session_id.',
    cause: 'The photo had no face, was erased, or was indexed under another `photo_id`.',
  },
  job_not_found: {
    status: 404,
    title: 'Job not found',
    fix: 'Check the id. `GET /api/v1/jobs?session_id=` lists the jobs of a session.',
    cause: 'There is no job with this id, or it ended more than JOB_RETENTION_DAYS ago and was removed.',
  },
  method_not_allowed: {
    status: 405,
    title: 'Method not allowed',
    fix: 'Use one of the methods in the header Allow.',
    cause: 'The path is right but the method is not: a GET instead of a POST, or a redirect that turned POST into GET.',
  },
  request_timeout: {
    status: 408,
    title: 'Request timeout',
    fix: 'Send the request again over a faster connection, or send a smaller image.',
    cause: 'The request was not complete after REQUEST_TIMEOUT_MS, or its headers after 10 seconds.',
  },
  session_erased: {
    status: 409,
    title: 'Erased during the call',
    fix: 'Nothing was stored. Index the photo again if you still want it.',
    cause: 'Somebody erased the session or the photo while this call was analysing it. The later erasure wins.',
  },
  job_cancelled: {
    status: 409,
    title: 'Job cancelled',
    fix: 'Create a new job with the photos that are still to be indexed.',
    cause: 'The job was cancelled, or its session was erased, so nothing of it is retried.',
  },
  idempotency_key_reused: {
    status: 409,
    title: 'Idempotency key reused',
    fix: 'Use a new Idempotency-Key for another job, or send exactly the first request again.',
    cause: 'An earlier request of the same API key had this Idempotency-Key and other content.',
  },
  model_mismatch: {
    status: 409,
    title: 'Session indexed with another model',
    fix:
      'Ask the operator to serve the session’s model too (MODEL_PACKS), or erase the session and index it again. ' +
      'Vectors of two models are never compared.',
    cause:
      'The session was indexed with a model that this service does not serve, or the call names or needs another one ' +
      'than the session’s. The answer names the models.',
  },
  precondition_failed: {
    status: 412,
    title: 'Precondition failed',
    fix: 'Remove If-Match and If-Unmodified-Since.',
    cause: 'The request asks for a version of a page or file that is not served.',
  },
  image_too_large: {
    status: 413,
    title: 'Image file too large',
    fix: 'Send a smaller file; `detail` names the limit.',
    cause: 'The file exceeds MAX_IMAGE_BYTES, 10 MB by default.',
  },
  body_too_large: {
    status: 413,
    title: 'Body too large',
    fix: 'Send fewer photos or fields; `detail` names the limit.',
    cause: 'The fields other than the image are too long, or a batch names more than 1,000 photos.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'Unsupported content type',
    fix:
      'Send multipart/form-data, application/json, or a bare image: image/jpeg, image/png, image/webp, image/heic, ' +
      'image/heif or image/avif.',
    cause: 'The call does not accept this Content-Type. Often it was set by hand and lacks its boundary.',
  },
  expectation_failed: {
    status: 417,
    title: 'Expectation failed',
    fix: 'Send no Expect header, or Expect: 100-continue.',
    cause: 'The request has an Expect header of another kind.',
  },
  rate_limited: {
    status: 429,
    title: 'Too many requests',
    fix: 'Wait as long as Retry-After says.',
    cause:
      'More calls arrived within a minute than RATE_LIMIT_WRITES_PER_MINUTE (per key) or ' +
      'RATE_LIMIT_SEARCHES_PER_MINUTE (per client address) allows. Behind a proxy and without TRUST_PROXY, all ' +
      'guests count as one address.',
  },
  headers_too_large: {
    status: 431,
    title: 'Headers too large',
    fix: 'Send fewer or shorter headers, cookies or URL parameters.',
    cause: 'The request line and the headers exceed 16 KB.',
  },
  internal_error: {
    status: 500,
    title: 'Internal server error',
    fix: 'Report the request id: the log has the cause.',
    cause: 'An unexpected error. The API’s log has its stack trace under the request id.',
  },
  database_unavailable: {
    status: 503,
    title: 'Database unavailable',
    fix: 'Send the request again after Retry-After; nothing was lost.',
    cause:
      'PostgreSQL rejects connections, is failing over, is read-only, or all connections stayed busy for ' +
      'DATABASE_CONNECT_TIMEOUT_MS.',
  },
  jobs_unavailable: {
    status: 503,
    title: 'Jobs unavailable',
    fix: 'The operator must run the migrator of this release, with `--grant-to` for the role of the API.',
    cause: 'The database has no queue of jobs yet, or the role of the API may not use it.',
  },
  inference_unavailable: {
    status: 503,
    title: 'Inference unavailable',
    fix: 'Send the request again after Retry-After.',
    cause: 'Every inference server is down, is still loading its models, or closed the connection before it answered.',
  },
  inference_timeout: {
    status: 503,
    title: 'Image analysis timed out',
    fix: 'Raise the limit that `detail` names, send an image with fewer faces, or try again when the load is lower.',
    cause:
      'The analysis reached INFERENCE_TIMEOUT_MS (a search), INFERENCE_INDEX_TIMEOUT_MS (a photo to index) or the ' +
      'inference server’s INFERENCE_IMAGE_TIMEOUT_MS. Each face of a crowd takes time, and a busy server takes ' +
      'longer.',
  },
  inference_model_mismatch: {
    status: 503,
    title: 'Inference runs another model',
    fix: 'Ask the operator to run the API and the inference servers with the same MODEL_PACK or MODEL_PACKS.',
    cause:
      'The API and the inference servers have different values of MODEL_PACK or MODEL_PACKS, or only one of the two ' +
      'was rolled out.',
  },
  inference_overloaded: {
    status: 503,
    title: 'Inference overloaded',
    fix: 'Send the request again after Retry-After. Add inference pods if the problem persists.',
    cause: 'All workers are busy and the queue holds INFERENCE_QUEUE_LIMIT photos. More photos would only wait longer.',
  },
  s3_unavailable: {
    status: 503,
    title: 'Bucket unavailable',
    fix: 'Send the request again after Retry-After.',
    cause: 'S3 did not answer within its time limits, or answered 5xx.',
  },
  stopping: {
    status: 503,
    title: 'Service stopping',
    fix: 'Send what was not done again; another process takes it.',
    cause: 'The process received SIGTERM and no longer accepts new requests.',
  },
  overloaded: {
    status: 503,
    title: 'Too many concurrent uploads',
    fix: 'Send the request again after Retry-After.',
    cause: 'This process holds CONCURRENT_UPLOADS_LIMIT images in memory, or arriving uploads take as many bytes.',
  },
} as const satisfies Record<string, ProblemText>;

interface ProblemText {
  status: number;
  title: string;
  /** What the client or the operator can do. */
  fix: string;
  cause: string;
}

export type ProblemCode = keyof typeof PROBLEMS;

/** A problem that ends a request; clients see `detail`, so it holds nothing secret. */
export class ApiProblem extends Error {
  override name = 'ApiProblem';
  readonly code: ProblemCode;
  readonly status: number;
  readonly extensions: ProblemExtensions;
  /** When the client should retry, in milliseconds, if known. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: ProblemCode,
    detail: string,
    options: ProblemExtensions & { cause?: unknown; retryAfterMs?: number } = {},
  ) {
    const { cause, retryAfterMs, ...extensions } = options;
    super(detail, { cause });
    this.code = code;
    this.status = PROBLEMS[code].status;
    this.extensions = extensions;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Fields that some problems have beyond RFC 9457. */
export interface ProblemExtensions {
  errors?: FieldError[];
  /** With no_face: the rejected faces. */
  rejected?: { box: Box; reason: string }[];
}

export interface FieldError {
  field: string;
  rule: string;
}

/** The problem+json body of `problem` for the request `requestId` (RFC 9457). */
export function problemBody(problem: ApiProblem, requestId: string) {
  return {
    type: `/docs/errors/${problem.code}`,
    title: PROBLEMS[problem.code].title,
    status: problem.status,
    detail: problem.message,
    instance: requestId,
    code: problem.code,
    ...problem.extensions,
  };
}
