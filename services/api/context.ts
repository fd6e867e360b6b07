import { openConnections, showCertificates, type Connections } from '@facepass/indexing/connections';
import type { Logger } from '@facepass/runtime/logger';
import type { Config } from './config.ts';
import { createMetrics, showRateLimits, type Metrics } from './metrics.ts';
import { createImageMemory, type ImageMemory } from './image-memory.ts';
import { openKeyRing, type KeyRing } from './keys.ts';
import { openRateLimits, type RateLimits } from './rate-limit.ts';
import { searchTokens, type SearchTokens } from './search-token.ts';
import { FORM_OVERHEAD_BYTES } from './upload.ts';

/** Everything the routes use. */
export interface Context extends Omit<Connections, 'renew'> {
  config: Config;
  logger: Logger;
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
  const { renew, ...connections } = await openConnections(config, logger);
  const metrics = createMetrics(connections.pool);
  const keys = openKeyRing({ ...config.keys, gauges: metrics.files, logger });
  const limits = openRateLimits(config.limits, logger);
  const tokens = searchTokens(config.search.tokenSecrets);
  showCertificates(metrics.files, config);
  if (limits.isShared) showRateLimits(metrics, limits.isShared);
  return {
    ...connections,
    config,
    logger,
    keys,
    tokens,
    limits,
    imageMemory: createImageMemory(config.upload.concurrent, config.upload.maxImageBytes + FORM_OVERHEAD_BYTES),
    metrics,
    version,
    draining: false,
    renewSecrets(renewed) {
      renew(renewed);
      limits.renewRedis(renewed.limits.redisUrl);
      tokens.renewSecrets(renewed.search.tokenSecrets);
      showCertificates(metrics.files, renewed);
    },
    async [Symbol.asyncDispose]() {
      keys[Symbol.dispose]();
      limits[Symbol.dispose]();
      await connections[Symbol.asyncDispose]();
    },
  };
}
