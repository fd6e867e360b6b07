import { createSecureContext } from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import { FaceAnalysisDefinition, type DetectFacesResponse } from '@facepass/contracts/inference';
import { IMAGE_PROBLEM_TRAILER, type ImageProblem } from '@facepass/contracts/image-problem';
import { LOW_PRIORITY, PRIORITY_HEADER, RETRY_AFTER_TRAILER, TIME_LIMIT_TRAILER } from '@facepass/contracts/trailers';
import { context, propagation } from '@opentelemetry/api';
import { ChannelCredentials, ClientError, createChannel, createClientFactory, Metadata, Status } from 'nice-grpc';
import { deadlineMiddleware } from 'nice-grpc-client-middleware-deadline';
import { HealthDefinition } from 'nice-grpc-server-health';
import type { InferenceConfig } from './config.ts';
import { ApiProblem } from './errors.ts';
import { inClientSpan } from './tracing.ts';

export interface InferenceClient extends Disposable {
  /**
   * Every face of an image, embedded with the model `modelId`, within the time limit of `purpose`. An answer that no server could give is asked of
   * another one, once.
   * @throws ApiProblem: the image's fault with its code, or inference_unavailable, inference_overloaded,
   * inference_timeout, inference_model_mismatch where the server does not serve the model
   */
  detectFaces(image: Uint8Array, modelId: string, purpose: Purpose, signal?: AbortSignal): Promise<DetectFacesResponse>;
  /** null when a server serves, else a short reason. */
  checkHealth(): Promise<string | null>;
  /**
   * New connections use these; the calls under way end on the old ones.
   * @throws Error when key and certificate do not belong together
   */
  renewTls(tls: InferenceConfig['tls']): void;
}

/** What the faces are for: a guest waits for a search, and a crowd to index takes its time. */
export type Purpose = 'search' | 'index' | 'job';

/** A client with one connection per address of the inference service, used in turn. */
export function openInferenceClient(given: InferenceConfig): InferenceClient {
  let config = given;
  let connection = connect(config);
  const { minConfidence, maxFaces } = config;

  async function attempt(photo: Photo, limit: Limit, signal?: AbortSignal): Promise<DetectFacesResponse> {
    const metadata = Metadata();
    if (limit.yields) metadata.set(PRIORITY_HEADER, LOW_PRIORITY);
    propagation.inject(context.active(), metadata, { set: (carrier, name, value) => carrier.set(name, value) });
    let trailer = Metadata();
    const onTrailer = (received: Metadata) => (trailer = received);
    const { analysis } = connection;
    const options = { deadline: limit.deadline, signal, metadata, onTrailer };
    try {
      return await analysis.detectFaces({ ...photo, minConfidence, maxFaces }, options);
    } catch (error) {
      if (isStatus(error, Status.DEADLINE_EXCEEDED) && analysis === connection.analysis) renew();
      throw asProblem(error, trailer, limit);
    }
  }

  /** A server whose machine died answers nothing; new connections reach only those that live. */
  function renew(): void {
    if (performance.now() - connection.openedAt >= LEAST_AGE_MS) reconnect();
  }

  function reconnect(): void {
    const { channel } = connection;
    connection = connect(config);
    channel.close();
  }

  return {
    async detectFaces(image, modelId, purpose, signal) {
      const limit = limitOf(config, purpose);
      const call = () =>
        inClientSpan(DETECT_FACES, { 'rpc.system.name': 'grpc', 'rpc.method': DETECT_FACES }, () =>
          attempt({ image, modelId }, limit, signal),
        );
      return withAnother(call);
    },
    async checkHealth() {
      const check = () =>
        connection.health.check({ service: '' }, { deadline: new Date(Date.now() + HEALTH_LIMIT_MS) });
      try {
        const { status } = await withAnother(check);
        return status === SERVING ? null : 'the inference server does not serve';
      } catch (error) {
        if (isStatus(error, Status.DEADLINE_EXCEEDED))
          return `no inference server answered within ${HEALTH_LIMIT_MS} ms`;
        return 'no inference server answers';
      }
    },
    renewTls(tls) {
      if (isDeepStrictEqual(tls, config.tls)) return;
      if (tls) createSecureContext({ ca: tls.authority, cert: tls.client?.certificate, key: tls.client?.key });
      config = { ...config, tls };
      reconnect();
    },
    [Symbol.dispose]: () => connection.channel.close(),
  };
}

