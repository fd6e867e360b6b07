import { openConnections, showCertificates, type Connections } from '@facepass/indexing/connections';
import type { Logger } from '@facepass/runtime/logger';
import type { Config } from './config.ts';
import { createMetrics, type Metrics } from './events.ts';

/** What the work is done with. */
export interface Context extends Omit<Connections, 'renew'> {
  config: Config;
  logger: Logger;
  metrics: Metrics;
  /**
   * Takes the secrets and certificates of a configuration that was read again.
   * @throws Error when a key and its certificate do not belong together
   */
  renewSecrets(config: Config): void;
}

/**
 * Opens everything the indexer needs, without connecting yet.
 * @throws ConfigurationError
 */
export async function openContext(config: Config, logger: Logger): Promise<Context> {
  const { renew, ...connections } = await openConnections(config, logger);
  const metrics = createMetrics();
  showCertificates(metrics.files, config);
  return {
    ...connections,
    config,
    logger,
    metrics,
    renewSecrets(renewed) {
      renew(renewed);
      showCertificates(metrics.files, renewed);
    },
  };
}
