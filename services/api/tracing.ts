import { context, propagation, SpanKind, SpanStatusCode, trace, type Attributes, type Span } from '@opentelemetry/api';
import { exchangeOf } from '@facepass/runtime/http-server';
import type { RequestHandler } from 'express';

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
    const route: unknown = request.route?.path;
    if (typeof route === 'string') span.updateName(`${request.method} ${route}`).setAttribute('http.route', route);
    span.setAttribute('http.response.status_code', response.statusCode);
    if (response.statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
  });
  context.with(trace.setSpan(parent, span), next);
};

/**
 * Runs `work` in a span for a call to another process, where the request that needs it is recorded: without tracing
 * this costs one look, and a probe's statements make no traces of their own.
 */
export async function inClientSpan<Result>(
  name: string,
  attributes: Attributes,
  work: () => Promise<Result>,
): Promise<Result> {
  if (!trace.getActiveSpan()?.isRecording()) return work();
  return tracer().startActiveSpan(name, { kind: SpanKind.CLIENT, attributes }, async (span) => {
    try {
      return await work();
    } catch (error) {
      recordFailure(span, error);
      throw error;
    } finally {
      span.end();
    }
  });
}

/** The name only: messages of the database may repeat what a client sent. */
function recordFailure(span: Span, error: unknown): void {
  span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.name : 'failed' });
}

function tracer() {
  return trace.getTracer('facepass-api');
}
