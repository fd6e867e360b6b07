import type { Scope } from '@facepass/contracts/api-keys';
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import helmet from 'helmet';
import { identifyKey, requireScope, requireSearchAccess } from './auth.ts';
import type { Config } from './config.ts';
import type { Context } from './context.ts';
import { ApiProblem, problemBody } from './errors.ts';
import { observeRequests } from './events.ts';
import { addPages } from './pages.ts';
import { deletePhoto } from './routes/delete-photo.ts';
import { deleteSession } from './routes/delete-session.ts';
import { health, livez, metrics, readyz } from './routes/health.ts';
import { indexBatch } from './routes/index-batch.ts';
import { indexPhoto } from './routes/index-photo.ts';
import { createSearchToken } from './routes/search-tokens.ts';
import { searchFaces } from './routes/search.ts';
import { sessionStatus } from './routes/session-status.ts';
import { settings } from './routes/settings.ts';
import { traceRequests } from './tracing.ts';

/** The HTTP API: what every request passes, then the calls, then what is left over. */
export function createApp(context: Context): Express {
  const { config, logger } = context;
  const app = express();
  app.disable('x-powered-by').disable('etag').set('trust proxy', config.trustProxy).set('query parser', 'simple');
  app.use(traceRequests, observeRequests(context.metrics, logger), securityHeaders(config), closeWhenDraining(context));
  addCalls(app, context);
  if (config.legacy.enabled) addLegacyCalls(app, context);
  addPages(app, context);
  app.use(routeNotFound, answerProblem);
  return app;
}

function addCalls(app: Express, context: Context): void {
  const { search, write, upload } = guards(context);
  const calls = [
    ['post', '/api/v1/index', write('index'), upload, indexPhoto(context)],
    ['post', '/api/v1/index/batch', write('index'), indexBatch(context)],
    ['delete', '/api/v1/index/:session_id', write('delete'), deleteSession(context)],
    ['delete', '/api/v1/index/:session_id/photos/:photo_id', write('delete'), deletePhoto(context)],
    ['post', '/api/v1/search', search, upload, searchFaces(context)],
    ['get', '/api/v1/search/status/:session_id', search, sessionStatus(context)],
    ['post', '/api/v1/search/tokens', write('index'), createSearchToken(context)],
    ['get', '/api/v1/settings', settings(context)],
    ['get', '/health', health(context)],
    ['get', '/livez', livez],
    ['get', '/readyz', readyz(context)],
    ['get', '/metrics', metrics(context)],
  ] as const;
  for (const [method, path, ...handlers] of calls)
    app
      .route(path)
      [method](...handlers.flat())
      .all(methodNotAllowed(method));
}

/** The calls of earlier clients: the same handlers, announced to end (RFC 9745, RFC 8594). */
function addLegacyCalls(app: Express, context: Context): void {
  const { search, write, upload } = guards(context);
  const announceEnd: RequestHandler = (_request, response, next) => {
    response.setHeader('Deprecation', `@${LEGACY_DEPRECATED_AT / 1000}`);
    response.setHeader('Sunset', new Date(context.config.legacy.sunset).toUTCString());
    response.setHeader('Link', '</docs>; rel="deprecation"');
    next();
  };
  app.post('/api/v1/faces/search-session', announceEnd, search, upload, searchFaces(context));
  app.post('/api/v1/faces/index-session/:session_id', announceEnd, write('index'), upload, indexPhoto(context));
}

const LEGACY_DEPRECATED_AT = Date.UTC(2026, 10, 1);

/** What stands before the handlers; the limits are counted before keys and tokens are judged. */
function guards({ config, keys, limits, tokens, uploads }: Context) {
  const identify = identifyKey(keys);
  return {
    upload: uploads,
    search: [identify, limits.searches, requireSearchAccess(config.search.access, tokens)],
    write: (scope: Scope) => [identify, limits.writes, requireScope(scope)],
  };
}

/** Pages and their scripts come from here alone; pictures also from where `PHOTO_URL_TEMPLATE` says. */
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

/** Clients that keep connections open must open new ones, to another process. */
function closeWhenDraining(context: Context): RequestHandler {
  return (_request, response, next) => {
    if (context.draining) response.setHeader('Connection', 'close');
    next();
  };
}

function methodNotAllowed(allowed: string): RequestHandler {
  return (request, response) => {
    response.setHeader('Allow', allowed.toUpperCase());
    throw new ApiProblem('method_not_allowed', `${request.method} is not allowed here, only ${allowed.toUpperCase()}.`);
  };
}

const routeNotFound: RequestHandler = (request) => {
  throw new ApiProblem('route_not_found', `There is no ${request.method} ${request.path.slice(0, 200)}.`);
};

/** Every refusal and every fault ends here, as problem+json. */
const answerProblem: ErrorRequestHandler = (error, _request, response, _next) => {
  const problem = asProblem(error);
  response.locals.code = problem.code;
  response.locals.cause = problem.cause ?? problem;
  if (response.headersSent) return void response.destroy();
  if (problem.status === 503 && !response.hasHeader('Retry-After'))
    response.setHeader('Retry-After', Math.ceil((problem.retryAfterMs ?? 1000) / 1000));
  response
    .status(problem.status)
    .type('application/problem+json')
    .json(problemBody(problem, response.locals.requestId));
};

function asProblem(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error;
  // Express throws this for a path such as /api/v1/index/%zz.
  if (error instanceof URIError)
    return new ApiProblem('invalid_parameter', 'The path is not well-formed percent-encoding.');
  return new ApiProblem('internal_error', 'The request could not be served.', { cause: error });
}
