import { fileURLToPath } from 'node:url';
import { TIMEOUT_DEFAULTS } from '@facepass/contracts/timeouts';
import { modelPacksVariable } from '@facepass/contracts/model-pack';
import { booleanVariable, integerVariable, numberVariable } from '@facepass/runtime/environment';
import { postgresConnection, postgresMistakes, postgresVariables } from '@facepass/runtime/postgres';
import * as z from 'zod';

/** The variables of every process that indexes photos, in groups, and the parts of a configuration made of them. */

const text = z.string();
const milliseconds = integerVariable(1, 600_000);

const inferenceAddress = text
  .regex(
    /^(unix:\/{1,3}[^:]+|(dns:\/\/\/)?[^/:,\s]+:\d{1,5}|(dns:\/\/\/)?\[[0-9a-f:]+\]:\d{1,5}|ipv4:[\d.]+:\d{1,5}(,[\d.]+:\d{1,5})*)$/i,
    'must be dns:///host:port, ipv4:address:port,address:port or unix:/path',
  )
  .transform((value) => value.replace(/^unix:\/*/, 'unix:///').replace(/^(?!unix:|dns:|ipv4:)/, 'dns:///'));

const pem = text.startsWith('-----BEGIN', 'must be PEM text; to name a file, append _FILE to the variable');

export const databaseVariables = {
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
};

export const inferenceVariables = {
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
    .default(TIMEOUT_DEFAULTS.INFERENCE_TIMEOUT_MS)
    .describe('Maximum time to analyse a selfie, including the wait; then 503 `inference_timeout`.'),
  INFERENCE_INDEX_TIMEOUT_MS: milliseconds
    .default(TIMEOUT_DEFAULTS.INFERENCE_INDEX_TIMEOUT_MS)
    .describe('The same for a photo to index. A crowd takes about 0.1 s of one core per face.'),
  MODEL_PACK: text
    .regex(/^[a-z0-9-]+$/, 'must be the name of a folder in models/')
    .default('sface')
    .describe('Model pack. Set it alike for the inference servers.'),
  MODEL_PACKS: modelPacksVariable
    .optional()
    .describe(
      'Model packs instead, where the inference servers serve several; the first is for new sessions. Set it alike for them.',
    ),
  MODELS_DIRECTORY: text
    .optional()
    .describe('Folder with the packs’ manifests. Default: `models/` of this repository.'),
};

export const detectionVariables = {
  FACE_DETECTION_THRESHOLD: numberVariable(0, 1)
    .default(0)
    .describe('Minimum detector score of a face; 0: the pack’s own value.'),
  FACES_PER_PHOTO_LIMIT: integerVariable(0, 1000)
    .default(0)
    .describe('Maximum number of faces per photo, largest first; 0: the inference server’s limit.'),
};

export const imageVariables = {
  MAX_IMAGE_BYTES: integerVariable(1024, 104_857_600)
    .default(10_485_760)
    .describe('Maximum size of an image file; larger ones get 413.'),
};

export const storageVariables = {
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
  S3_CONNECT_TIMEOUT_MS: milliseconds
    .default(TIMEOUT_DEFAULTS.S3_CONNECT_TIMEOUT_MS)
    .describe('Maximum wait for a connection.'),
  S3_REQUEST_TIMEOUT_MS: milliseconds
    .default(TIMEOUT_DEFAULTS.S3_REQUEST_TIMEOUT_MS)
    .describe('Maximum wait for the headers of the answer.'),
  S3_TRANSFER_TIMEOUT_MS: milliseconds
    .default(TIMEOUT_DEFAULTS.S3_TRANSFER_TIMEOUT_MS)
    .describe('Maximum time to transfer one photo, including retries.'),
};

export const retentionVariables = {
  SESSION_RETENTION_DAYS: numberVariable(0, 36_500)
    .default(0)
    .describe(
      'Erase each session this many days after its first photo, unless the index call set `expires_at`; 0: keep sessions.',
    ),
};

const indexingEnvironment = z.object({
  ...databaseVariables,
  ...inferenceVariables,
  ...detectionVariables,
  ...imageVariables,
  ...storageVariables,
  ...retentionVariables,
});

export type IndexingEnvironment = z.infer<typeof indexingEnvironment>;

/**
 * What indexing needs of the configuration; `applicationName` is told to PostgreSQL.
 * @throws ConfigurationError
 */
export function indexingConfigOf(env: IndexingEnvironment, applicationName: string) {
  return {
    database: {
      connection: postgresConnection(env),
      applicationName,
      allowedPgvectorVersion: env.ALLOW_PGVECTOR_VERSION,
      poolSize: env.DATABASE_POOL_SIZE,
      connectTimeoutMs: env.DATABASE_CONNECT_TIMEOUT_MS,
      statementTimeoutMs: env.DATABASE_STATEMENT_TIMEOUT_MS,
    },
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
      /** The first is that of new sessions. */
      packs: env.MODEL_PACKS ?? [env.MODEL_PACK],
    },
    storage: storageOf(env),
    retention: { days: env.SESSION_RETENTION_DAYS },
  };
}

/** What is wrong with the variables together, one sentence each. */
export function indexingMistakes(env: IndexingEnvironment): string[] {
  const mistakes = postgresMistakes(env);
  if (!env.INFERENCE_TLS_CERT !== !env.INFERENCE_TLS_KEY)
    mistakes.push('INFERENCE_TLS_CERT: set it together with INFERENCE_TLS_KEY');
  if (env.INFERENCE_TLS_CERT && !env.INFERENCE_TLS_CA) mistakes.push('INFERENCE_TLS_CERT: also set INFERENCE_TLS_CA');
  if (!env.S3_ACCESS_KEY_ID !== !env.S3_SECRET_ACCESS_KEY)
    mistakes.push('S3_ACCESS_KEY_ID: set it together with S3_SECRET_ACCESS_KEY');
  return mistakes;
}

function inferenceTlsOf({
  INFERENCE_TLS_CA: authority,
  INFERENCE_TLS_CERT: certificate,
  INFERENCE_TLS_KEY: key,
}: IndexingEnvironment) {
  if (!authority) return null;
  return { authority, client: certificate && key ? { certificate, key } : null };
}

function storageOf(env: IndexingEnvironment) {
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

export type IndexingConfig = ReturnType<typeof indexingConfigOf>;
export type DatabaseConfig = IndexingConfig['database'];
export type InferenceConfig = IndexingConfig['inference'];
export type StorageConfig = NonNullable<IndexingConfig['storage']>;
