import { randomUUID } from 'node:crypto';
import type { Scope } from '@facepass/contracts/api-keys';
import { ApiProblem, problemBody, type ProblemCode } from '@facepass/indexing/errors';
import { exchangeOf, type Refusal, type RefusalAnswer } from '@facepass/runtime/http-server';
import type { Logger } from '@facepass/runtime/logger';
import cors, { type CorsOptions } from 'cors';
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import helmet from 'helmet';
import { identifyKey, requireScope, requireSearchAccess } from './auth.ts';
import type { Config } from './config.ts';
import type { Context } from './context.ts';
import { upstreamClients } from './legacy.ts';
import type { Metrics } from './metrics.ts';
import { pages } from './pages.ts';
import { parseQuery } from './query.ts';
import { deleteFace } from './routes/delete-face.ts';
import { deletePhoto } from './routes/delete-photo.ts';
import { deleteSession } from './routes/delete-session.ts';
import { forgetPerson } from './routes/forget-person.ts';
import { health, livez, metrics, readyz } from './routes/health.ts';
import { indexBatch } from './routes/index-batch.ts';
import { indexPhoto } from './routes/index-photo.ts';
import { listedPhoto, sessionPhotos } from './routes/session-photos.ts';
import { models } from './routes/models.ts';
import { sessions } from './routes/sessions.ts';
import { createJob, deleteJob, jobEvents, jobPhotos, jobStatus, retryFailed, sessionJobs } from './routes/jobs.ts';
import { createSearchToken } from './routes/search-tokens.ts';
import { searchFaces } from './routes/search.ts';
import { sessionStatus } from './routes/session-status.ts';
import { settings } from './routes/settings.ts';
import { observeRequests, recordRefusal } from './request-log.ts';
import { traceRequests } from './tracing.ts';

/** The HTTP API: the middleware of every request, then the calls, then the pages and the problems. */
export function createApp(context: Context): Express {
  const { config, logger } = context;
  const app = express();
  app.disable('x-powered-by').disable('etag').set('trust proxy', config.trustProxy);
  // `…/photos/..` reaches the server as `…/`. If that were the session's path, erasing a photo would erase its session.
  app.enable('strict routing').set('query parser', parseQuery);
  app.use(traceRequests, observeRequests(context.metrics, logger), securityHeaders(config), closeWhenDraining(context));
  app.use(requireWellFormed);
  if (config.corsOrigins.length > 0) app.use('/api/v1', cors(corsOptions(config)));
  if (config.legacy.enabled) app.use(upstreamClients(context));
  addCalls(app, context);
  app.use(pages(context), routeNotFound, answerProblem);
  return app;
}

function addCalls(app: Express, context: Context): void {
  const { search, read, write } = guards(context);
  const calls = [
    ['post', '/api/v1/index', write('index'), indexPhoto(context)],
    ['post', '/api/v1/index/batch', write('index'), indexBatch(context)],
    ['delete', '/api/v1/index', write('delete'), deleteSession(context)],
    ['delete', '/api/v1/index/:session_id', write('delete'), deleteSession(context)],
    ['delete', '/api/v1/index/:session_id/photos', write('delete'), deletePhoto(context)],
    ['delete', '/api/v1/index/:session_id/photos/:photo_id', write('delete'), deletePhoto(context)],
    ['get', '/api/v1/models', write('admin'), models(context)],
    ['get', '/api/v1/sessions', write('admin'), sessions(context)],
    ['get', '/api/v1/sessions/:session_id/photos', write('index'), sessionPhotos(context)],
    ['get', '/api/v1/sessions/:session_id/photos/:photo_id', write('index'), listedPhoto(context)],
    ['delete', '/api/v1/sessions/:session_id/photos/:photo_id/faces/:face_index', write('delete'), deleteFace(context)],
    ['post', '/api/v1/sessions/:session_id/forget', write('delete'), forgetPerson(context)],
    ['post', '/api/v1/search', search, searchFaces(context)],
    ['get', '/api/v1/search/status/:session_id', search, sessionStatus(context)],
    ['post', '/api/v1/jobs', write('index'), createJob(context)],
    ['get', '/api/v1/jobs', read('index'), sessionJobs(context)],
    ['get', '/api/v1/jobs/:job_id', read('index'), jobStatus(context)],
    ['delete', '/api/v1/jobs/:job_id', write('index'), deleteJob(context)],
    ['get', '/api/v1/jobs/:job_id/photos', read('index'), jobPhotos(context)],
    ['get', '/api/v1/jobs/:job_id/events', read('index'), jobEvents(context)],
    ['post', '/api/v1/jobs/:job_id/retry', write('index'), retryFailed(context)],
    ['post', '/api/v1/search/tokens', write('index'), createSearchToken(context)],
    ['get', '/api/v1/settings', settings(context)],
    ['get', '/health', health(context)],
    ['get', '/livez', livez],
    ['get', '/readyz', readyz(context)],
    ['get', '/metrics', metrics(context)],
  ] as const;
  for (const [method, path, ...handlers] of calls) app[method](path, ...handlers.flat());
  for (const [path, methods] of Map.groupBy(calls, ([, path]) => path))
    app.all(path, methodNotAllowed(methods.map(([method]) => method.toUpperCase())));
}