/** Below the three seconds that the charts' readiness probes wait; within one, a busy machine did not always answer. */
const HEALTH_LIMIT_MS = 2000;

interface Photo {
  image: Uint8Array;
  modelId: string;
}

/** Connections that are younger stay when a call on them reaches its deadline. */
const LEAST_AGE_MS = 5000;

/**
 * No keepalive pings: grpc-js takes a connection that closes gently, since it reached its age, for dead at the next
 * ping, and ends the calls on it; none could last longer than about 40 s (docs/decisions/0052).
 */
function connect(config: InferenceConfig) {
  const channel = createChannel(config.address, credentialsOf(config), {
    'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
    'grpc.enable_retries': 0,
    'grpc.max_send_message_length': config.maxImageBytes + 65_536,
    'grpc.max_receive_message_length': 32 * 1024 * 1024,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 2000,
    // grpc-js waits 30 s between two looks at DNS: two pods replaced within that time left a client with dead
    // addresses, 103 calls in a row unanswered.
    'grpc.dns_min_time_between_resolutions_ms': 1000,
    // A new channel must not find the connections of the one before.
    'grpc.use_local_subchannel_pool': 1,
  });
  const factory = createClientFactory().use(deadlineMiddleware);
  return {
    channel,
    openedAt: performance.now(),
    analysis: factory.create(FaceAnalysisDefinition, channel),
    health: factory.create(HealthDefinition, channel),
  };
}

interface Limit {
  /** Whether others go first. */
  yields: boolean;
  deadline: Date;
  /** For the client, who may ask for a longer one. */
  name: string;
}

function limitOf({ timeoutMs, indexTimeoutMs }: InferenceConfig, purpose: Purpose): Limit {
  const [variable, ms] =
    purpose === 'search' ? ['INFERENCE_TIMEOUT_MS', timeoutMs] : ['INFERENCE_INDEX_TIMEOUT_MS', indexTimeoutMs];
  return { yields: purpose === 'job', deadline: new Date(Date.now() + ms), name: `${variable} (${ms} ms)` };
}

const DETECT_FACES = 'facepass.inference.v1.FaceAnalysis/DetectFaces';
/** grpc.health.v1.HealthCheckResponse.ServingStatus */
const SERVING = 1;

function credentialsOf({ tls }: InferenceConfig): ChannelCredentials {
  if (!tls) return ChannelCredentials.createInsecure();
  const { authority, client } = tls;
  return ChannelCredentials.createSsl(
    Buffer.from(authority),
    client && Buffer.from(client.key),
    client && Buffer.from(client.certificate),
  );
}

function asProblem(error: unknown, trailer: Metadata, limit: Limit): unknown {
  const imageProblem = trailer.get(IMAGE_PROBLEM_TRAILER);
  if (error instanceof ClientError && imageProblem) return new ApiProblem(imageProblem as ImageProblem, error.details);
  if (isStatus(error, Status.RESOURCE_EXHAUSTED)) {
    // gRPC's own limit has the same status, but not the trailer of a server that is full.
    if (/larger than max/i.test(error.details))
      return new ApiProblem('image_too_large', 'The image exceeds the limit of the inference server.', {
        cause: error,
      });
    const retryAfterMs = Number(trailer.get(RETRY_AFTER_TRAILER)) || undefined;
    return new ApiProblem('inference_overloaded', 'All inference servers are busy.', { cause: error, retryAfterMs });
  }
  if (isStatus(error, Status.NOT_FOUND))
    return new ApiProblem('inference_model_mismatch', `The inference server answers: ${error.details}`, {
      cause: error,
    });
  if (isStatus(error, Status.UNAVAILABLE))
    return new ApiProblem('inference_unavailable', 'No inference server answers.', { cause: error });
  if (isStatus(error, Status.DEADLINE_EXCEEDED)) {
    const reached = trailer.get(TIME_LIMIT_TRAILER) ?? limit.name;
    const detail = `The analysis of the image reached ${reached}.`;
    return new ApiProblem('inference_timeout', detail, { cause: error });
  }
  return error;
}

/** Once more where no server could answer; round robin asks another one, or a new connection. */
function withAnother<Answer>(call: () => Promise<Answer>): Promise<Answer> {
  return call().catch((error: Error) =>
    isStatus(error, Status.UNAVAILABLE) || isStatus(error.cause, Status.UNAVAILABLE) ? call() : Promise.reject(error),
  );
}

function isStatus(error: unknown, status: Status): error is ClientError {
  return error instanceof ClientError && error.code === status;
}
