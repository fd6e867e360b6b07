import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { exchangeOf } from '@facepass/runtime/http-server';
import type { RequestHandler } from 'express';
import { routeOf } from './request-log.ts';

/**
 * Middleware: a server span that continues the caller's trace (W3C headers); no address, id or parameter is recorded.
 */
export const traceRequests: RequestHandler = (request, response, next) => {
  const parent = propagation.extract(context.active(), request.headers);
  const span = tracer().startSpan(
    request.method,
    { kind: SpanKind.SERVER, attributes: { 'http.request.method': request.method } },
    parent,
  );
  void exchangeOf(response).over.then(() => {
    const route = routeOf(request);
    if (route) span.updateName(`${request.method} ${route}`).setAttribute('http.route', route);
    span.setAttribute('http.response.status_code', response.statusCode);
    if (response.statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
  });
  context.with(trace.setSpan(parent, span), next);
};

function tracer() {
  return trace.getTracer('facepass-api');
}
