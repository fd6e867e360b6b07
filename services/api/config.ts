import { fileURLToPath } from 'node:url';
import {
  booleanVariable,
  ConfigurationError,
  integerVariable,
  logLevelVariable,
  numberVariable,
  portVariable,
  readEnvironment,
} from '@facepass/runtime/environment';
import { postgresConnection, postgresMistakes, postgresVariables } from '@facepass/runtime/postgres';
import * as z from 'zod';

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

const inferenceAddress = text
  .regex(
    /^(unix:\/{1,3}[^:]+|(dns:\/\/\/)?[^/:,\s]+:\d{1,5}|(dns:\/\/\/)?\[[0-9a-f:]+\]:\d{1,5}|ipv4:[\d.]+:\d{1,5}(,[\d.]+:\d{1,5})*)$/i,
    'must be dns:///host:port, ipv4:address:port,address:port or unix:/path',
  )
  .transform((value) => value.replace(/^unix:\/*/, 'unix:///').replace(/^(?!unix:|dns:|ipv4:)/, 'dns:///'));

const pem = text.startsWith('-----BEGIN', 'must be PEM text; to name a file, append _FILE to the variable');

const photoUrlTemplate = text
  .regex(/^(https?:\/\/[^/{}\s]+)?\/\S*$/, 'must be an http or https URL, or a path')
  .includes('{photo_id}', 'must contain {photo_id}');

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

  ...postgresVariables({
    role: 'Role of the API; it needs no DDL rights.',
    url: 'URL of PostgreSQL, instead of POSTGRES_*.',
  }),
  DATABASE_POOL_SIZE: integerVariable(1, 500)
    .default(10)
    .describe('Maximum number of database connections per API process.'),
  DATABASE_CONNECT_TIMEOUT_MS: milliseconds
    .default(2000)
    .describe('Maximum wait for a free or new connection; then the call gets 503.'),
  DATABASE_STATEMENT_TIMEOUT_MS: milliseconds
    .default(5000)
    .describe('Maximum duration of one statement; then the call gets 503.'),
  ALLOW_PGVECTOR_VERSION: text
    .regex(/^\d+\.\d+(\.\d+)?$/, 'must be a version such as 0.8.0')
    .optional()
    .describe('Accept exactly this pgvector version although it is older than 0.8.4. Set the migrator’s alike.'),

  INFERENCE_ADDRESS: inferenceAddress
    .default('dns:///localhost:50051')
    .describe(
      'Inference servers: dns:///host:port (with a headless Service, all its addresses are used), ipv4:address:port,address:port or unix:/path.',
    ),
  INFERENCE_TLS_CA: pem
    .optional()
    .describe(
      'Use TLS to the inference servers and verify them with this authority (PEM, usually in `INFERENCE_TLS_CA_FILE`).',
    ),
  INFERENCE_TLS_CERT: pem
    .optional()
    .describe('Client certificate, if they require one (PEM, usually in `INFERENCE_TLS_CERT_FILE`).'),
  INFERENCE_TLS_KEY: pem
    .optional()
    .describe('Private key of that certificate (PEM, usually in `INFERENCE_TLS_KEY_FILE`).'),
  INFERENCE_TIMEOUT_MS: milliseconds
    .default(15_000)
    .describe('Maximum time to analyse a selfie, including the wait; then 503 `inference_timeout`.'),
  INFERENCE_INDEX_TIMEOUT_MS: milliseconds
    .default(120_000)
    .describe('The same for a photo to index. A crowd takes about 0.1 s of one core per face.'),
  MODEL_PACK: text
    .regex(/^[a-z0-9-]+$/, 'must be the name of a folder in models/')
    .default('sface')
    .describe('Model pack. Set it alike for the inference servers.'),
  MODELS_DIRECTORY: text
    .optional()
    .describe('Folder with the packs’ manifests. Default: `models/` of this repository.'),
  FACE_DETECTION_THRESHOLD: numberVariable(0, 1)
    .default(0)
    .describe('Minimum detector score of a face; 0: the pack’s own value.'),
  FACE_SIMILARITY_THRESHOLD: numberVariable(0, 1)
    .default(0.5)
    .describe(
      'Default threshold of a search: at 0.5 one pair of different people in 10,000 matches, and each 0.1 less gives ten times as many.',
    ),
  FACES_PER_PHOTO_LIMIT: integerVariable(0, 1000)
    .default(0)
    .describe('Maximum number of faces per photo, largest first; 0: the inference server’s limit.'),

  MAX_IMAGE_BYTES: integerVariable(1024, 104_857_600)
    .default(10_485_760)
    .describe('Maximum size of an image file; larger ones get 413.'),
  MAX_IMAGE_WIDTH: integerVariable(32, 65_535)
    .default(4096)
    .describe('Maximum width of an image. The inference servers enforce it; the API reports it to clients.'),
  MAX_IMAGE_HEIGHT: integerVariable(32, 65_535).default(4096).describe('Maximum height of an image, likewise.'),
  CONCURRENT_UPLOADS_LIMIT: integerVariable(1, 10_000)
    .default(64)
    .describe('Maximum number of images in memory; beyond it uploads get 503, and photos of a batch wait.'),
  REQUEST_TIMEOUT_MS: milliseconds.default(30_000).describe('Maximum time for a client to send a request; then 408.'),
  DRAIN_DELAY_MS: integerVariable(0, 60_000)
    .default(5000)
    .describe('After SIGTERM: how long the API still accepts requests while load balancers notice.'),
  DRAIN_TIMEOUT_MS: milliseconds
    .default(45_000)
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

  S3_BUCKET: text.optional().describe('Bucket of the photos named by `s3_key`. Default: none; only uploads.'),
  S3_PREFIX: text
    .regex(/^[^/\\].*\/$/, 'must end with a slash and not begin with one')
    .optional()
    .describe('Prefix of every key.'),
  S3_REGION: text.default('us-east-1').describe('Region of the bucket.'),
  S3_ENDPOINT: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    .optional()
    .describe('URL of an S3 service other than AWS.'),
  S3_FORCE_PATH_STYLE: booleanVariable
    .default(false)
    .describe('https://host/bucket/key instead of https://bucket.host/key.'),
  S3_ACCESS_KEY_ID: text.optional().describe('Access key. Default: the AWS credential chain.'),
  S3_SECRET_ACCESS_KEY: text.optional().describe('Secret of the access key.'),
  S3_CONNECT_TIMEOUT_MS: milliseconds.default(2000).describe('Maximum wait for a connection.'),
  S3_REQUEST_TIMEOUT_MS: milliseconds.default(5000).describe('Maximum wait for the headers of the answer.'),
  S3_TRANSFER_TIMEOUT_MS: milliseconds
    .default(20_000)
    .describe('Maximum time to transfer one photo, including retries.'),
  BATCH_CONCURRENCY: integerVariable(1, 256).default(4).describe('Number of photos of one batch to index in parallel.'),

  SESSION_RETENTION_DAYS: numberVariable(0, 36_500)
    .default(0)
    .describe(
      'Erase each session this many days after its first photo, unless the index call set `expires_at`; 0: keep sessions.',
    ),
  RETENTION_SWEEP_MINUTES: numberVariable(0, 10_080)
    .default(10)
    .describe('Minutes between two sweeps for overdue sessions; 0: this process never sweeps.'),

  PHOTO_URL_TEMPLATE: photoUrlTemplate
    .optional()
    .describe(
      'URL of a photo for the pages, such as https://photos.example.com/{session_id}/{photo_id}. The service itself never fetches it.',
    ),
  FACEPASS_CONSOLE: booleanVariable.default(true).describe('Serve the console at / and the guest pages.'),
  FACEPASS_LEGACY_CALLS: booleanVariable
    .default(false)
    .describe('Also answer /api/v1/faces/search-session and /api/v1/faces/index-session/{session_id}.'),
  FACEPASS_LEGACY_SUNSET: z.iso
    .date('must be a date such as 2027-12-31')
    .default('2027-12-31')
    .describe('Date in the Sunset header of those calls.'),
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
  return {
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
    database: databaseOf(env),
    inference: {
      address: env.INFERENCE_ADDRESS,
      tls: inferenceTlsOf(env),
      timeoutMs: env.INFERENCE_TIMEOUT_MS,
      indexTimeoutMs: env.INFERENCE_INDEX_TIMEOUT_MS,
      minConfidence: env.FACE_DETECTION_THRESHOLD,
      maxFaces: env.FACES_PER_PHOTO_LIMIT,
      maxImageBytes: env.MAX_IMAGE_BYTES,
    },
    models: {
      directory: env.MODELS_DIRECTORY ?? fileURLToPath(new URL('../../models', import.meta.url)),
      pack: env.MODEL_PACK,
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
    storage: storageOf(env),
    batchConcurrency: env.BATCH_CONCURRENCY,
    retention: { days: env.SESSION_RETENTION_DAYS, sweepMinutes: env.RETENTION_SWEEP_MINUTES },
    photoUrlTemplate: env.PHOTO_URL_TEMPLATE,
    console: env.FACEPASS_CONSOLE,
    legacy: { enabled: env.FACEPASS_LEGACY_CALLS, sunset: env.FACEPASS_LEGACY_SUNSET },
  };
}

function refuseContradictions(env: ApiEnvironment): void {
  const mistakes = postgresMistakes(env);
  const secrets = listOf(env.SEARCH_TOKEN_SECRET);
  if (env.SEARCH_ACCESS === 'token' && secrets.length === 0)
    mistakes.push('SEARCH_TOKEN_SECRET: required with SEARCH_ACCESS=token');
  if (secrets.some((secret) => secret.length < 32))
    mistakes.push('SEARCH_TOKEN_SECRET: each secret must have at least 32 characters');
  if (!env.INFERENCE_TLS_CERT !== !env.INFERENCE_TLS_KEY)
    mistakes.push('INFERENCE_TLS_CERT: set it together with INFERENCE_TLS_KEY');
  if (env.INFERENCE_TLS_CERT && !env.INFERENCE_TLS_CA) mistakes.push('INFERENCE_TLS_CERT: also set INFERENCE_TLS_CA');
  if (!env.S3_ACCESS_KEY_ID !== !env.S3_SECRET_ACCESS_KEY)
    mistakes.push('S3_ACCESS_KEY_ID: set it together with S3_SECRET_ACCESS_KEY');
  if (mistakes.length > 0) throw new ConfigurationError(`Invalid configuration:\n  ${mistakes.join('\n  ')}`);
}

function databaseOf(env: ApiEnvironment) {
  return {
    connection: postgresConnection(env),
    allowedPgvectorVersion: env.ALLOW_PGVECTOR_VERSION,
    poolSize: env.DATABASE_POOL_SIZE,
    connectTimeoutMs: env.DATABASE_CONNECT_TIMEOUT_MS,
    statementTimeoutMs: env.DATABASE_STATEMENT_TIMEOUT_MS,
  };
}

function inferenceTlsOf({
  INFERENCE_TLS_CA: authority,
  INFERENCE_TLS_CERT: certificate,
  INFERENCE_TLS_KEY: key,
}: ApiEnvironment) {
  if (!authority) return null;
  return { authority, client: certificate && key ? { certificate, key } : null };
}

function storageOf(env: ApiEnvironment) {
  if (!env.S3_BUCKET) return null;
  return {
    bucket: env.S3_BUCKET,
    prefix: env.S3_PREFIX ?? '',
    region: env.S3_REGION,
    endpoint: env.S3_ENDPOINT,
    forcePathStyle: env.S3_FORCE_PATH_STYLE,
    credentials:
      env.S3_ACCESS_KEY_ID && env.S3_SECRET_ACCESS_KEY
        ? { accessKeyId: env.S3_ACCESS_KEY_ID, secretAccessKey: env.S3_SECRET_ACCESS_KEY }
        : undefined,
    connectTimeoutMs: env.S3_CONNECT_TIMEOUT_MS,
    requestTimeoutMs: env.S3_REQUEST_TIMEOUT_MS,
    transferTimeoutMs: env.S3_TRANSFER_TIMEOUT_MS,
    maxImageBytes: env.MAX_IMAGE_BYTES,
  };
}

function listOf(value: string | undefined): string[] {
  return (value ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);
}

export type Config = ReturnType<typeof configOf>;
export type DatabaseConfig = Config['database'];
export type InferenceConfig = Config['inference'];
export type StorageConfig = NonNullable<Config['storage']>;
