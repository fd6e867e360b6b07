import type { Box } from '@facepass/contracts/http';

/**
 * Every way in which the API says no: the one table from code to status. The pages of each code, at /docs/errors and in
 * docs/errors/, and the codes of /openapi.json are made from it.
 */
export const PROBLEMS = {
  invalid_parameter: [
    400,
    'A parameter breaks a rule',
    'Read `errors`: it names each field and the rule it breaks.',
    'A field is missing, unknown, given twice, or outside its range; `errors` lists every one, not only the first.',
  ],
  malformed_body: [
    400,
    'The body cannot be read',
    'Send well-formed multipart/form-data or JSON, complete and with a boundary of at most 70 characters.',
    'The body ended early, its boundary is missing, too long or wrong, a part has no name, or its JSON does not parse. A proxy that cuts uploads looks the same.',
  ],
  malformed_request: [
    400,
    'The request is not well-formed HTTP',
    'Send it with an HTTP library; `detail` says what is wrong.',
    'The request line, a header or a chunk breaks the rules of HTTP, the header Host is missing, or the URL has characters that must be percent-encoded.',
  ],
  image_missing: [
    400,
    'There is no image',
    'Send the file as the multipart field `image`, as an image/jpeg body, or name it by `s3_key`.',
    'Neither an image nor an `s3_key` came with the call, or the field with the file has another name than `image`.',
  ],
  not_an_image: [
    400,
    'The file is not an image',
    'Send a JPEG, PNG or WebP file. The bytes decide, not the name or the content type.',
    'The first bytes are not those of a known image format: an HTML error page saved as .jpg, a video, or an empty file.',
  ],
  unsupported_format: [
    400,
    'The image has another format',
    'Convert the image to an 8-bit JPEG, a PNG or a WebP file; `detail` names the format found.',
    'The file is a whole image of a format that the service does not decode: HEIC, AVIF, TIFF, GIF, SVG, JPEG 2000, PSD, PDF, a camera’s raw format, a CgBI PNG, or a 12-bit, lossless or hierarchical JPEG.',
  ],
  image_damaged: [
    400,
    'The image cannot be decoded',
    'Send the file again from the original; `detail` says what is wrong with it.',
    'The header says JPEG, PNG or WebP, but the data behind it end early or contradict it, mostly after an upload that was cut. A JPEG of which at least 95 % of the rows are there is indexed, with the warning `image_incomplete`.',
  ],
  image_too_many_pixels: [
    400,
    'The image is too wide or too high',
    'Shrink the image below the limit that `detail` names.',
    'Width or height is over MAX_IMAGE_WIDTH or MAX_IMAGE_HEIGHT, by default 4096. It is read from the header before anything is decoded.',
  ],
  no_face: [
    400,
    'There is no usable face',
    'Use a sharp picture in which a face looks towards the camera. An earlier index of the same photo is kept.',
    'No face was found, or each one found was too small, blurred, turned too far away or cut off; `rejected` says which and where.',
  ],
  face_index_out_of_range: [
    400,
    'The selfie has no such face',
    'Faces are numbered from 0, the largest; `query.faces_detected` tells how many there are.',
    '`face_index` names a face beyond those found in this selfie.',
  ],
  selfies_differ: [
    400,
    'The selfies show different people',
    'Send pictures of one person only, or one picture; `detail` names the two that differ.',
    'Several images came with one search, and no face of one resembles the searched face of another: their similarity is below 0.4, which one pair of different people in 1,000 reaches.',
  ],
  s3_not_configured: [
    400,
    'No bucket is configured',
    'Upload the image, or have the operator set S3_BUCKET.',
    'The call names an `s3_key`, and the API has no S3_BUCKET.',
  ],
  s3_key_refused: [
    400,
    'The key is not a plain path',
    'Send a key without `..`, empty segments, backslashes, control characters or percent-encoded dots and slashes.',
    'The key could leave the configured prefix, or mean two things to two programs.',
  ],
  s3_object_not_found: [
    400,
    'The bucket holds no such photo',
    'Check the key, and that it lies below the configured prefix.',
    'S3 answered 404: the photo is not there yet, was moved, or the key repeats the prefix.',
  ],
  s3_access_denied: [
    400,
    'The bucket refuses access',
    'The operator’s credentials must be allowed to read the key; S3 answers so, too, where a key does not exist and may not be listed.',
    'S3 refused the credentials: a policy, an expired token, a wrong secret, or a KMS key that is disabled. `detail` has the code that S3 gave.',
  ],
  s3_object_archived: [
    400,
    'The photo is archived',
    'Restore the object from its archive class, then send the request again.',
    'S3 answered InvalidObjectState: the object lies in Glacier or another class that must be restored before it is read.',
  ],
  s3_bucket_unusable: [
    400,
    'The bucket cannot be used as configured',
    'Have the operator correct S3_BUCKET, S3_REGION or S3_ENDPOINT; `detail` has the code that S3 gave.',
    'S3 knows no such bucket, or serves it from another region. Sending the request again does not help.',
  ],
  search_tokens_not_configured: [
    400,
    'Search tokens are not configured',
    'Have the operator set SEARCH_TOKEN_SECRET.',
    'The API signs no tokens: SEARCH_TOKEN_SECRET is empty.',
  ],
  api_key_required: [
    401,
    'An API key is needed',
    'Send the header X-API-Key.',
    'The call writes, and came without X-API-Key; some proxies strip headers they do not know.',
  ],
  api_key_invalid: [
    401,
    'The API key is not valid',
    'Check the key; the log of the refusal names its fingerprint.',
    'The key was revoked, is of another installation, or was copied with a space or a line break.',
  ],
  search_token_required: [
    401,
    'A search token is needed',
    'Send Authorization: Bearer with a token from POST /api/v1/search/tokens, or an API key.',
    'The installation has SEARCH_ACCESS=token, and the call brought neither a token nor a key.',
  ],
  search_token_invalid: [
    401,
    'The search token is not valid for this session',
    'Ask for a new token: it has expired, is for another session, or was not signed here.',
    'The token ended, was minted for another session, or its secret was taken out of SEARCH_TOKEN_SECRET. Clocks that differ end it early.',
  ],
  scope_missing: [
    403,
    'The API key may not do this',
    'Use a key whose scopes include the one that `detail` names.',
    'The key is valid, but was made for other calls: scopes are `index`, `delete` and `admin`.',
  ],
  route_not_found: [
    404,
    'There is no such call',
    'See /docs for the calls.',
    'The path is misspelt, lacks /api/v1, or belongs to the older calls, which are off unless FACEPASS_LEGACY_CALLS is set.',
  ],
  session_not_indexed: [
    404,
    'The session holds no photos',
    'Index photos first. Expired and erased sessions answer the same.',
    'The session never had a photo with a face, was erased, or its `expires_at` has passed.',
  ],
  photo_not_indexed: [
    404,
    'The session holds no such photo',
    'Check the photo_id and the session_id.',
    'The photo had no face, was erased, or was indexed under another `photo_id`.',
  ],
  method_not_allowed: [
    405,
    'The call exists with another method',
    'The header Allow names the methods.',
    'The path is right, the method is not: a GET where POST is meant, or a redirect that turned POST into GET.',
  ],
  request_timeout: [
    408,
    'The request took too long to arrive',
    'Send it again over a faster connection, or a smaller image.',
    'The request was not complete after REQUEST_TIMEOUT_MS, or its headers after 10 seconds.',
  ],
  session_erased: [
    409,
    'The session or photo was erased meanwhile',
    'Nothing was stored. Index it again if it is wanted after all.',
    'Somebody erased the session or the photo while this call was analysing it. The erasure came later, so it wins.',
  ],
  model_mismatch: [
    409,
    'The session was indexed with another model',
    'Vectors of two models are never compared: erase the session and index it again, or run the model it was made with.',
    'The session’s vectors were made by the model pack that ran before; the answer names both.',
  ],
  precondition_failed: [
    412,
    'The precondition cannot be met',
    'Leave out If-Match and If-Unmodified-Since.',
    'A page or file was asked for only in a version that is not served.',
  ],
  image_too_large: [
    413,
    'The image has too many bytes',
    'Send a smaller file; `detail` names the limit.',
    'The file is over MAX_IMAGE_BYTES, by default 10 MB.',
  ],
  body_too_large: [
    413,
    'The body is too large',
    'Send fewer photos or fields; `detail` names the limit.',
    'The fields beside the image are too long, or a batch names more than 1,000 photos.',
  ],
  unsupported_media_type: [
    415,
    'The body has another content type',
    'Send multipart/form-data, application/json, or an image/jpeg, image/png or image/webp body.',
    'The Content-Type is none of those the call takes; often it was set by hand and lacks its boundary.',
  ],
  expectation_failed: [
    417,
    'The expectation cannot be met',
    'Send no Expect header, or Expect: 100-continue.',
    'The request has an Expect header of another kind.',
  ],
  rate_limited: [
    429,
    'Too many requests',
    'Wait as long as Retry-After says.',
    'More calls came within a minute than RATE_LIMIT_WRITES_PER_MINUTE (per key) or RATE_LIMIT_SEARCHES_PER_MINUTE (per client address). Behind a proxy without TRUST_PROXY all guests are one address.',
  ],
  headers_too_large: [
    431,
    'The headers are too large',
    'Send fewer or shorter headers, cookies or parameters in the URL.',
    'The request line and the headers are more than 16 KB.',
  ],
  internal_error: [
    500,
    'The service made a mistake',
    'Report the request id: the log holds the cause.',
    'A fault that nobody designed for. Its stack is in the log of the API under the request id.',
  ],
  database_unavailable: [
    503,
    'The database does not answer',
    'Send the request again after Retry-After; nothing was lost.',
    'PostgreSQL refuses connections, is failing over, is read-only, or all connections stayed busy for DATABASE_CONNECT_TIMEOUT_MS.',
  ],
  inference_unavailable: [
    503,
    'No inference server answers',
    'Send the request again after Retry-After.',
    'Every inference server is down, still loading its models, or closes its connection before it has answered.',
  ],
  inference_timeout: [
    503,
    'The image takes longer than its time limit',
    'Raise the limit that `detail` names, or send the image with fewer faces or when there is less load.',
    'The analysis reached INFERENCE_TIMEOUT_MS (a search), INFERENCE_INDEX_TIMEOUT_MS (a photo to index) or the inference server’s INFERENCE_IMAGE_TIMEOUT_MS. A crowd takes time for each face; a busy server takes more.',
  ],
  inference_model_mismatch: [
    503,
    'The inference servers run another model',
    'The operator must run the API and the inference servers with the same MODEL_PACK.',
    'The API and the inference servers were given different values of MODEL_PACK, or only one of the two was rolled out.',
  ],
  inference_overloaded: [
    503,
    'The inference servers are full',
    'Send the request again after Retry-After; add inference pods if it stays so.',
    'All workers are busy and the queue has INFERENCE_QUEUE_LIMIT photos: more would only wait longer.',
  ],
  s3_unavailable: [
    503,
    'The bucket does not answer',
    'Send the request again after Retry-After.',
    'S3 did not answer within its time limits, or answered 5xx.',
  ],
  stopping: [
    503,
    'The service is stopping',
    'Send what was not done again: another process takes it.',
    'The process received SIGTERM, and its time to take new requests is over.',
  ],
  overloaded: [
    503,
    'Too many uploads at a time',
    'Send the request again after Retry-After.',
    'CONCURRENT_UPLOADS_LIMIT images are in the memory of this process, or so many bytes of those that arrive.',
  ],
} as const satisfies Record<string, readonly [status: number, title: string, advice: string, cause: string]>;

export type ProblemCode = keyof typeof PROBLEMS;

/** A refusal with its reason; `detail` is for the client's eyes and holds nothing secret. */
export class ApiProblem extends Error {
  override name = 'ApiProblem';
  readonly code: ProblemCode;
  readonly status: number;
  readonly extensions: ProblemExtensions;
  /** When the client should come back, in milliseconds, where that is known. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: ProblemCode,
    detail: string,
    options: ProblemExtensions & { cause?: unknown; retryAfterMs?: number } = {},
  ) {
    const { cause, retryAfterMs, ...extensions } = options;
    super(detail, { cause });
    this.code = code;
    this.status = PROBLEMS[code][0];
    this.extensions = extensions;
    this.retryAfterMs = retryAfterMs;
  }
}

/** What some problems tell beyond RFC 9457. */
export interface ProblemExtensions {
  errors?: FieldError[];
  /** With no_face: the faces that were seen and refused. */
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
    title: PROBLEMS[problem.code][1],
    status: problem.status,
    detail: problem.message,
    instance: requestId,
    code: problem.code,
    ...problem.extensions,
  };
}
