import { X509Certificate } from 'node:crypto';
import { trace, TraceFlags } from '@opentelemetry/api';
import { Gauge, Registry, type OpenMetricsContentType, type PrometheusContentType } from 'prom-client';

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
    .replaceAll(/^# (HELP|TYPE) (\S+)/gm, (line: string, _keyword, name: string) =>
      counters.has(name) ? `${line}_total` : line,
    )
    .replaceAll(/ # \{[^{}]*\} \S+ \S+$/gm, '');
}

/** What a process tells of the files that its secrets and certificates come from. */
export interface FileGauges {
  /** `what` was read again, or could not be. */
  reloadFailed(what: 'configuration' | 'keys', failed: boolean): void;
  /**
   * When certificates end, by what they are for: of a chain the first end counts, of a bundle of authorities the last,
   * since an old authority stays in it beside its successor.
   * @param pem absent: there is none.
   */
  certificate(what: string, kind: 'chain' | 'authorities', pem: string | undefined): void;
}

/** Gauges of FileGauges in `registry`; each series begins with its first call. */
export function createFileGauges(registry: MetricsRegistry): FileGauges {
  const registers = [registry];
  const failed = new Gauge({
    name: 'facepass_reload_failed',
    help: '1 while changed files (the configuration, or the API keys) cannot be loaded and the previous values stay in use.',
    labelNames: ['what'],
    registers,
  });
  const expiry = new Gauge({
    name: 'facepass_certificate_expiry_timestamp_seconds',
    help: 'Unix time when the certificate expires; for several authorities, when the last one does.',
    labelNames: ['certificate'],
    registers,
  });
  return {
    reloadFailed: (what, isFailed) => failed.set({ what }, isFailed ? 1 : 0),
    certificate(what, kind, pem) {
      const ends = endsOf(pem ?? '');
      if (ends.length === 0) return void expiry.remove({ certificate: what });
      expiry.set({ certificate: what }, (kind === 'chain' ? Math.min(...ends) : Math.max(...ends)) / 1000);
    },
  };
}

function endsOf(pem: string): number[] {
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/g) ?? [];
  return certificates.map((one) => Date.parse(new X509Certificate(one).validTo));
}
