import type { Box } from '@facepass/contracts/http';

/**
 * Every way in which the API says no: the one table from code to status. The reference page of each code at
 * /docs/errors and the codes of /openapi.json are made from it.
 */
export const PROBLEMS = {
  invalid_parameter: [400, 'A parameter breaks a rule', 'Read `errors`: it names each field and the rule it breaks.'],
  malformed_body: [400, 'The body cannot be read', 'Send well-formed multipart/form-data or JSON, complete and with a boundary of at most 70 characters.'],
  image_missing: [400, 'There is no image', 'Send the file as the multipart field `image`, as an image/jpeg body, or name it by `s3_key`.'],
  not_an_image: [400, 'The file is not an image', 'Send a JPEG, PNG or WebP file. The bytes decide, not the name or the content type.'],
  unsupported_format: [400, 'The image has another format', 'Convert the image to JPEG, PNG or WebP.'],
  image_damaged: [400, 'The image cannot be decoded', 'The file is cut off or damaged: send it again from the original.'],
  image_too_many_pixels: [400, 'The image is too wide or too high', 'Shrink the image below the limit that `detail` names.'],
  no_face: [400, 'There is no usable face', 'Use a sharp picture in which a face looks towards the camera. An earlier index of the same photo is kept.'],
  face_index_out_of_range: [400, 'The selfie has no such face', 'Faces are numbered from 0, the largest; `query.faces_detected` tells how many there are.'],
  s3_not_configured: [400, 'No bucket is configured', 'Upload the image, or have the operator set S3_BUCKET.'],
  s3_key_refused: [400, 'The key is not a plain path', 'Send a key without `..`, empty segments, backslashes, control characters or percent-encoded dots and slashes.'],
  s3_object_not_found: [400, 'The bucket holds no such photo', 'Check the key, and that it lies below the configured prefix.'],
  s3_access_denied: [400, 'The bucket refuses access', 'The operator’s credentials must be allowed to read the key; S3 answers so, too, where a key does not exist and may not be listed.'],
  search_tokens_not_configured: [400, 'Search tokens are not configured', 'Have the operator set SEARCH_TOKEN_SECRET.'],
  api_key_required: [401, 'An API key is needed', 'Send the header X-API-Key.'],
  api_key_invalid: [401, 'The API key is not valid', 'Check the key; the log of the refusal names its fingerprint.'],
  search_token_required: [401, 'A search token is needed', 'Send Authorization: Bearer with a token from POST /api/v1/search/tokens, or an API key.'],
  search_token_invalid: [401, 'The search token is not valid for this session', 'Ask for a new token: it has expired, is for another session, or was not signed here.'],
  scope_missing: [403, 'The API key may not do this', 'Use a key whose scopes include the one that `detail` names.'],
  route_not_found: [404, 'There is no such call', 'See /docs for the calls.'],
  session_not_indexed: [404, 'The session holds no photos', 'Index photos first. Expired and erased sessions answer the same.'],
  photo_not_indexed: [404, 'The session holds no such photo', 'Check the photo_id and the session_id.'],
  method_not_allowed: [405, 'The call exists with another method', 'The header Allow names the methods.'],
  session_erased: [409, 'The session or photo was erased meanwhile', 'Nothing was stored. Index it again if it is wanted after all.'],
  model_mismatch: [409, 'The session was indexed with another model', 'Vectors of two models are never compared: erase the session and index it again, or run the model it was made with.'],
  image_too_large: [413, 'The image has too many bytes', 'Send a smaller file; `detail` names the limit.'],
  body_too_large: [413, 'The body is too large', 'Send fewer photos or fields; `detail` names the limit.'],
  unsupported_media_type: [415, 'The body has another content type', 'Send multipart/form-data, application/json, or an image/jpeg, image/png or image/webp body.'],
  rate_limited: [429, 'Too many requests', 'Wait as long as Retry-After says.'],
  internal_error: [500, 'The service made a mistake', 'Report the request id: the log holds the cause.'],
  database_unavailable: [503, 'The database does not answer', 'Send the request again after Retry-After; nothing was lost.'],
  inference_unavailable: [503, 'No inference server answers', 'Send the request again after Retry-After.'],
  inference_model_mismatch: [503, 'The inference servers run another model', 'The operator must run the API and the inference servers with the same MODEL_PACK.'],
  inference_overloaded: [503, 'The inference servers are full', 'Send the request again after Retry-After; add inference pods if it stays so.'],
  s3_unavailable: [503, 'The bucket does not answer', 'Send the request again after Retry-After.'],
  stopping: [503, 'The service is stopping', 'Send what was not done again: another process takes it.'],
  overloaded: [503, 'Too many uploads at a time', 'Send the request again after Retry-After.'],
} as const satisfies Record<string, readonly [status: number, title: string, advice: string]>;

export type ProblemCode = keyof typeof PROBLEMS;

/** A refusal with its reason; `detail` is for the client's eyes and holds nothing secret. */
export class ApiProblem extends Error {
  override name = 'ApiProblem';
  readonly code: ProblemCode;
  readonly status: number;
  readonly extensions: ProblemExtensions;
  /** When the client should come back, in milliseconds, where that is known. */
  readonly retryAfterMs: number | undefined;

  constructor(code: ProblemCode, detail: string, options: ProblemExtensions & { cause?: unknown; retryAfterMs?: number } = {}) {
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
