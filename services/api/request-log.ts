import { randomUUID } from 'node:crypto';
import type { ApiProblem } from '@facepass/indexing/errors';
import { exemplarLabels } from '@facepass/runtime/exposition';
import { exchangeOf } from '@facepass/runtime/http-server';
import type { Logger } from '@facepass/runtime/logger';
import { context } from '@opentelemetry/api';
import type { Request, RequestHandler, Response } from 'express';
import { statusOf, type Metrics } from './metrics.ts';

/** Pattern of the route that took the request, such as `/api/v1/index`; undefined where none did. */
export function routeOf(request: Request): string | undefined {
  const { path } = (request.route ?? {}) as { path?: unknown };
  return typeof path === 'string' ? path : undefined;
}

/** Middleware that gives each request its id and records the finished request as one metric and one log line. */
export function observeRequests(metrics: Metrics, logger: Logger): RequestHandler {
  return (request, response, next) => {
    const started = performance.now();
    response.locals.requestId = acceptedId(request.get('x-request-id')) ?? randomUUID();
    response.setHeader('X-Request-Id', response.locals.requestId);
    const record = () => recordRequest(metrics, logger, request, response, (performance.now() - started) / 1000);
    void exchangeOf(response).over.then(context.bind(context.active(), record));
    next();
  };
}

function recordRequest(metrics: Metrics, logger: Logger, request: Request, response: Response, seconds: number): void {
  const { requestId, keyName, faces, model, code, cause } = response.locals;
  const route = routeOf(request) ?? 'unmatched';
  const status = statusOf(response);
  const labels = { route, method: METHODS.has(request.method) ? request.method : 'other', status };
  metrics.httpSeconds.observe({ labels, value: seconds, exemplarLabels: exemplarLabels() });
  if (code) metrics.problems.inc({ code });
  const line = {
    request_id: requestId,
    method: request.method,
    route,
    status,
    duration_ms: Math.round(seconds * 1000),
    key: keyName,
    faces,
    model,
    code,
  };
  if (status >= 500) logger.error({ ...line, err: cause }, 'request');
  else if (!QUIET_ROUTES.has(route))
    logger.info(line, response.writableFinished ? 'request' : 'request abandoned by its client');
}

/** Records a request that was rejected before the app saw it. */
export function recordRefusal(metrics: Metrics, logger: Logger, problem: ApiProblem, requestId: string): void {
  const { code, status } = problem;
  metrics.httpSeconds.observe({ labels: { route: 'unmatched', method: 'other', status }, value: 0 });
  metrics.problems.inc({ code });
  logger.info({ request_id: requestId, route: 'unmatched', status, code }, 'request');
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const QUIET_ROUTES = new Set(['/livez', '/readyz', '/metrics']);

function acceptedId(id: string | undefined): string | undefined {
  return id && /^[\w.-]{1,64}$/.test(id) ? id : undefined;
}
