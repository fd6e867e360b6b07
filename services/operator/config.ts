import { hostname } from 'node:os';
import {
  integerVariable,
  logLevelVariable,
  portVariable,
  readEnvironment,
  ConfigurationError,
} from '@facepass/runtime/environment';
import * as z from 'zod';

const text = z.string();
const name = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** All variables of the operator, in the order of docs/configuration.md. */
export const operatorEnvironment = z.object({
  POD_NAMESPACE: text
    .regex(name, 'must be the name of a namespace')
    .describe('Namespace of the operator and its Lease.'),
  POD_NAME: text.optional().describe('Name of this process in the Lease. Default: the host name.'),
  OPERATOR_NAMESPACES: text
    .regex(/^(\*|[a-z0-9-]+(,\s*[a-z0-9-]+)*)$/, 'must be names of namespaces separated by commas, or *')
    .optional()
    .describe('Namespaces whose Facepass resources it manages; `*`: all. Default: its own.'),
  LEASE_NAME: text
    .regex(name, 'must be a name')
    .default('facepass-operator')
    .describe('Name of the Lease that its replicas compete for.'),
  LEASE_DURATION_MS: integerVariable(1000, 600_000)
    .default(15_000)
    .describe('Time without renewal after which another replica may take the Lease.'),
  LEASE_RENEW_DEADLINE_MS: integerVariable(500, 600_000)
    .default(10_000)
    .describe('Time without renewal after which the holder itself stops writing.'),
  LEASE_RETRY_MS: integerVariable(100, 60_000).default(2000).describe('Interval to renew or request the Lease.'),
  PROMETHEUS_URL: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    .optional()
    .describe('Prometheus that the gates query. Default: none; every gate holds.'),
  PROMETHEUS_TIMEOUT_MS: integerVariable(100, 60_000).default(5000).describe('Maximum wait for its answer.'),
  PROMETHEUS_BEARER_TOKEN: text.optional().describe('Bearer token for Prometheus.'),
  KUBERNETES_TIMEOUT_MS: integerVariable(100, 60_000)
    .default(4000)
    .describe('Maximum wait for an answer of the Kubernetes API.'),
  RESYNC_MS: integerVariable(1000, 3_600_000)
    .default(60_000)
    .describe('Interval to reconcile all resources, in addition to the watches.'),
  STEP_INTERVAL_MS: integerVariable(100, 60_000).default(2000).describe('Interval to reconcile a release in progress.'),
  POD_METRICS_PORT: portVariable
    .default(9464)
    .describe('Port of the API pods’ metrics, the source of the observed share and the schema.'),
  HOST: text.optional().describe('Address that METRICS_PORT listens on. Default: all addresses.'),
  METRICS_PORT: portVariable.default(9464).describe('Port of /metrics, /livez and /readyz.'),
  LOG_LEVEL: logLevelVariable.default('info').describe('Minimum log level.'),
});

export type Config = ReturnType<typeof readConfig>;

/**
 * Reads the configuration of the operator.
 * @throws ConfigurationError naming every mistake.
 */
export function readConfig(environment: NodeJS.ProcessEnv = process.env) {
  const env = readEnvironment(operatorEnvironment, environment);
  refuseLeaseThatOverlaps(env);
  const namespaces = env.OPERATOR_NAMESPACES ?? env.POD_NAMESPACE;
  return {
    /** `null`: all. */
    namespaces: namespaces === '*' ? null : [...new Set(namespaces.split(',').map((part) => part.trim()))],
    lease: {
      namespace: env.POD_NAMESPACE,
      name: env.LEASE_NAME,
      holder: env.POD_NAME ?? hostname(),
      durationMs: env.LEASE_DURATION_MS,
      renewDeadlineMs: env.LEASE_RENEW_DEADLINE_MS,
      retryMs: env.LEASE_RETRY_MS,
    },
    prometheus: {
      url: env.PROMETHEUS_URL,
      timeoutMs: env.PROMETHEUS_TIMEOUT_MS,
      bearerToken: env.PROMETHEUS_BEARER_TOKEN,
    },
    kubernetesTimeoutMs: env.KUBERNETES_TIMEOUT_MS,
    resyncMs: env.RESYNC_MS,
    stepIntervalMs: env.STEP_INTERVAL_MS,
    podMetricsPort: env.POD_METRICS_PORT,
    host: env.HOST,
    metricsPort: env.METRICS_PORT,
    logLevel: env.LOG_LEVEL,
  };
}

/** A write that began just before the renewal deadline must have ended before another replica may begin. */
function refuseLeaseThatOverlaps(env: z.infer<typeof operatorEnvironment>): void {
  const spare = env.LEASE_DURATION_MS - env.LEASE_RENEW_DEADLINE_MS;
  if (spare <= env.KUBERNETES_TIMEOUT_MS)
    throw new ConfigurationError(
      'Invalid configuration:\n  LEASE_DURATION_MS: must exceed LEASE_RENEW_DEADLINE_MS by more than KUBERNETES_TIMEOUT_MS',
    );
}
