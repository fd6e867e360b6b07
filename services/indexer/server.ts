import { judgeSchema } from '@facepass/indexing/db/schema';
import { startOperationsServer } from '@facepass/runtime/operations-server';
import type { Context } from './context.ts';
import { startWork } from './work.ts';

export interface IndexerServer extends AsyncDisposable {
  metricsPort: number;
}

/**
 * Works off jobs and serves the operations port, and owns `context`. Disposal is graceful: not ready, then what
 * is under work goes back into the queue, then everything closes.
 */
export async function startIndexer(context: Context): Promise<IndexerServer> {
  const { config, logger, metrics } = context;
  await using stack = new AsyncDisposableStack();
  stack.use(context);
  let stopping = false;
  const operations = stack.use(
    await startOperationsServer({
      port: config.metricsPort,
      host: config.host,
      registry: metrics.registry,
      ready: async () => (stopping ? 'stopping' : faultOf(context)),
    }),
  );
  stack.use(startWork(context));
  stack.defer(() => void (stopping = true));
  logger.info(
    {
      metrics_port: operations.port,
      models: context.models.map(({ modelId }) => modelId),
      concurrency: config.concurrency,
    },
    'indexing',
  );
  const owned = stack.move();
  return { metricsPort: operations.port, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Why it cannot work now, or null. An inference server or a bucket that is away is no reason: the work waits for them. */
async function faultOf({ pool, models, config, queue }: Context): Promise<string | null> {
  const { fault } = await judgeSchema(pool, {
    embeddingSizes: models.map(({ pack }) => pack.embedding_size),
    allowedPgvectorVersion: config.database.allowedPgvectorVersion,
  });
  if (fault) return fault.reason;
  await queue.requireUsable();
  return null;
}
