import { randomUUID } from 'node:crypto';
import type { Logger } from '@facepass/runtime/logger';
import type { Request, RequestHandler, Response } from 'express';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { Pool } from './db/pool.ts';

/** What the API tells of its work: each event is recorded here once, as metric and as log line. */
export type Metrics = ReturnType<typeof createMetrics>;

/** The metrics of one process, in a registry of their own. Labels are routes, methods and statuses only. */
export function createMetrics(pool: Pool) {
  const registers = [new Registry()] as const;
  const [registry] = registers;
  collectDefaultMetrics({ register: registry });
  const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
  new Gauge({
    name: 'facepass_db_connections_active',
    help: 'Database connections in use by this process.',
    registers: [registry],
    collect() {
      this.set(pool.totalCount - pool.idleCount);
    },
  });
  return {
    registry,
    httpSeconds: new Histogram({
      name: 'http_server_request_duration_seconds',
      help: 'Time from a request’s head to the end of its answer.',
      labelNames: ['route', 'method', 'status'],
      buckets: seconds,
      registers: [registry],
    }),
    searches: new Counter({ name: 'facepass_search_requests_total', help: 'Searches answered.', labelNames: ['status'], registers: [registry] }),
    searchSeconds: new Histogram({ name: 'facepass_search_duration_seconds', help: 'Time of a search.', buckets: seconds, registers: [registry] }),
    indexings: new Counter({ name: 'facepass_index_requests_total', help: 'Index calls answered, a batch’s photos each.', labelNames: ['status'], registers: [registry] }),
    indexSeconds: new Histogram({ name: 'facepass_index_duration_seconds', help: 'Time to index a photo.', buckets: seconds, registers: [registry] }),
    embeddings: new Counter({ name: 'facepass_embeddings_total', help: 'Embeddings stored.', registers: [registry] }),
  };
}

/** Middleware: gives the request its id and, once it is over, records it as one metric and one log line. */
export function observeRequests(metrics: Metrics, logger: Logger): RequestHandler {
  return (request, response, next) => {
    const started = performance.now();
    response.locals.requestId = acceptedId(request.get('x-request-id')) ?? randomUUID();
    response.setHeader('X-Request-Id', response.locals.requestId);
    response.once('close', () => recordRequest(metrics, logger, request, response, (performance.now() - started) / 1000));
    next();
  };
}

/** Records a search that ended with `status` after `seconds`. */
export function recordSearch(metrics: Metrics, status: number, seconds: number): void {
  metrics.searches.inc({ status });
  metrics.searchSeconds.observe(seconds);
}

/** Records a photo whose indexing ended with `status` after `seconds`, `faces` embeddings stored. */
export function recordIndexing(metrics: Metrics, status: number, seconds: number, faces: number): void {
  metrics.indexings.inc({ status });
  metrics.indexSeconds.observe(seconds);
  metrics.embeddings.inc(faces);
}

function recordRequest(metrics: Metrics, logger: Logger, request: Request, response: Response, seconds: number): void {
  const { requestId, keyName, faces, model, cause } = response.locals;
  const route = typeof request.route?.path === 'string' ? request.route.path : 'unmatched';
  const left = !response.writableFinished;
  const status = left && !response.headersSent ? CLIENT_LEFT : response.statusCode;
  metrics.httpSeconds.observe({ route, method: METHODS.has(request.method) ? request.method : 'other', status }, seconds);
  const line = { request_id: requestId, method: request.method, route, status, duration_ms: Math.round(seconds * 1000), key: keyName, faces, model, code: response.locals.code };
  if (status >= 500) logger.error({ ...line, err: cause }, 'request');
  else if (!QUIET_ROUTES.has(route)) logger.info(line, left ? 'request left by its client' : 'request');
}

/** nginx's status for a client that left before the answer. */
export const CLIENT_LEFT = 499;
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const QUIET_ROUTES = new Set(['/livez', '/readyz', '/metrics']);

function acceptedId(id: string | undefined): string | undefined {
  return id && /^[\w.-]{1,64}$/.test(id) ? id : undefined;
}
