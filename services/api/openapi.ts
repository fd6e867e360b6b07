import { OpenApiGeneratorV31, OpenAPIRegistry, type RouteConfig } from '@asteasolutions/zod-to-openapi';
import { ACCEPTED_IMAGE_NAMES, ACCEPTED_IMAGE_TYPES } from '@facepass/contracts/accepted-images';
import * as http from '@facepass/contracts/http';
import { PROBLEMS, type ProblemCode } from '@facepass/indexing/errors';
import * as z from 'zod';
import { SELFIES_LIMIT } from './selfies.ts';

/** The OpenAPI 3.1 document of the calls in `services/api/app.ts`, made from the schemas that check them. */
export function openApiDocument(options: { version: string; legacy: boolean }) {
  const registry = new OpenAPIRegistry();
  registry.registerComponent('securitySchemes', 'apiKey', { type: 'apiKey', in: 'header', name: 'X-API-Key' });
  registry.registerComponent('securitySchemes', 'searchToken', {
    type: 'http',
    scheme: 'bearer',
    description: 'From POST /api/v1/search/tokens; required with SEARCH_ACCESS=token.',
  });
  for (const call of [...CALLS, ...JOB_CALLS, ...(options.legacy ? LEGACY_CALLS : [])]) registry.registerPath(call);
  return new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: '3.1.0',
    info: {
      title: 'Facepass',
      version: options.version,
      description:
        'Face search for event photos: index the photos of a session, then find every photo that shows the person in a selfie. Images are analysed in memory and never stored.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [{ name: 'index' }, { name: 'search' }, { name: 'jobs' }, { name: 'sessions' }, { name: 'service' }],
  });
}

const KEY: Record<string, string[]>[] = [{ apiKey: [] }];
const OPEN_OR_TOKEN: Record<string, string[]>[] = [{}, { searchToken: [] }, { apiKey: [] }];
const OPEN: Record<string, string[]>[] = [{}];

const image = z.string().meta({ format: 'binary', description: `${ACCEPTED_IMAGE_NAMES}.` });
const selfies = z.union([image, z.array(image).min(1).max(SELFIES_LIMIT)]).meta({
  description: 'One selfie, or up to five with the field repeated; MAX_IMAGE_BYTES limits all of them together.',
});
const sessions = z.union([http.sessionId, z.array(http.sessionId).min(1).max(http.SESSIONS_LIMIT)]).meta({
  description: 'The session, or up to twenty with the field repeated; several need an API key with the scope `index`.',
});
const bareImage = { schema: { type: 'string', format: 'binary' } as const };
const BARE_IMAGES = Object.fromEntries(ACCEPTED_IMAGE_TYPES.map((type) => [type, bareImage]));

const plainText = { description: 'Plain text.', content: { 'text/plain': { schema: z.string() } } };

const ANY_CALL: ProblemCode[] = [
  'invalid_parameter',
  'malformed_request',
  'request_timeout',
  'expectation_failed',
  'rate_limited',
  'headers_too_large',
  'internal_error',
  'database_unavailable',
];
const KEYED: ProblemCode[] = ['api_key_required', 'api_key_invalid', 'scope_missing'];
const TOKENED: ProblemCode[] = ['search_token_required', 'search_token_invalid', 'api_key_invalid'];
const BODY: ProblemCode[] = ['malformed_body', 'unsupported_media_type', 'body_too_large'];
const IMAGE: ProblemCode[] = [
  ...BODY,
  'image_missing',
  'not_an_image',
  'unsupported_format',
  'image_damaged',
  'image_too_many_pixels',
  'image_too_large',
  'no_face',
  'inference_unavailable',
  'inference_timeout',
  'inference_model_mismatch',
  'inference_overloaded',
  'overloaded',
  'model_mismatch',
];
const BUCKET: ProblemCode[] = [
  's3_not_configured',
  's3_key_refused',
  's3_object_not_found',
  's3_access_denied',
  's3_unavailable',
];

