import { readModels, type Model, type ModelPack } from '@facepass/contracts/model-pack';
import { ConfigurationError } from '@facepass/runtime/environment';
import type { FileGauges } from '@facepass/runtime/exposition';
import type { Logger } from '@facepass/runtime/logger';
import type { IndexingConfig } from './config.ts';
import { openPool, renewConnections, type Pool } from './db/pool.ts';
import { openInferenceClient, type InferenceClient } from './inference-client.ts';
import { openQueue, type Queue } from './queue.ts';
import { openPhotoStorage, type PhotoStorage } from './storage.ts';

/** What every process that indexes photos works with. */
export interface Connections extends AsyncDisposable {
  /** Those that the inference servers serve; the first is that of new sessions. */
  models: readonly [Model, ...Model[]];
  /** The first of them. */
  pack: ModelPack;
  modelId: string;
  pool: Pool;
  /** Of jobs, in the same database. */
  queue: Queue;
  inference: InferenceClient;
  /** null if no bucket is configured. */
  storage: PhotoStorage | null;
  /**
   * Takes the secrets and certificates of a configuration that was read again.
   * @throws Error when a key and its certificate do not belong together
   */
  renew(config: ConnectionsConfig): void;
}

export type ConnectionsConfig = Pick<IndexingConfig, 'models' | 'database' | 'inference' | 'storage'>;

/**
 * Reads the model packs and opens the connections, without connecting yet.
 * @throws ConfigurationError when a pack cannot be read
 */
export async function openConnections(config: ConnectionsConfig, logger: Logger): Promise<Connections> {
  const { directory, packs } = config.models;
  const models = await readModels(directory, packs).catch((error: Error) => {
    throw new ConfigurationError(`${packs.length > 1 ? 'MODEL_PACKS' : 'MODEL_PACK'}: ${error.message}`);
  });
  const pool = openPool(config.database, logger);
  const queue = openQueue(pool, logger);
  const inference = openInferenceClient(config.inference);
  const storage = config.storage && openPhotoStorage(config.storage);
  return {
    models,
    ...models[0],
    pool,
    queue,
    inference,
    storage,
    renew(renewed) {
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

/** Shows when the certificates of these connections expire. */
export function showCertificates(
  files: FileGauges,
  { inference: { tls }, database: { connection } }: ConnectionsConfig,
): void {
  files.certificate('inference_client', 'chain', tls?.client?.certificate);
  files.certificate('inference_authority', 'authorities', tls?.authority);
  const ca = typeof connection.ssl === 'object' ? connection.ssl.ca : undefined;
  files.certificate('database_authority', 'authorities', ca?.toString());
}
