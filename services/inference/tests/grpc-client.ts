import { Client, credentials, Metadata, type ChannelCredentials, type ServiceError } from '@grpc/grpc-js';
import {
  DetectFacesRequest,
  DetectFacesResponse,
  FaceAnalysisDefinition,
  ListModelsResponse,
} from '@facepass/contracts/inference';

export interface FaceClient extends Disposable {
  /** @throws ServiceError with the status, its details and the trailers. */
  detectFaces(
    image: Uint8Array,
    options?: {
      deadlineMs?: number;
      signal?: AbortSignal;
      minConfidence?: number;
      maxFaces?: number;
      modelId?: string;
    },
  ): Promise<DetectFacesResponse>;
  listModels(): Promise<ListModelsResponse>;
  /** `SERVING` is 1, `NOT_SERVING` is 2. */
  checkHealth(service?: string): Promise<number>;
  /** Every status that grpc.health.v1 reports until the stream ends. */
  watchHealth(): AsyncIterable<number>;
  /** The raw answer of server reflection to a raw request. */
  reflect(request: Uint8Array): Promise<Buffer>;
}

/** A client of the inference server on a connection of its own, straight on grpc-js. */
export function connectFaceClient(
  address: string,
  channelCredentials: ChannelCredentials = credentials.createInsecure(),
): FaceClient {
  const client = new Client(address, channelCredentials, {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.max_receive_message_length': 64 * 1024 * 1024,
  });
  return {
    detectFaces: (image, { deadlineMs, signal, minConfidence = 0, maxFaces = 0, modelId = '' } = {}) =>
      new Promise((resolve, reject) => {
        const options = deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
        const answer = (error: ServiceError | null, response?: DetectFacesResponse) =>
          error ? reject(error) : resolve(response!);
        const call = client.makeUnaryRequest(
          DETECT_FACES,
          encodeRequest,
          DetectFacesResponse.decode,
          { image, minConfidence, maxFaces, modelId },
          new Metadata(),
          options,
          answer,
        );
        signal?.addEventListener('abort', () => call.cancel());
      }),
    listModels: () =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          `/${FaceAnalysisDefinition.fullName}/ListModels`,
          () => Buffer.alloc(0),
          (bytes: Buffer) => ListModelsResponse.decode(bytes),
          {},
          (error, response) => (error ? reject(error) : resolve(response!)),
        );
      }),
    checkHealth: (service = '') =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          '/grpc.health.v1.Health/Check',
          encodeString(1),
          decodeStatus,
          service,
          (error, status) => (error ? reject(error) : resolve(status!)),
        );
      }),
    watchHealth: () =>
      client.makeServerStreamRequest('/grpc.health.v1.Health/Watch', encodeString(1), decodeStatus, ''),
    reflect: (request) =>
      new Promise((resolve, reject) => {
        const stream = client.makeBidiStreamRequest(
          '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
          Buffer.from,
          (bytes: Buffer) => bytes,
        );
        stream.once('data', resolve).once('error', reject).end(request);
      }),
    [Symbol.dispose]: () => client.close(),
  };
}

const DETECT_FACES = `/${FaceAnalysisDefinition.fullName}/DetectFaces`;
const encodeRequest = (request: DetectFacesRequest) => Buffer.from(DetectFacesRequest.encode(request).finish());

/** A message whose only field is a short string. */
export function encodeString(field: number): (text: string) => Buffer {
  return (text) => Buffer.concat([Buffer.from([(field << 3) | 2, Buffer.byteLength(text)]), Buffer.from(text)]);
}

/** HealthCheckResponse: `status` is field 1, a varint below 128. */
function decodeStatus(bytes: Buffer): number {
  return bytes[1] ?? 0;
}
