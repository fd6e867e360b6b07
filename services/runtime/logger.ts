import { trace } from '@opentelemetry/api';
import { pino, type DestinationStream, type Logger } from 'pino';

export type { Logger };

/**
 * Creates a JSON logger for one process. Lines written inside a span have its trace id. The logger removes keys, images
 * and vectors, wherever a careless caller put them.
 */
export function createLogger(service: string, level: string, destination?: DestinationStream): Logger {
  return pino(
    {
      level,
      base: { service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      mixin: activeTrace,
      redact: { paths: SECRET_PATHS, censor: '[removed]' },
    },
    destination ?? pino.destination({ sync: true }),
  );
}

/** PostgreSQL's `detail` repeats a row that violates a constraint, including its vector. */
const SECRET_PATHS = [
  '*.authorization',
  '*["x-api-key"]',
  '*.password',
  '*.token',
  '*.embedding',
  '*.image',
  'embedding',
  'image',
  'token',
  'err.detail',
  'err.where',
];

function activeTrace(): object {
  const context = trace.getActiveSpan()?.spanContext();
  return context ? { trace_id: context.traceId, span_id: context.spanId } : {};
}
