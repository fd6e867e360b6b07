import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ServerOptions } from '@grpc/grpc-js';
import { FaceAnalysisDefinition } from '@facepass/contracts/inference';
import { readModels } from '@facepass/contracts/model-pack';
import { ConfigurationError } from '@facepass/runtime/environment';
import type { RunningService } from '@facepass/runtime/lifecycle';
import type { Logger } from '@facepass/runtime/logger';
import { startOperationsServer } from '@facepass/runtime/operations-server';
import { filesOf, keepConfigurationFresh } from '@facepass/runtime/reload';
import { createServer, type Server } from 'nice-grpc';
import { HealthDefinition, HealthServiceImpl, HealthState } from 'nice-grpc-server-health';
import { ServerReflection, ServerReflectionService } from 'nice-grpc-server-reflection';
import { inferenceEnvironment, readConfig, type InferenceConfig } from '../config.ts';
import { faceAnalysis } from './detect-faces.ts';
import { createEvents } from './metrics.ts';
import { serverKeys } from './keys.ts';
import { createAdmission } from './interceptor.ts';
import { clearStaleSocket, withinKernel } from './listen.ts';
import { createWorkerPool } from './pool.ts';

const SERVICE = FaceAnalysisDefinition.fullName;

/**
 * Starts the inference server: it answers NOT_SERVING until every worker is warm. Disposing it drains: NOT_SERVING,
 * no new connections, GOAWAY on the old ones, photos under work are finished.
 * @throws ConfigurationError when there is no such model pack; Error when the address is taken or a worker cannot load
 * the models.
 */
export async function startInference({
  config,
  logger,
}: {
  config: InferenceConfig;
  logger: Logger;
}): Promise<RunningService> {
  await requireModelPacks(config);
  const events = createEvents({
    queueCapacity: config.queueLimit,
    queueDepth: () => pool.load().waiting,
    inFlight: () => pool.load().busy,
    workersReady: () => pool.load().ready,
  });
  const health = HealthState();
  let phase: 'starting' | 'running' | 'stopping' = 'starting';
  const serving = () => phase === 'running' && pool.load().ready > 0;
  const publishHealth = () => {
    for (const service of ['', SERVICE]) health.setStatus(serving() ? 'healthy' : 'unhealthy', service);
  };
  const pool = createWorkerPool(config, {
    logger,
    workerStarted: ({ models, loadSeconds }) => {
      const packs = [config.pipeline.modelPack, ...config.alsoServed];
      for (const [i, { modelId }] of models.entries())
        events.modelLoaded({ modelId, pack: packs[i]!, provider: config.pipeline.executionProviders[0]! }, loadSeconds);
    },
    workerReplaced: events.workerReplaced,
    workBegan: events.workBegan,
    photoDropped: events.photoDropped,
    readyChanged: publishHealth,
    fatal: endProcess,
  });
  const admission = createAdmission({
    methodPath: `/${SERVICE}/${FaceAnalysisDefinition.methods.detectFaces.name}`,
    serving,
    load: () => ({ workers: config.workers, queueLimit: config.queueLimit, serviceMs: pool.load().serviceMs }),
    events,
  });
  publishHealth();

  await using resources = new AsyncDisposableStack();
  resources.use(pool);
  const operations = resources.use(
    await startOperationsServer({
      port: config.metricsPort,
      host: config.metricsHost,
      registry: events.registry,
      ready: () => (serving() ? null : `${phase}, ${pool.load().ready} workers ready`),
    }),
  );
  const server = createServer(serverOptions(config, admission.interceptor));
  server.add(FaceAnalysisDefinition, faceAnalysis({ pool, events, logger }));
  server.add(HealthDefinition, HealthServiceImpl(health));
  server.add(
    ServerReflectionService,
    ServerReflection(await readDescriptorSet(), [SERVICE, HealthDefinition.fullName]),
  );
  await clearStaleSocket(config.listen);
  const listen = await withinKernel(config.listen);
  const keys = serverKeys(config.tls, events.files);
  const port = await server.listen(listen, keys.credentials);
  resources.use(
    keepConfigurationFresh({
      files: filesOf(inferenceEnvironment),
      read: readConfig,
      use: ({ tls }) => keys.renew(tls),
      gauges: events.files,
      logger,
    }),
  );
  resources.defer(() => closeServer(server, admission.drained()));
  resources.defer(() => {
    phase = 'stopping';
    publishHealth();
  });

  await pool.start();
  phase = 'running';
  publishHealth();
  const address = listen.startsWith('unix:') ? listen : listen.replace(/\d+$/, String(port));
  logger.info(
    {
      address,
      metrics_port: operations.port,
      model: config.pipeline.modelPack,
      ...(config.alsoServed.length > 0 && { also_served: config.alsoServed }),
      workers: config.workers,
      tls: config.tls !== undefined,
    },
    'serving',
  );
  const started = resources.move();
  return { logger, drainMs: config.drainMs, [Symbol.asyncDispose]: () => started.disposeAsync() };
}

async function requireModelPacks({ pipeline, alsoServed }: InferenceConfig): Promise<void> {
  await readModels(pipeline.modelsDirectory, [pipeline.modelPack, ...alsoServed]).catch((error: Error) => {
    throw new ConfigurationError(`${alsoServed.length > 0 ? 'MODEL_PACKS' : 'MODEL_PACK'}: ${error.message}`);
  });
}

/**
 * No keepalive pings: grpc-js destroys a connection, calls and all, when a ping fails, and a ping fails on one that is
 * closing gently (docs/decisions/0052).
 */
function serverOptions(
  config: InferenceConfig,
  interceptor: NonNullable<ServerOptions['interceptors']>[number],
): ServerOptions {
  return {
    interceptors: [interceptor],
    'grpc.max_receive_message_length': config.pipeline.limits.maxBytes + MESSAGE_SLACK_BYTES,
    'grpc.max_connection_age_ms': config.maxConnectionAgeMs,
    'grpc.max_connection_age_grace_ms': config.maxConnectionAgeGraceMs,
  };
}

/** A photo a little over the limit still arrives and is told so as a photo; a much larger one is cut off by gRPC. */
const MESSAGE_SLACK_BYTES = 1024 * 1024;

function readDescriptorSet(): Promise<Uint8Array> {
  return readFile(fileURLToPath(import.meta.resolve('@facepass/contracts/inference.protoset')));
}

/** Open health watches would keep the connections, and the process, alive: once the photos are done they are cut. */
async function closeServer(server: Server, drained: Promise<void>): Promise<void> {
  const closed = server.shutdown();
  await drained;
  await Promise.race([closed, delay(FLUSH_MS)]);
  server.forceShutdown();
}

const FLUSH_MS = 500;

/** Lets the process die of an error that came from a thread; its supervisor starts a fresh one. */
function endProcess(error: Error): void {
  setImmediate(() => {
    throw error;
  });
}