const indexPhoto: RouteConfig = {
  method: 'post',
  path: '/api/v1/index',
  operationId: 'indexPhoto',
  tags: ['index'],
  summary: 'Index every face of a photo',
  description:
    'Indexing a photo again replaces its faces. Send parameters in the query or in the form; with a bare image body, send them in the query.',
  security: KEY,
  request: {
    query: http.indexFields.partial(),
    body: {
      required: true,
      content: {
        'multipart/form-data': { schema: http.indexFields.extend({ image: image.optional() }) },
        'application/json': { schema: http.indexByKey },
        ...BARE_IMAGES,
      },
    },
  },
  responses: {
    200: json(http.indexAnswer, 'The faces of the photo are indexed.'),
    ...problems(...ANY_CALL, ...KEYED, ...IMAGE, ...BUCKET, 'session_erased'),
  },
};

const indexBatch: RouteConfig = {
  method: 'post',
  path: '/api/v1/index/batch',
  operationId: 'indexBatch',
  tags: ['index'],
  summary: 'Index photos from the bucket',
  description:
    'One bad photo never fails the batch, and sending the same batch again is harmless. With Accept: application/x-ndjson the answer has one line per photo, written when the photo is done.',
  security: KEY,
  request: { body: { required: true, content: { 'application/json': { schema: http.batchRequest } } } },
  responses: {
    200: {
      description: 'Every photo is done, indexed or not.',
      content: { 'application/json': { schema: http.batchAnswer }, 'application/x-ndjson': { schema: http.batchLine } },
    },
    ...problems(...ANY_CALL, ...KEYED, ...BODY, 's3_not_configured'),
  },
};

const searchFaces: RouteConfig = {
  method: 'post',
  path: '/api/v1/search',
  operationId: 'searchFaces',
  tags: ['search'],
  summary: 'Find the photos that show the person in a selfie',
  description:
    'The search is exact: it compares every face of the session. The selfie is not stored. If it shows several faces, the largest is searched unless face_index chooses another. A search takes up to five selfies of one person and compares their mean; a second selfie finds more photos. With an API key a search may name a stored face instead of a selfie, and up to twenty sessions.',
  security: OPEN_OR_TOKEN,
  request: {
    query: http.searchFields.partial(),
    body: {
      required: true,
      content: {
        'multipart/form-data': {
          schema: http.searchFields.extend({ session_id: sessions, image: selfies.optional() }),
        },
        'application/json': { schema: http.searchByFace },
        ...BARE_IMAGES,
      },
    },
  },
  responses: {
    200: json(http.searchAnswer, 'The matching photos, most similar first.'),
    ...problems(
      ...ANY_CALL,
      ...TOKENED,
      ...IMAGE,
      'face_index_out_of_range',
      'selfies_differ',
      'session_not_indexed',
      'photo_not_indexed',
      'api_key_required',
      'scope_missing',
    ),
  },
};

const JOB: ProblemCode[] = [...ANY_CALL, ...KEYED, 'jobs_unavailable'];
const oneJob = z.object({ job_id: http.jobId });

