import { basename, dirname } from 'node:path';
import { isMainThread } from 'node:worker_threads';

/**
 * Preloaded into a service (`node --import …/services/runtime/telemetry.ts services/api/main.ts`): sends its traces
 * where the standard OTEL_* variables say. Without OTEL_TRACES_EXPORTER or an OTLP endpoint no part of the SDK is
 * loaded and every span of the code is a no-op. Metrics and logs are Prometheus's and pino's, unless the variables ask
 * for more.
 */
if (isMainThread && tracesAreWanted(process.env)) {
  process.env['OTEL_METRICS_EXPORTER'] ??= 'none';
  process.env['OTEL_LOGS_EXPORTER'] ??= 'none';
  process.env['OTEL_SERVICE_NAME'] ??= `facepass-${basename(dirname(process.argv[1] ?? 'service'))}`;
  const { NodeSDK } = await import('@opentelemetry/sdk-node');
  new NodeSDK().start();
}

function tracesAreWanted(environment: NodeJS.ProcessEnv): boolean {
  if (environment['OTEL_SDK_DISABLED']?.toLowerCase() === 'true' || environment['OTEL_TRACES_EXPORTER'] === 'none')
    return false;
  return Boolean(
    environment['OTEL_TRACES_EXPORTER'] ||
    environment['OTEL_EXPORTER_OTLP_ENDPOINT'] ||
    environment['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'],
  );
}
