import { context, propagation, SpanKind, SpanStatusCode, trace, type TextMapGetter } from '@opentelemetry/api';
import type { Metadata } from 'nice-grpc';
import { messageOf } from '@facepass/runtime/errors';
import type { AnalysedPhoto } from './pool.ts';

const METHOD = 'facepass.inference.v1.FaceAnalysis/DetectFaces';

/** Runs `handle` in a server span that continues the caller's trace (W3C context in the metadata). */
export function inServerSpan<Result>(metadata: Metadata, handle: () => Promise<Result>): Promise<Result> {
  const parent = propagation.extract(context.active(), metadata, fromMetadata);
  const options = { kind: SpanKind.SERVER, attributes: { 'rpc.system.name': 'grpc', 'rpc.method': METHOD } };
  return tracer().startActiveSpan(METHOD, options, parent, async (span) => {
    try {
      return await handle();
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) });
      throw error;
    } finally {
      span.end();
    }
  });
}

/** Adds a span per stage below the active one, from the times the worker measured. */
export function recordStages({ found, queueMs, beganAtMs }: AnalysedPhoto): void {
  if (!trace.getActiveSpan()?.isRecording()) return;
  const { decodeMs, detectMs, alignMs, embedMs } = found.timings;
  let at = beganAtMs - queueMs;
  for (const [stage, ms] of Object.entries({
    queue: queueMs,
    decode: decodeMs,
    detect: detectMs,
    align: alignMs,
    embed: embedMs,
  })) {
    tracer()
      .startSpan(stage, { startTime: at })
      .end(at + ms);
    at += ms;
  }
}

function tracer() {
  return trace.getTracer('facepass-inference');
}

const fromMetadata: TextMapGetter<Metadata> = {
  get: (metadata, key) => metadata.get(key)?.toString(),
  keys: (metadata) => [...metadata].map(([key]) => key),
};
