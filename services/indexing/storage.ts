import { globalAgent, type AgentOptions } from 'node:http';
import type { Readable } from 'node:stream';
import { GetObjectCommand, ListObjectsV2Command, S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { growingPause, retry } from '@facepass/runtime/retry';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { StorageConfig } from './config.ts';
import { ApiProblem, type ProblemCode } from './errors.ts';
import { inClientSpan } from './tracing.ts';

export interface PhotoStorage extends Disposable {
  /**
   * Fetches the photo `key` into memory, in up to three attempts within the transfer timeout.
   * @throws ApiProblem image_too_large, or one of the `s3_…` problems
   */
  fetchPhoto(key: string, signal?: AbortSignal): Promise<Buffer>;
  /**
   * Keys below `prefix` and behind the key `after`, in the order of their bytes: a page of at most 1,000.
   * @throws ApiProblem: one of the `s3_…` problems
   */
  listKeys(prefix: string, after: string | null, signal?: AbortSignal): Promise<{ keys: string[]; isLast: boolean }>;
  /** Transfers that begin from now on are signed by these. */
  renewCredentials(credentials: StorageConfig['credentials']): void;
}

/** Reads photos of one bucket, below one prefix; both come from the configuration only. */
export function openPhotoStorage(config: StorageConfig): PhotoStorage {
  let client = connect(config);
  return {
    async fetchPhoto(key, signal) {
      requirePlainKey(key);
      const deadline = AbortSignal.timeout(config.transferTimeoutMs);
      const until = signal ? AbortSignal.any([signal, deadline]) : deadline;
      const attempt = () =>
        inClientSpan('S3.GetObject', { 'rpc.system.name': 'aws-api', 'rpc.method': 'S3/GetObject' }, () =>
          fetchOnce(client, config, key, until),
        );
      return fetchPatiently(attempt, until);
    },
    async listKeys(prefix, after, signal) {
      const deadline = AbortSignal.timeout(config.transferTimeoutMs);
      const until = signal ? AbortSignal.any([signal, deadline]) : deadline;
      const attempt = () =>
        inClientSpan('S3.ListObjectsV2', { 'rpc.system.name': 'aws-api', 'rpc.method': 'S3/ListObjectsV2' }, () =>
          listOnce(client, config, prefix, after, until),
        );
      return fetchPatiently(attempt, until);
    },
    renewCredentials(credentials) {
      const former = client;
      client = connect({ ...config, credentials });
      // The transfers under way end first.
      setTimeout(() => former.destroy(), config.transferTimeoutMs).unref();
    },
    [Symbol.dispose]: () => client.destroy(),
  };
}

function connect(config: StorageConfig): S3Client {
  // The proxies of Node's own agent, which has some if NODE_USE_ENV_PROXY says so. Its type lacks the options.
  const { proxyEnv } = (globalAgent as unknown as { options: AgentOptions }).options;
  return new S3Client({
    region: config.region,
    endpoint: config.endpoint,
    forcePathStyle: config.forcePathStyle,
    credentials: config.credentials,
    maxAttempts: 1,
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: new NodeHttpHandler({
      httpAgent: { proxyEnv },
      httpsAgent: { proxyEnv },
      connectionTimeout: config.connectTimeoutMs,
      requestTimeout: config.requestTimeoutMs,
      // A body that stalls must leave time for another attempt.
      socketTimeout: config.requestTimeoutMs,
      // Without this the handler only logs a warning and keeps waiting.
      throwOnRequestTimeout: true,
    }),
  });
}

/**
 * Rejects keys that a URL parser, a proxy or a lenient S3 server could read as another key.
 * @throws ApiProblem s3_key_refused
 */
export function requirePlainKey(key: string): void {
  const segments = key.split('/');
  const rule = segments.some((segment) => segment === '')
    ? 'has an empty segment'
    : segments.includes('.') || key.includes('..')
      ? 'has `.` or `..`'
      : /[\\\p{Cc}]/u.test(key)
        ? 'has a backslash or control character'
        : /%(2e|2f|5c|25|0)/i.test(key)
          ? 'has a percent-encoded dot, slash, backslash, percent sign or control character'
          : !key.isWellFormed()
            ? 'is not well-formed text'
            : null;
  if (rule) throw new ApiProblem('s3_key_refused', `The key ${rule}.`);
}

/** The SDK retries only until the answer's headers; this retries broken bodies as well. */
async function fetchPatiently<Answer>(fetch: () => Promise<Answer>, signal: AbortSignal): Promise<Answer> {
  const pauseMs = (error: unknown, failures: number) =>
    failures === ATTEMPTS || asProblem(error).code !== 's3_unavailable' || signal.aborted
      ? null
      : growingPause(failures, PAUSES);
  return retry(fetch, { pauseMs, signal }).catch((error: unknown) => {
    throw asProblem(error);
  });
}

const PAUSES = { firstMs: 200, longestMs: 1000, jitter: 1 };
const ATTEMPTS = 3;

async function listOnce(
  client: S3Client,
  config: StorageConfig,
  prefix: string,
  after: string | null,
  signal: AbortSignal,
): Promise<{ keys: string[]; isLast: boolean }> {
  const command = new ListObjectsV2Command({
    Bucket: config.bucket,
    Prefix: config.prefix + prefix,
    StartAfter: after === null ? undefined : config.prefix + after,
  });
  const { Contents = [], IsTruncated } = await client.send(command, { abortSignal: signal });
  return { keys: Contents.map(({ Key = '' }) => Key.slice(config.prefix.length)), isLast: !IsTruncated };
}

async function fetchOnce(client: S3Client, config: StorageConfig, key: string, signal: AbortSignal): Promise<Buffer> {
  const answer = await client.send(new GetObjectCommand({ Bucket: config.bucket, Key: config.prefix + key }), {
    abortSignal: signal,
  });
  return readBody(answer.Body as Readable, answer.ContentLength, config.maxImageBytes, signal);
}

async function readBody(
  body: Readable,
  declared: number | undefined,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Buffer> {
  const stop = () => body.destroy(new Error('the transfer took too long'));
  signal.addEventListener('abort', stop, { once: true });
  try {
    if ((declared ?? 0) > maxBytes) throw tooLarge(maxBytes);
    const chunks: Buffer[] = [];
    let received = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      received += chunk.length;
      if (received > maxBytes) throw tooLarge(maxBytes);
      chunks.push(chunk);
    }
    if (declared !== undefined && received !== declared)
      throw new Error(`the body ended after ${received} of ${declared} bytes`);
    return Buffer.concat(chunks);
  } finally {
    signal.removeEventListener('abort', stop);
    body.destroy();
  }
}

function tooLarge(maxBytes: number): ApiProblem {
  return new ApiProblem('image_too_large', `The photo exceeds ${maxBytes} bytes.`);
}

/** Problems by the code of S3's error document; the rest go by status. */
const PROBLEMS_BY_S3_CODE: Record<string, ProblemCode> = {
  NoSuchKey: 's3_object_not_found',
  InvalidObjectState: 's3_object_archived',
  ExpiredToken: 's3_access_denied',
  InvalidToken: 's3_access_denied',
  TokenRefreshRequired: 's3_access_denied',
  NoSuchBucket: 's3_bucket_unusable',
  // Sent with 400 or 408 when the connection was too slow.
  RequestTimeout: 's3_unavailable',
};

function asProblem(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error;
  if (!(error instanceof S3ServiceException))
    return new ApiProblem('s3_unavailable', 'The photo could not be read from the bucket.', { cause: error });
  return new ApiProblem(problemOf(error), `The photo could not be read: S3 answered ${error.name}.`, { cause: error });
}

/** Every refusal of S3 is permanent but those that ask to wait: 408, 429 and 5xx. */
function problemOf({ name, $metadata: { httpStatusCode: status = 500 } }: S3ServiceException): ProblemCode {
  const known = PROBLEMS_BY_S3_CODE[name];
  if (known) return known;
  if (name.startsWith('KMS.') || status === 401 || status === 403) return 's3_access_denied';
  if (status === 404) return 's3_object_not_found';
  return status >= 300 && status < 500 && status !== 408 && status !== 429 ? 's3_bucket_unusable' : 's3_unavailable';
}