const JOB_CALLS: RouteConfig[] = [
  {
    method: 'post',
    path: '/api/v1/jobs',
    operationId: 'createJob',
    tags: ['jobs'],
    summary: 'Index many photos of the bucket',
    description:
      'Answers once the photos are queued; an indexer works them off. As application/x-ndjson the first line is the job without photos, and each other line is a photo. Two requests with the same Idempotency-Key make one job.',
    security: KEY,
    request: {
      headers: z.object({ 'Idempotency-Key': z.string().min(1).max(255).optional() }),
      body: {
        required: true,
        content: { 'application/json': { schema: http.jobRequest }, 'application/x-ndjson': { schema: z.string() } },
      },
    },
    responses: {
      202: json(http.job, 'The job is queued.'),
      ...problems(...JOB, ...BODY, 'idempotency_key_reused', 's3_not_configured', 'job_not_found', 'overloaded'),
    },
  },
  {
    method: 'get',
    path: '/api/v1/jobs',
    operationId: 'listJobs',
    tags: ['jobs'],
    summary: 'List the jobs of a session',
    security: KEY,
    request: { query: http.jobsFields },
    responses: { 200: json(http.jobsAnswer, 'A page of its jobs, the newest first.'), ...problems(...JOB) },
  },
  {
    method: 'get',
    path: '/api/v1/jobs/{job_id}',
    operationId: 'getJob',
    tags: ['jobs'],
    summary: 'How far a job is',
    security: KEY,
    request: { params: oneJob },
    responses: { 200: json(http.job, 'The job.'), ...problems(...JOB, 'job_not_found') },
  },
  {
    method: 'delete',
    path: '/api/v1/jobs/{job_id}',
    operationId: 'cancelJob',
    tags: ['jobs'],
    summary: 'Cancel what is pending of a job',
    description: 'Photos that are indexed stay. A job that has ended stays as it is.',
    security: KEY,
    request: { params: oneJob },
    responses: { 200: json(http.job, 'The job.'), ...problems(...JOB, 'job_not_found') },
  },
  {
    method: 'get',
    path: '/api/v1/jobs/{job_id}/photos',
    operationId: 'listJobPhotos',
    tags: ['jobs'],
    summary: 'List the photos of a job',
    security: KEY,
    request: { params: oneJob, query: http.jobPhotosFields },
    responses: { 200: json(http.jobPhotosAnswer, 'A page of its photos.'), ...problems(...JOB, 'job_not_found') },
  },
  {
    method: 'get',
    path: '/api/v1/jobs/{job_id}/events',
    operationId: 'watchJob',
    tags: ['jobs'],
    summary: 'Watch a job',
    description:
      'Server-sent events named `job`, whenever the job changed, until it has ended. A stream ends after ten minutes.',
    security: KEY,
    request: { params: oneJob },
    responses: {
      200: { description: 'The events; `data` is the job.', content: { 'text/event-stream': { schema: z.string() } } },
      ...problems(...JOB, 'job_not_found', 'overloaded'),
    },
  },
  {
    method: 'post',
    path: '/api/v1/jobs/{job_id}/retry',
    operationId: 'retryJob',
    tags: ['jobs'],
    summary: 'Queue what failed of a job once more',
    security: KEY,
    request: { params: oneJob },
    responses: { 202: json(http.job, 'The job.'), ...problems(...JOB, 'job_not_found', 'job_cancelled') },
  },
];