/** The middleware before each handler. The rate limits count before keys and tokens are checked. */
function guards({ config, keys, limits, tokens }: Context) {
  const identify = identifyKey(keys);
  return {
    search: [identify, limits.searches, requireSearchAccess(config.search.access, tokens)],
    /** For those who look again and again. */
    read: (scope: Scope) => [identify, limits.searches, requireScope(scope)],
    write: (scope: Scope) => [identify, limits.writes, requireScope(scope)],
  };
}

/** Pages load scripts from this server only; they load photos also from the origin of `PHOTO_URL_TEMPLATE`. */
function securityHeaders(config: Config): RequestHandler {
  const photoOrigin = config.photoUrlTemplate?.startsWith('http') ? [new URL(config.photoUrlTemplate).origin] : [];
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        imgSrc: ["'self'", 'blob:', 'data:', ...photoOrigin],
        mediaSrc: ["'self'", 'blob:'],
        connectSrc: ["'self'", ...photoOrigin],
        objectSrc: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
      },
    },
  });
}

/**
 * What pages of other origins may send and read. Browsers keep the answer to a preflight for `maxAge` seconds; Chromium
 * for two hours at most. No cookies: keys and tokens travel in headers.
 */
function corsOptions({ corsOrigins }: Config): CorsOptions {
  return {
    origin: corsOrigins,
    methods: ['GET', 'POST', 'DELETE'],
    allowedHeaders: ['X-API-Key', 'Authorization', 'Content-Type', 'Accept'],
    exposedHeaders: ['X-Request-Id', 'RateLimit', 'RateLimit-Policy', 'Retry-After', 'Deprecation', 'Sunset'],
    maxAge: 7200,
  };
}

/** Closes kept-alive connections, so that clients open new ones to another process. */
function closeWhenDraining(context: Context): RequestHandler {
  return (_request, response, next) => {
    if (context.draining) response.setHeader('Connection', 'close');
    next();
  };
}

/** Rejects requests that Node's parser accepts but no client should send. Node's own answer to the first two has no body. */
const requireWellFormed: RequestHandler = (request, _response, next) => {
  const { host, expect } = request.headers;
  if (host === undefined && request.httpVersion === '1.1')
    throw new ApiProblem('malformed_request', 'The header Host is missing.');
  if (expect !== undefined && expect.toLowerCase() !== '100-continue')
    throw new ApiProblem('expectation_failed', 'Only Expect: 100-continue is supported.');
  // Node reads such bytes as Latin-1, so an id sent this way would become another id.
  if (/[^\x21-\x7e]/.test(request.url))
    throw new ApiProblem('malformed_request', 'The URL contains characters that must be percent-encoded.');
  next();
};

function methodNotAllowed(allowed: string[]): RequestHandler {
  return (request, response) => {
    response.setHeader('Allow', allowed.join(', '));
    throw new ApiProblem('method_not_allowed', `${request.method} is not allowed here, only ${allowed.join(' and ')}.`);
  };
}

const routeNotFound: RequestHandler = (request) => {
  throw new ApiProblem('route_not_found', `No such call: ${request.method} ${request.path.slice(0, 200)}.`);
};

/** Turns every error into a problem+json answer. */
const answerProblem: ErrorRequestHandler = (error, _request, response, _next) => {
  const problem = asProblem(error);
  response.locals.code = problem.code;
  response.locals.cause = problem.cause ?? problem;
  if (response.headersSent) return void response.destroy();
  if (exchangeOf(response).left.aborted) return;
  if (problem.status === 503 && !response.hasHeader('Retry-After'))
    response.setHeader('Retry-After', Math.ceil((problem.retryAfterMs ?? 1000) / 1000));
  response
    .status(problem.status)
    .type('application/problem+json')
    .json(problemBody(problem, response.locals.requestId));
};

/** Answers and records a request that Node's parser or its time limits reject before the app sees it. */
export function answerRefusal(metrics: Metrics, logger: Logger, refusal: Refusal): RefusalAnswer {
  const [code, detail] = REFUSALS[refusal];
  const problem = new ApiProblem(code, detail);
  const requestId = randomUUID();
  recordRefusal(metrics, logger, problem, requestId);
  return {
    status: problem.status,
    headers: { 'Content-Type': 'application/problem+json; charset=utf-8', 'X-Request-Id': requestId },
    body: JSON.stringify(problemBody(problem, requestId)),
  };
}

const REFUSALS: Record<Refusal, [ProblemCode, string]> = {
  malformed: ['malformed_request', 'The request is not well-formed HTTP.'],
  too_late: ['request_timeout', 'The request did not arrive within the time limit.'],
  headers_too_large: ['headers_too_large', 'The request line and the headers exceed 16 KB.'],
  chunk_too_large: ['body_too_large', 'The extensions of a chunk exceed 16 KB.'],
};

function asProblem(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error;
  // Express throws this for a path such as /api/v1/index/%zz.
  if (error instanceof URIError)
    return new ApiProblem('invalid_parameter', 'The path is not well-formed percent-encoding.');
  const status = Number((error as { status?: unknown } | null)?.status);
  // `send` throws these for the files of the pages.
  if (status === 412) return new ApiProblem('precondition_failed', 'The page has no version to compare.');
  if (status === 404) return new ApiProblem('route_not_found', 'No such page.');
  return new ApiProblem('internal_error', 'An unexpected error occurred.', { cause: error });
}
