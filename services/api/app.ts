import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import helmet from 'helmet';
import { identifyKey, requireScope, requireSearchAccess } from './auth.ts';
import type { Context } from './context.ts';
import { ApiProblem, problemBody, RETRY_AFTER_SECONDS } from './errors.ts';
import { observeRequests } from './events.ts';
import { deletePhoto } from './routes/delete-photo.ts';
import { deleteSession } from './routes/delete-session.ts';
import { health, readyz } from './routes/health.ts';
import { indexPhoto } from './routes/index-photo.ts';
import { searchFaces } from './routes/search.ts';
import { sessionStatus } from './routes/session-status.ts';
import { limitConcurrentUploads } from './upload.ts';

/** The HTTP API: what every request passes, then the calls, then what is left over. */
export function createApp(context: Context): Express {
  const { config, keys, tokens } = context;
  const app = express();
  app.disable('x-powered-by').disable('etag').set('trust proxy', config.trustProxy).set('query parser', 'simple');
  app.use(observeRequests(context.metrics, context.logger), helmet());

  app.get('/livez', (_request, response) => void response.type('text/plain').send('ok\n'));
  app.get('/readyz', readyz(context));
  app.get('/health', health(context));
  app.get('/metrics', async (_request, response) => {
    response.type(context.metrics.registry.contentType).send(await context.metrics.registry.metrics());
  });

  const upload = limitConcurrentUploads(config.upload.concurrent);
  const search = [identifyKey(keys), requireSearchAccess(config.search.access, tokens)];
  const write = (scope: 'index' | 'delete') => [identifyKey(keys), requireScope(scope)];
  app.post('/api/v1/index', write('index'), upload, indexPhoto(context));
  app.delete('/api/v1/index/:session_id', write('delete'), deleteSession(context));
  app.delete('/api/v1/index/:session_id/photos/:photo_id', write('delete'), deletePhoto(context));
  app.post('/api/v1/search', search, upload, searchFaces(context));
  app.get('/api/v1/search/status/:session_id', search, sessionStatus(context));

  app.use(routeNotFound, answerProblem);
  return app;
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
  if (problem.status === 503 || problem.status === 429) response.setHeader('Retry-After', RETRY_AFTER_SECONDS);
  response.status(problem.status).type('application/problem+json').json(problemBody(problem, response.locals.requestId));
};

function asProblem(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error;
  // Express throws this for a path such as /api/v1/index/%zz.
  if (error instanceof URIError) return new ApiProblem('invalid_parameter', 'The path is not well-formed percent-encoding.');
  return new ApiProblem('internal_error', 'The request could not be served.', { cause: error });
}
