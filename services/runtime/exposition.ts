import { trace, TraceFlags } from '@opentelemetry/api';
import { Registry, type OpenMetricsContentType, type PrometheusContentType } from 'prom-client';

export type MetricsRegistry = Registry<OpenMetricsContentType>;

/** A registry in the OpenMetrics format, the only one with exemplars. */
export function createRegistry(): MetricsRegistry {
  const registry = new Registry<OpenMetricsContentType>();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  return registry;
}

/** Ties an observation to the trace under way, where that one is recorded. */
export function exemplarLabels(): Record<string, string> {
  const span = trace.getActiveSpan()?.spanContext();
  return span && span.traceFlags & TraceFlags.SAMPLED ? { trace_id: span.traceId } : {};
}

/**
 * What /metrics answers: OpenMetrics to whoever accepts it, as Prometheus does, else the older text format, without
 * exemplars.
 * @param accept the request's Accept header.
 */
export async function exposition(
  registry: MetricsRegistry,
  accept: string | undefined,
): Promise<{ contentType: OpenMetricsContentType | PrometheusContentType; body: string }> {
  const body = await registry.metrics();
  if (accept?.includes('application/openmetrics-text')) return { contentType: registry.contentType, body };
  return { contentType: Registry.PROMETHEUS_CONTENT_TYPE, body: asPlainText(body) };
}

/**
 * OpenMetrics names a counter without its `_total`, ends with `# EOF` and lets a sample carry an exemplar; version
 * 0.0.4 does neither.
 */
function asPlainText(openMetrics: string): string {
  const counters = new Set([...openMetrics.matchAll(/^# TYPE (\S+) counter$/gm)].map(([, name]) => name));
  return openMetrics
    .replace(/^# EOF\n/m, '')
    .replaceAll(/^# (HELP|TYPE) (\S+)/gm, (line, _keyword, name) => (counters.has(name) ? `${line}_total` : line))
    .replaceAll(/ # \{[^{}]*\} \S+ \S+$/gm, '');
}
