import { modelIdOf, readModelPack, type ModelPack } from '@facepass/contracts/model-pack';
import { openPool, renewConnections, type Pool } from '@facepass/indexing/db/pool';
import { openInferenceClient, type InferenceClient } from '@facepass/indexing/inference-client';
import { openQueue, type Queue } from '@facepass/indexing/queue';
import { openPhotoStorage, type PhotoStorage } from '@facepass/indexing/storage';
import { ConfigurationError } from '@facepass/runtime/environment';
import type { Logger } from '@facepass/runtime/logger';
import type { Config } from './config.ts';
import { createMetrics, showRateLimits, type Metrics } from './metrics.ts';
import { createImageMemory, type ImageMemory } from './image-memory.ts';
import { openKeyRing, type KeyRing } from './keys.ts';
import { openRateLimits, type RateLimits } from './rate-limit.ts';
import { searchTokens, type SearchTokens } from './search-token.ts';
import { FORM_OVERHEAD_BYTES } from './upload.ts';

/** Everything the routes use. */
export interface Context extends AsyncDisposable {
  config: Config;
  logger: Logger;
  pack: ModelPack;
  modelId: string;
  pool: Pool;
  /** Of jobs, in the same database. */
  queue: Queue;
  inference: InferenceClient;
  /** null if no bucket is configured. */
  storage: PhotoStorage | null;
  keys: KeyRing;
  tokens: SearchTokens;
  limits: RateLimits;
  /** One limit for the images in memory, whichever call sent them. */
  imageMemory: ImageMemory;
  metrics: Metrics;
  version: string;
  /** Set when the process begins to stop; readiness then fails. */
  draining: boolean;
  /**
   * Takes the secrets and certificates of a configuration that was read again; nothing else of it changes while the
   * process runs.
   * @throws Error when a key and its certificate do not belong together
   */
  renewSecrets(config: Config): void;
}

/**
 * Opens everything the API needs, without connecting yet.
 * @throws ConfigurationError
 */
export async function openContext(config: Config, logger: Logger, version: string): Promise<Context> {
  const pack = await readModelPack(config.models.directory, config.models.pack).catch((error: Error) => {
    throw new ConfigurationError(`MODEL_PACK: ${error.message}`);
  });
  const pool = openPool(config.database, logger);
  const queue = openQueue(pool, logger);
  const inference = openInferenceClient(config.inference);
  const storage = config.storage && openPhotoStorage(config.storage);
  const metrics = createMetrics(pool);
  const keys = openKeyRing({ ...config.keys, gauges: metrics.files, logger });
  const limits = openRateLimits(config.limits, logger);
  const tokens = searchTokens(config.search.tokenSecrets);
  showCertificates(metrics, config);
  if (limits.isShared) showRateLimits(metrics, limits.isShared);
  return {
    config,
    logger,
    pack,
    modelId: modelIdOf(pack),
    pool,
    queue,
    inference,
    storage,
    keys,
    tokens,
    limits,
    imageMemory: createImageMemory(config.upload.concurrent, config.upload.maxImageBytes + FORM_OVERHEAD_BYTES),
    metrics,
    version,
    draining: false,
    renewSecrets(renewed) {
      inference.renewTls(renewed.inference.tls);
      renewConnections(pool, renewed.database);
      limits.renewRedis(renewed.limits.redisUrl);
      if (renewed.storage) storage?.renewCredentials(renewed.storage.credentials);
      tokens.renewSecrets(renewed.search.tokenSecrets);
      showCertificates(metrics, renewed);
    },
    async [Symbol.asyncDispose]() {
      keys[Symbol.dispose]();
      limits[Symbol.dispose]();
      inference[Symbol.dispose]();
      storage?.[Symbol.dispose]();
      await queue[Symbol.asyncDispose]();
      await pool.end();
    },
  };
}

function showCertificates({ files }: Metrics, { inference: { tls }, database: { connection } }: Config): void {
  files.certificate('inference_client', 'chain', tls?.client?.certificate);
  files.certificate('inference_authority', 'authorities', tls?.authority);
  const ca = typeof connection.ssl === 'object' ? connection.ssl.ca : undefined;
  files.certificate('database_authority', 'authorities', ca?.toString());
}
