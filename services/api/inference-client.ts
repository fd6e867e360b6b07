import { FaceAnalysisDefinition, type DetectFacesResponse } from '@facepass/contracts/inference';
import { IMAGE_PROBLEM_TRAILER, type ImageProblem } from '@facepass/contracts/image-problem';
import { RETRY_AFTER_TRAILER } from '@facepass/contracts/retry-after';
import { context, propagation } from '@opentelemetry/api';
import { ChannelCredentials, ClientError, createChannel, createClientFactory, Metadata, Status } from 'nice-grpc';
import { deadlineMiddleware } from 'nice-grpc-client-middleware-deadline';
import { HealthDefinition } from 'nice-grpc-server-health';
import type { InferenceConfig } from './config.ts';
import { ApiProblem } from './errors.ts';
import { inClientSpan } from './tracing.ts';

export interface InferenceClient extends Disposable {
  /**
   * Every face of an image. An answer that no server could give is asked of another one, once.
   * @throws ApiProblem: the image's fault with its code, or inference_unavailable, inference_overloaded
   */
  detectFaces(image: Uint8Array, signal?: AbortSignal): Promise<DetectFacesResponse>;
  /** null when a server serves, else a short reason. */
  checkHealth(): Promise<string | null>;
}

/** A client with one connection per address of the inference service, used in turn. */
export function openInferenceClient(config: InferenceConfig): InferenceClient {
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
    'grpc.keepalive_time_ms': 20_000,
    'grpc.keepalive_timeout_ms': 20_000,
  });
  const factory = createClientFactory().use(deadlineMiddleware);
  const analysis = factory.create(FaceAnalysisDefinition, channel);
  const health = factory.create(HealthDefinition, channel);

  const { minConfidence, maxFaces } = config;

  async function attempt(image: Uint8Array, deadline: Date, signal?: AbortSignal): Promise<DetectFacesResponse> {
    const metadata = Metadata();
    propagation.inject(context.active(), metadata, { set: (carrier, name, value) => carrier.set(name, value) });
    let trailer = Metadata();
    const onTrailer = (received: Metadata) => (trailer = received);
    try {
      return await analysis.detectFaces({ image, minConfidence, maxFaces }, { deadline, signal, metadata, onTrailer });
    } catch (error) {
      throw asProblem(error, trailer);
    }
  }

  return {
    async detectFaces(image, signal) {
      const deadline = new Date(Date.now() + config.timeoutMs);
      const call = () =>
        inClientSpan(DETECT_FACES, { 'rpc.system.name': 'grpc', 'rpc.method': DETECT_FACES }, () =>
          attempt(image, deadline, signal),
        );
      return call().catch((error) => (isStatus(error.cause, Status.UNAVAILABLE) ? call() : Promise.reject(error)));
    },
    async checkHealth() {
      try {
        const { status } = await health.check({ service: '' }, { deadline: new Date(Date.now() + 1000) });
        return status === SERVING ? null : 'the inference server does not serve';
      } catch {
        return 'no inference server answers';
      }
    },
    [Symbol.dispose]: () => channel.close(),
  };
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

function asProblem(error: unknown, trailer: Metadata): unknown {
  const imageProblem = trailer.get(IMAGE_PROBLEM_TRAILER);
  if (error instanceof ClientError && imageProblem) return new ApiProblem(imageProblem as ImageProblem, error.details);
  if (isStatus(error, Status.RESOURCE_EXHAUSTED)) {
    const retryAfterMs = Number(trailer.get(RETRY_AFTER_TRAILER)) || undefined;
    return new ApiProblem('inference_overloaded', 'All inference servers are busy.', { cause: error, retryAfterMs });
  }
  if (isStatus(error, Status.UNAVAILABLE))
    return new ApiProblem('inference_unavailable', 'No inference server answers.', { cause: error });
  if (isStatus(error, Status.DEADLINE_EXCEEDED))
    return new ApiProblem('inference_unavailable', 'The image was not analysed in time.', { cause: error });
  return error;
}

function isStatus(error: unknown, status: Status): boolean {
  return error instanceof ClientError && error.code === status;
}
