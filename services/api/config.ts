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
  booleanVariable,
  ConfigurationError,
  integerVariable,
  logLevelVariable,
  numberVariable,
  portVariable,
  readEnvironment,
} from '@facepass/runtime/environment';
import * as z from 'zod';
import { TIMEOUT_DEFAULTS } from '@facepass/contracts/timeouts';

const text = z.string();
const milliseconds = integerVariable(1, 600_000);

/**
 * `trust proxy` of Express as a count of proxies or as their networks; `true` would let every client choose its own
 * address.
 */
const trustedProxies = text
  .regex(
    /^(\d{1,2}|[0-9a-f.:/]+(,\s*[0-9a-f.:/]+)*)$/i,
    'must be a number of proxies or networks such as 10.0.0.0/8,fd00::/8; `true` is not allowed, because clients could then choose their address',
  )
  .transform((value) => (/^\d+$/.test(value) ? Number(value) : value.split(/,\s*/)));

const photoUrlTemplate = text
  .regex(/^(https?:\/\/[^/{}\s]+)?\/\S*$/, 'must be an http or https URL, or a path')
  .includes('{photo_id}', 'must contain {photo_id}');

const corsOrigins = text
  .transform(listOf)
  .refine(
    (origins) => origins.every((origin) => /^https?:/.test(origin) && URL.parse(origin)?.origin === origin),
    'must be origins such as https://www.example.com, without a path or a slash at the end',
  );

/** All variables of the API, in the order of docs/configuration.md. */
export const apiEnvironment = z.object({
  PORT: portVariable.default(8080).describe('Port of the HTTP API.'),
  HOST: text.optional().describe('Address that both ports listen on. Default: all addresses, IPv4 and IPv6.'),
  METRICS_PORT: portVariable
    .default(9464)
    .describe('Port of /metrics, /livez and /readyz. Do not expose it to the outside.'),
  LOG_LEVEL: logLevelVariable.default('info').describe('Minimum log level.'),
  TRUST_PROXY: trustedProxies
    .optional()
    .describe('Number of proxies in front of the API, or their networks. Default: none.'),

  API_KEYS: text
    .optional()
    .describe(
      'Keys as `name:key` or `name:key:scope+scope`, separated by commas or lines. Scopes: index, delete, admin (default index+delete). Instead of the key an entry may have `sha256=` and its digest.',
    ),
  API_KEYS_FILE: text
    .optional()
    .describe('File with the keys, instead of API_KEYS; reread when it changes. `facepass keys` writes it.'),
  SMOKE_TEST_KEY_FILE: text
    .optional()
    .describe(
      'File with the key of the smoke test, in addition to the other keys; it has the scopes index and delete. Reread when it changes.',
    ),
  SEARCH_ACCESS: z
    .enum(['public', 'token'], 'must be public or token')
    .default('public')
    .describe('With `token`, search and status calls need a search token or an API key.'),
  SEARCH_TOKEN_SECRET: text
    .optional()
    .describe(
      'Secrets that sign search tokens, of at least 32 characters, separated by commas. The first signs, all verify.',
    ),

  ...databaseVariables,

  ...inferenceVariables,
  ...detectionVariables,
  FACE_SIMILARITY_THRESHOLD: numberVariable(0, 1)
    .default(0.5)
    .describe(
      'Default threshold of a search: at 0.5 one pair of different people in 10,000 matches, and each 0.1 less gives ten times as many.',
    ),

  ...imageVariables,
  MAX_IMAGE_WIDTH: integerVariable(32, 65_535)
    .default(4096)
    .describe('Maximum width of an image. The inference servers enforce it; the API reports it to clients.'),
  MAX_IMAGE_HEIGHT: integerVariable(32, 65_535).default(4096).describe('Maximum height of an image, likewise.'),
  CONCURRENT_UPLOADS_LIMIT: integerVariable(1, 10_000)
    .default(64)
    .describe('Maximum number of images in memory; beyond it uploads get 503, and photos of a batch wait.'),
  REQUEST_TIMEOUT_MS: milliseconds.default(30_000).describe('Maximum time for a client to send a request; then 408.'),
  DRAIN_DELAY_MS: integerVariable(0, 60_000)
    .default(TIMEOUT_DEFAULTS.DRAIN_DELAY_MS)
    .describe('After SIGTERM: how long the API still accepts requests while load balancers notice.'),
  DRAIN_TIMEOUT_MS: milliseconds
    .default(TIMEOUT_DEFAULTS.DRAIN_TIMEOUT_MS)
    .describe('After SIGTERM: when the process exits, even if requests are in progress.'),

  REDIS_URL: text
    .regex(/^(rediss?:\/\/.+|unix:\/.+)$/, 'must be redis://host:port, rediss:// or unix:')
    .optional()
    .describe('Redis for the rate limits. Default: none; each process counts by itself.'),
  RATE_LIMIT_WRITES_PER_MINUTE: integerVariable(0, 1_000_000)
    .default(100)
    .describe('Maximum number of writing calls per API key; 0: no limit.'),
  RATE_LIMIT_SEARCHES_PER_MINUTE: integerVariable(0, 1_000_000)
    .default(1000)
    .describe('Maximum number of searches per client address (IPv6: per /64); 0: no limit.'),

  ...storageVariables,
  BATCH_CONCURRENCY: integerVariable(1, 256).default(4).describe('Number of photos of one batch to index in parallel.'),

  ...retentionVariables,
  RETENTION_SWEEP_MINUTES: numberVariable(0, 10_080)
    .default(10)
    .describe('Minutes between two sweeps for overdue sessions; 0: this process never sweeps.'),

  PHOTO_URL_TEMPLATE: photoUrlTemplate
    .optional()
    .describe(
      'URL of a photo for the pages, such as https://photos.example.com/{session_id}/{photo_id}. The service itself never fetches it.',
    ),
  FACEPASS_CONSOLE: booleanVariable.default(true).describe('Serve the console at / and the guest pages.'),
  CORS_ORIGINS: corsOrigins
    .optional()
    .describe(
      'Origins whose pages may call the API from a browser, separated by commas, as https://www.example.com; `*` is refused. Default: none.',
    ),
  LEGACY_CLIENTS: booleanVariable
    .default(false)
    .describe('Serve clients of aukanara2010-dot/facepass in their words (docs/MIGRATION_GUIDE.md#clients).'),
  LEGACY_CLIENTS_SUNSET: z.iso
    .date('must be a date such as 2027-12-31')
    .default('2027-12-31')
    .describe('Date in the Sunset header of those answers.'),
});

