import { modelIdOf, readModelPack, type ModelPack } from '@facepass/contracts/model-pack';
import { ConfigurationError } from '@facepass/runtime/environment';
import type { Logger } from '@facepass/runtime/logger';
import type { Config } from './config.ts';
import { openPool, type Pool } from './db/pool.ts';
import { createMetrics, type Metrics } from './events.ts';
import { createImageMemory, type ImageMemory } from './image-memory.ts';
import { openInferenceClient, type InferenceClient } from './inference-client.ts';
import { openKeyRing, type KeyRing } from './keys.ts';
import { openRateLimits, type RateLimits } from './rate-limit.ts';
import { searchTokens, type SearchTokens } from './search-token.ts';
import { openPhotoStorage, type PhotoStorage } from './storage.ts';
import { FORM_OVERHEAD_BYTES } from './upload.ts';

/** What the routes work with. */
export interface Context extends AsyncDisposable {
  config: Config;
  logger: Logger;
  pack: ModelPack;
  modelId: string;
  pool: Pool;
  inference: InferenceClient;
  /** null where no bucket is configured. */
  storage: PhotoStorage | null;
  keys: KeyRing;
  tokens: SearchTokens;
  limits: RateLimits;
  /** One bound on the images in memory, whichever call brought them. */
  imageMemory: ImageMemory;
  metrics: Metrics;
  version: string;
  /** Set once the process is to stop: readiness says so. */
  draining: boolean;
}

/**
 * Opens everything the API needs; nothing is contacted yet.
 * @throws ConfigurationError
 */
export async function openContext(config: Config, logger: Logger, version: string): Promise<Context> {
  const pack = await readModelPack(config.models.directory, config.models.pack).catch((error: Error) => {
    throw new ConfigurationError(`MODEL_PACK: ${error.message}`);
  });
  const pool = openPool(config.database, logger);
  const inference = openInferenceClient(config.inference);
  const storage = config.storage && openPhotoStorage(config.storage);
  const keys = openKeyRing({ ...config.keys, logger });
  const limits = openRateLimits(config.limits, logger);
  return {
    config,
    logger,
    pack,
    modelId: modelIdOf(pack),
    pool,
    inference,
    storage,
    keys,
    tokens: searchTokens(config.search.tokenSecrets),
    limits,
    imageMemory: createImageMemory(config.upload.concurrent, config.upload.maxImageBytes + FORM_OVERHEAD_BYTES),
    metrics: createMetrics(pool),
    version,
    draining: false,
    async [Symbol.asyncDispose]() {
      keys[Symbol.dispose]();
      limits[Symbol.dispose]();
      inference[Symbol.dispose]();
      storage?.[Symbol.dispose]();
      await pool.end();
    },
  };
}
