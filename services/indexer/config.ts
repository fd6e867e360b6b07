import {
  databaseVariables,
  detectionVariables,
  imageVariables,
  indexingConfigOf,
  indexingMistakes,
  inferenceVariables,
  retentionVariables,
  storageVariables,
} from '@facepass/indexing/config';
import {
  ConfigurationError,
  integerVariable,
  logLevelVariable,
  numberVariable,
  portVariable,
  readEnvironment,
} from '@facepass/runtime/environment';
import * as z from 'zod';

/** All variables of the indexer, in the order of docs/configuration.md. */
export const indexerEnvironment = z.object({
  HOST: z.string().optional().describe('Address that the port listens on. Default: all addresses, IPv4 and IPv6.'),
  METRICS_PORT: portVariable.default(9464).describe('Port of /metrics, /livez and /readyz.'),
  LOG_LEVEL: logLevelVariable.default('info').describe('Minimum log level.'),
  ...databaseVariables,
  ...inferenceVariables,
  ...detectionVariables,
  ...imageVariables,
  ...storageVariables,
  ...retentionVariables,
  INDEXER_CONCURRENCY: integerVariable(1, 256)
    .default(4)
    .describe('Photos of jobs that one indexer works on at a time.'),
  JOB_RETENTION_DAYS: numberVariable(0.01, 3650)
    .default(7)
    .describe('Jobs are removed this many days after their end, with the list of their photos.'),
  DRAIN_TIMEOUT_MS: integerVariable(1, 600_000)
    .default(45_000)
    .describe('Time limit for the photos under work after SIGTERM; then the process exits.'),
});

/**
 * Reads the configuration of the indexer.
 * @throws ConfigurationError naming every mistake
 */
export function readConfig(environment: NodeJS.ProcessEnv = process.env) {
  const env = readEnvironment(indexerEnvironment, environment);
  const mistakes = indexingMistakes(env);
  if (mistakes.length > 0) throw new ConfigurationError(`The configuration is wrong:\n  ${mistakes.join('\n  ')}`);
  return {
    ...indexingConfigOf(env, 'facepass-indexer'),
    host: env.HOST,
    metricsPort: env.METRICS_PORT,
    logLevel: env.LOG_LEVEL,
    concurrency: env.INDEXER_CONCURRENCY,
    jobs: { retentionDays: env.JOB_RETENTION_DAYS },
    drain: { timeoutMs: env.DRAIN_TIMEOUT_MS },
  };
}

export type Config = ReturnType<typeof readConfig>;
