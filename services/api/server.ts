import { setTimeout as delay } from 'node:timers/promises';
import { judgeSchema } from '@facepass/indexing/db/schema';
import { ConfigurationError } from '@facepass/runtime/environment';
import { startHttpServer } from '@facepass/runtime/http-server';
import { startOperationsServer } from '@facepass/runtime/operations-server';
import { connectionFault } from '@facepass/runtime/postgres';
import { answerRefusal, createApp } from './app.ts';
import type { Context } from './context.ts';
import { recordSchema, showReadiness } from './metrics.ts';
import { startRetentionSweep } from './retention.ts';
import { readinessFaults, readinessOf } from './routes/health.ts';

export interface ApiServer extends AsyncDisposable {
  port: number;
  metricsPort: number;
}

/**
 * Serves the API and its operations port, and owns `context`. Disposal is graceful: not ready, then requests are taken
 * for `drain.delayMs` more, then those under way finish, then everything closes.
 * @throws ConfigurationError when the database can never serve this configuration
 */
export async function startApi(context: Context): Promise<ApiServer> {
  const { config, logger, metrics } = context;
  await using stack = new AsyncDisposableStack();
  stack.use(context);
  await refuseUnfitDatabase(context);
  showReadiness(metrics, () => readinessFaults(context));
  const operations = stack.use(
    await startOperationsServer({
      port: config.metricsPort,
      host: config.host,
      registry: metrics.registry,
      ready: () => readinessOf(context),
    }),
  );
  stack.use(startRetentionSweep(context));
  const server = stack.use(
    await startHttpServer(createApp(context), {
      port: config.port,
      host: config.host,
      requestTimeoutMs: config.requestTimeoutMs,
      refuse: (refusal) => answerRefusal(metrics, logger, refusal),
    }),
  );
  stack.defer(() => becomeUnready(context));
  const { port } = server;
  logger.info({ port, metrics_port: operations.port, model: context.modelId }, 'serving');
  const owned = stack.move();
  return { port, metricsPort: operations.port, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Load balancers see it at their next probe; until then their requests are still served. */
async function becomeUnready(context: Context): Promise<void> {
  context.draining = true;
  await delay(context.config.drain.delayMs);
}

async function refuseUnfitDatabase({ pool, models, config, logger, metrics }: Context): Promise<void> {
  try {
    const judgement = await judgeSchema(pool, {
      embeddingSizes: models.map(({ pack }) => pack.embedding_size),
      allowedPgvectorVersion: config.database.allowedPgvectorVersion,
    });
    recordSchema(metrics, judgement);
    const { fault } = judgement;
    if (fault?.permanent) throw new ConfigurationError(`The database cannot be used: ${fault.reason}`);
    if (fault) logger.warn({ reason: fault.reason }, 'not ready yet');
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    logger.warn({ reason: connectionFault((error as Error).cause ?? error) }, 'not ready yet');
  }
}
