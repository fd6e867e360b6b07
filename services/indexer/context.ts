import { modelIdOf, readModelPack, type ModelPack } from '@facepass/contracts/model-pack';
import { openPool, renewConnections, type Pool } from '@facepass/indexing/db/pool';
import { openInferenceClient, type InferenceClient } from '@facepass/indexing/inference-client';
import { openQueue, type Queue } from '@facepass/indexing/queue';
import { openPhotoStorage, type PhotoStorage } from '@facepass/indexing/storage';
import { ConfigurationError } from '@facepass/runtime/environment';
import type { Logger } from '@facepass/runtime/logger';
import type { Config } from './config.ts';
import { createMetrics, type Metrics } from './events.ts';

/** What the work is done with. */
export interface Context extends AsyncDisposable {
  config: Config;
  logger: Logger;
  pack: ModelPack;
  modelId: string;
  pool: Pool;
  queue: Queue;
  inference: InferenceClient;
  /** null where no bucket is configured. */
  storage: PhotoStorage | null;
  metrics: Metrics;
  /** Takes certificates, passwords and credentials that were read again. */
  renewSecrets(config: Config): void;
}

/**
 * Opens everything the indexer needs, without connecting yet.
 * @throws ConfigurationError
 */
export async function openContext(config: Config, logger: Logger): Promise<Context> {
  const pack = await readModelPack(config.models.directory, config.models.pack).catch((error: Error) => {
    throw new ConfigurationError(`MODEL_PACK: ${error.message}`);
  });
  const pool = openPool(config.database, logger);
  const queue = openQueue(pool, logger);
  const inference = openInferenceClient(config.inference);
  const storage = config.storage && openPhotoStorage(config.storage);
  return {
    config,
    logger,
    pack,
    modelId: modelIdOf(pack),
    pool,
    queue,
    inference,
    storage,
    metrics: createMetrics(),
    renewSecrets(renewed) {
      inference.renewTls(renewed.inference.tls);
      renewConnections(pool, renewed.database);
      if (renewed.storage) storage?.renewCredentials(renewed.storage.credentials);
    },
    async [Symbol.asyncDispose]() {
      await queue[Symbol.asyncDispose]();
      inference[Symbol.dispose]();
      storage?.[Symbol.dispose]();
      await pool.end();
    },
  };
}