const CALLS: RouteConfig[] = [
  indexPhoto,
  indexBatch,
  {
    method: 'delete',
    path: '/api/v1/index/{session_id}',
    operationId: 'eraseSession',
    tags: ['index'],
    summary: 'Erase a session',
    security: KEY,
    request: { params: z.object({ session_id: http.sessionId }) },
    responses: {
      200: json(http.deleteAnswer, 'The session is erased.'),
      ...problems(...ANY_CALL, ...KEYED, 'session_not_indexed'),
    },
  },
  {
    method: 'delete',
    path: '/api/v1/index/{session_id}/photos/{photo_id}',
    operationId: 'erasePhoto',
    tags: ['index'],
    summary: 'Erase a photo',
    security: KEY,
    request: { params: z.object({ session_id: http.sessionId, photo_id: http.photoId }) },
    responses: {
      200: json(http.deleteAnswer, 'The photo is erased.'),
      ...problems(...ANY_CALL, ...KEYED, 'photo_not_indexed'),
    },
  },
  {
    method: 'delete',
    path: '/api/v1/index',
    operationId: 'eraseSessionByQuery',
    tags: ['index'],
    summary: 'Erase a session whose id a path cannot carry',
    description: 'Same as with the id in the path, for ids such as `..`, which clients resolve as the parent path.',
    security: KEY,
    request: { query: z.object({ session_id: http.storedSessionId }) },
    responses: {
      200: json(http.deleteAnswer, 'The session is erased.'),
      ...problems(...ANY_CALL, ...KEYED, 'session_not_indexed'),
    },
  },
  {
    method: 'delete',
    path: '/api/v1/index/{session_id}/photos',
    operationId: 'erasePhotoByQuery',
    tags: ['index'],
    summary: 'Erase a photo whose id a path cannot carry',
    description: 'Same as with the id in the path, for ids such as `..`, which clients resolve as the parent path.',
    security: KEY,
    request: {
      params: z.object({ session_id: http.sessionId }),
      query: z.object({ photo_id: http.storedPhotoId }),
    },
    responses: {
      200: json(http.deleteAnswer, 'The photo is erased.'),
      ...problems(...ANY_CALL, ...KEYED, 'photo_not_indexed'),
    },
  },
  searchFaces,
  {
    method: 'get',
    path: '/api/v1/search/status/{session_id}',
    operationId: 'getSessionStatus',
    tags: ['search'],
    summary: 'Get the photo and face counts of a session',
    security: OPEN_OR_TOKEN,
    request: { params: z.object({ session_id: http.sessionId }) },
    responses: {
      200: json(http.statusAnswer, 'Unknown, erased and expired sessions have `indexed: false`.'),
      ...problems(...ANY_CALL, ...TOKENED),
    },
  },
  {
    method: 'get',
    path: '/api/v1/sessions',
    operationId: 'listSessions',
    tags: ['sessions'],
    summary: 'List the sessions',
    description: 'Needs a key with the scope `admin`. Expired and erased sessions are not listed.',
    security: KEY,
    request: { query: http.pageFields },
    responses: {
      200: json(http.sessionsAnswer, 'A page of the sessions, the newest first.'),
      ...problems(...ANY_CALL, ...KEYED),
    },
  },
  {
    method: 'get',
    path: '/api/v1/models',
    operationId: 'listModels',
    tags: ['sessions'],
    summary: 'List the models and what they hold',
    description:
      'Needs a key with the scope `admin`. A session keeps the model it was indexed with, and is searched with it as long as that is served.',
    security: KEY,
    responses: {
      200: json(http.modelsAnswer, 'Models that are served and models that sessions are of.'),
      ...problems(...ANY_CALL, ...KEYED),
    },
  },
  {
    method: 'get',
    path: '/api/v1/sessions/{session_id}/photos',
    operationId: 'listPhotos',
    tags: ['sessions'],
    summary: 'List the photos of a session',
    security: KEY,
    request: { params: z.object({ session_id: http.sessionId }), query: http.pageFields },
    responses: {
      200: json(http.photosAnswer, 'A page of the photos, in the order of their ids.'),
      ...problems(...ANY_CALL, ...KEYED, 'session_not_indexed'),
    },
  },
  {
    method: 'get',
    path: '/api/v1/sessions/{session_id}/photos/{photo_id}',
    operationId: 'getPhoto',
    tags: ['sessions'],
    summary: 'Get the indexed faces of a photo',
    security: KEY,
    request: { params: z.object({ session_id: http.sessionId, photo_id: http.photoId }) },
    responses: {
      200: json(http.photoAnswer, 'Its faces, with their boxes and quality.'),
      ...problems(...ANY_CALL, ...KEYED, 'photo_not_indexed'),
    },
  },
  {
    method: 'delete',
    path: '/api/v1/sessions/{session_id}/photos/{photo_id}/faces/{face_index}',
    operationId: 'eraseFace',
    tags: ['sessions'],
    summary: 'Erase one face of a photo',
    description: 'Its other faces stay, with their index. Copies of the photo that an upgrade left behind go too.',
    security: KEY,
    request: {
      params: z.object({ session_id: http.sessionId, photo_id: http.photoId, face_index: http.storedFaceIndex }),
    },
    responses: {
      200: json(http.deleteAnswer, 'The face is erased.'),
      ...problems(...ANY_CALL, ...KEYED, 'photo_not_indexed', 'face_index_out_of_range'),
    },
  },
  {
    method: 'post',
    path: '/api/v1/sessions/{session_id}/forget',
    operationId: 'forgetPerson',
    tags: ['sessions'],
    summary: 'Erase the faces of the person in a selfie',
    description:
      'Needs a key with the scope `delete`. Without `confirmation_token` it answers with the faces that would go, photo by photo. With the token of that preview and the same selfie it erases them; other faces of their photos stay. The selfie is not stored.',
    security: KEY,
    request: {
      params: z.object({ session_id: http.sessionId }),
      body: {
        required: true,
        content: {
          'multipart/form-data': { schema: http.forgetFields.omit({ session_id: true }).extend({ image: selfies }) },
          ...BARE_IMAGES,
        },
      },
      query: http.forgetFields.omit({ session_id: true }),
    },
    responses: {
      200: json(http.forgetAnswer, 'The faces of the person.'),
      ...problems(
        ...ANY_CALL,
        ...KEYED,
        ...IMAGE,
        'session_not_indexed',
        'photo_not_indexed',
        'face_index_out_of_range',
        'selfies_differ',
        'confirmation_outdated',
      ),
    },
  },
  {
    method: 'post',
    path: '/api/v1/search/tokens',
    operationId: 'createSearchToken',
    tags: ['search'],
    summary: 'Create a search token for one session',
    security: KEY,
    request: { body: { required: true, content: { 'application/json': { schema: http.searchTokenRequest } } } },
    responses: {
      200: json(http.searchTokenAnswer, 'The token.'),
      ...problems(...ANY_CALL, ...KEYED, ...BODY, 'search_tokens_not_configured'),
    },
  },
  {
    method: 'get',
    path: '/api/v1/settings',
    operationId: 'getSettings',
    tags: ['service'],
    summary: 'Get the settings a client needs before its first call',
    security: OPEN,
    responses: { 200: json(http.settingsAnswer, 'The settings.') },
  },
  {
    method: 'get',
    path: '/health',
    operationId: 'getHealth',
    tags: ['service'],
    summary: 'Check the service, its database and its inference servers',
    security: OPEN,
    responses: {
      200: json(http.healthAnswer, 'Healthy.'),
      503: json(http.healthAnswer, 'Unhealthy; the answer names the cause.'),
    },
  },
  ...(['livez', 'readyz', 'metrics'] as const).map((name): RouteConfig => ({
    method: 'get',
    path: `/${name}`,
    operationId: { livez: 'getLiveness', readyz: 'getReadiness', metrics: 'getMetrics' }[name],
    tags: ['service'],
    summary: {
      livez: 'Check that the process is alive',
      readyz: 'Check that the process is ready for requests',
      metrics: 'Get the metrics in the Prometheus text format',
    }[name],
    security: OPEN,
    responses: { 200: plainText, ...(name === 'readyz' ? { 503: plainText } : {}) },
  })),
];

const LEGACY_CALLS: RouteConfig[] = [
  { ...searchFaces, path: '/api/v1/faces/search-session', operationId: 'legacySearchSession', deprecated: true },
  {
    ...indexPhoto,
    path: '/api/v1/faces/index-session/{session_id}',
    operationId: 'legacyIndexSession',
    deprecated: true,
    request: { ...indexPhoto.request, params: z.object({ session_id: http.sessionId }) },
  },
];

function json(schema: z.ZodType, description: string) {
  return { description, content: { 'application/json': { schema } } };
}

/** One response per status, whose description names its codes. */
function problems(...codes: ProblemCode[]): RouteConfig['responses'] {
  const statuses = [...new Set(codes.map((code) => PROBLEMS[code].status))].sort();
  return Object.fromEntries(
    statuses.map((status) => {
      const named = [...new Set(codes)].filter((code) => PROBLEMS[code].status === status);
      const description = named.map((code) => `\`${code}\`: ${PROBLEMS[code].title}.`).join(' ');
      return [status, { description, content: { 'application/problem+json': { schema: http.problem } } }];
    }),
  );
}