export type ApiEnvironment = z.infer<typeof apiEnvironment>;

/**
 * Reads the configuration of the API.
 * @throws ConfigurationError naming every mistake.
 */
export function readConfig(environment: NodeJS.ProcessEnv = process.env) {
  return configOf(readEnvironment(apiEnvironment, environment));
}

/** The variables, grouped by the part of the service that takes them. */
function configOf(env: ApiEnvironment) {
  refuseContradictions(env);
  const indexing = indexingConfigOf(env, 'facepass-api');
  return {
    ...indexing,
    host: env.HOST,
    port: env.PORT,
    metricsPort: env.METRICS_PORT,
    logLevel: env.LOG_LEVEL,
    trustProxy: env.TRUST_PROXY ?? false,
    keys: { entries: env.API_KEYS ?? '', file: env.API_KEYS_FILE, smokeTestFile: env.SMOKE_TEST_KEY_FILE },
    search: {
      access: env.SEARCH_ACCESS,
      tokenSecrets: listOf(env.SEARCH_TOKEN_SECRET),
      threshold: env.FACE_SIMILARITY_THRESHOLD,
    },
    upload: {
      maxImageBytes: env.MAX_IMAGE_BYTES,
      maxImageSide: Math.min(env.MAX_IMAGE_WIDTH, env.MAX_IMAGE_HEIGHT),
      concurrent: env.CONCURRENT_UPLOADS_LIMIT,
    },
    requestTimeoutMs: env.REQUEST_TIMEOUT_MS,
    drain: { delayMs: env.DRAIN_DELAY_MS, timeoutMs: env.DRAIN_TIMEOUT_MS },
    limits: {
      redisUrl: env.REDIS_URL,
      writesPerMinute: env.RATE_LIMIT_WRITES_PER_MINUTE,
      searchesPerMinute: env.RATE_LIMIT_SEARCHES_PER_MINUTE,
    },
    batchConcurrency: env.BATCH_CONCURRENCY,
    retention: { ...indexing.retention, sweepMinutes: env.RETENTION_SWEEP_MINUTES },
    photoUrlTemplate: env.PHOTO_URL_TEMPLATE,
    console: env.FACEPASS_CONSOLE,
    corsOrigins: env.CORS_ORIGINS ?? [],
    legacy: { enabled: env.LEGACY_CLIENTS, sunset: env.LEGACY_CLIENTS_SUNSET },
  };
}

function refuseContradictions(env: ApiEnvironment): void {
  const mistakes = indexingMistakes(env);
  const secrets = listOf(env.SEARCH_TOKEN_SECRET);
  if (env.SEARCH_ACCESS === 'token' && secrets.length === 0)
    mistakes.push('SEARCH_TOKEN_SECRET: required with SEARCH_ACCESS=token');
  if (secrets.some((secret) => secret.length < 32))
    mistakes.push('SEARCH_TOKEN_SECRET: each secret must have at least 32 characters');
  if (mistakes.length > 0) throw new ConfigurationError(`Invalid configuration:\n  ${mistakes.join('\n  ')}`);
}

function listOf(value: string | undefined): string[] {
  return (value ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);
}

export type Config = ReturnType<typeof configOf>;
