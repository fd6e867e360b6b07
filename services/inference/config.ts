import { fileURLToPath } from 'node:url';
import { TIMEOUT_DEFAULTS } from '@facepass/contracts/timeouts';
import { modelPacksVariable } from '@facepass/contracts/model-pack';
import { integerVariable, logLevelVariable, portVariable, readEnvironment } from '@facepass/runtime/environment';
import * as z from 'zod';
import { availableCores } from './cores.ts';

const listenAddress = z
  .string()
  .regex(/^(unix:\/.+|.+:\d{1,5})$/, 'must be host:port (a port of 0 takes a free one) or unix:/absolute/path');
const pem = z.string().startsWith('-----BEGIN', 'must be PEM text; to name a file, append _FILE to the variable');

/** All variables of the inference server, in the order of docs/configuration.md. */
export const inferenceEnvironment = z.object({
  INFERENCE_LISTEN: listenAddress
    .default('[::]:50051')
    .describe('Address of the gRPC server: `host:port` or `unix:/path`; `[::]` means all addresses, IPv4 and IPv6.'),
  INFERENCE_WORKERS: integerVariable(1, 256)
    .optional()
    .describe('Number of workers, each with its own copy of the models. Default: one per core of the cgroup quota.'),
  INFERENCE_QUEUE_LIMIT: integerVariable(0, 10_000)
    .default(16)
    .describe('Maximum number of photos that wait for a worker; more are rejected with RESOURCE_EXHAUSTED.'),
  INFERENCE_IMAGE_TIMEOUT_MS: integerVariable(100, 600_000)
    .default(TIMEOUT_DEFAULTS.INFERENCE_IMAGE_TIMEOUT_MS)
    .describe('Maximum time for one photo, about 0.1 s per face; then its worker is replaced.'),
  INFERENCE_MAX_FACES: integerVariable(1, 10_000)
    .default(500)
    .describe('Maximum number of faces per photo, largest first; the others are rejected as `over_limit`.'),
  MODEL_PACK: z
    .string()
    .regex(/^[a-z0-9-]+$/)
    .default('sface')
    .describe('Folder of MODELS_DIRECTORY to load.'),
  MODEL_PACKS: modelPacksVariable
    .optional()
    .describe(
      'Folders to load instead, where several models are served, for example `sface,mobilefacenet`; the first is the default. Maximum: 4.',
    ),
  MODELS_DIRECTORY: z
    .string()
    .default(fileURLToPath(new URL('../../models', import.meta.url)))
    .describe('Folder that holds one folder per model pack.'),
  MODEL_WEIGHTS_DIRECTORY: z
    .string()
    .optional()
    .describe(
      "Folder of the pack's weight files, if they are not beside its manifest. With MODEL_PACKS, the folder that has one per pack.",
    ),
  MODEL_LICENCE_ACCEPTED: z.string().optional().describe('Name of the licence you accept, for packs that require it.'),
  ONNX_EXECUTION_PROVIDERS: z
    .string()
    .regex(/^[a-z]+(,[a-z]+)*$/)
    .default('cpu')
    .describe('ONNX Runtime providers in order of preference, for example `cuda,cpu`.'),
  ORT_DISABLE_TELEMETRY: z
    .literal('1', 'must be 1: otherwise ONNX Runtime reports to its vendor')
    .default('1')
    .describe('Turns off the telemetry of ONNX Runtime. Facepass sets it, and refuses to start with another value.'),
  MAX_IMAGE_BYTES: integerVariable(1024, 256 * 1024 * 1024)
    .default(10 * 1024 * 1024)
    .describe('Maximum size of a photo file.'),
  MAX_IMAGE_WIDTH: integerVariable(32, 65_535).default(4096).describe('Maximum width of a photo, in pixels.'),
  MAX_IMAGE_HEIGHT: integerVariable(32, 65_535).default(4096).describe('Maximum height of a photo, in pixels.'),
  GRPC_TLS_CERT: pem
    .optional()
    .describe('Certificate chain of the server (PEM, usually in `GRPC_TLS_CERT_FILE`). Default: none; plain text.'),
  GRPC_TLS_KEY: pem.optional().describe('Private key of that certificate (PEM, usually in `GRPC_TLS_KEY_FILE`).'),
  GRPC_TLS_CA: pem
    .optional()
    .describe(
      'Authority of the required client certificates (PEM, usually in `GRPC_TLS_CA_FILE`). Default: none; any ' +
        'client may call.',
    ),
  GRPC_MAX_CONNECTION_AGE_MS: integerVariable(1_000, 86_400_000)
    .default(30_000)
    .describe(
      'Maximum age of a connection. The server closes it gracefully, so that clients look up DNS again and find ' +
        'new servers.',
    ),
  GRPC_MAX_CONNECTION_AGE_GRACE_MS: integerVariable(1_000, 86_400_000)
    .default(900_000)
    .describe(
      'Extra time for calls on such a connection, longer than any deadline; it also ends connections of vanished ' +
        'clients.',
    ),
  DRAIN_MS: integerVariable(0, 3_600_000)
    .default(25_000)
    .describe('After SIGTERM: time for photos in progress to finish.'),
  HOST: z.string().optional().describe('Address that METRICS_PORT listens on. Default: all addresses.'),
  METRICS_PORT: portVariable.default(9464).describe('Port of /metrics, /livez and /readyz.'),
  LOG_LEVEL: logLevelVariable.default('info').describe('Minimum log level.'),
});

export type InferenceConfig = ReturnType<typeof readConfig>;

/**
 * The configuration of the inference server.
 * @throws ConfigurationError naming every wrong variable.
 */
export function readConfig(environment: NodeJS.ProcessEnv = process.env) {
  const values = readEnvironment(
    inferenceEnvironment.refine(tlsIsWhole, {
      message: 'set GRPC_TLS_CERT and GRPC_TLS_KEY together, and GRPC_TLS_CA only with them',
    }),
    environment,
  );
  const [modelPack, ...alsoServed] = values.MODEL_PACKS ?? [values.MODEL_PACK];
  return {
    listen: values.INFERENCE_LISTEN,
    workers: values.INFERENCE_WORKERS ?? availableCores(),
    queueLimit: values.INFERENCE_QUEUE_LIMIT,
    imageTimeoutMs: values.INFERENCE_IMAGE_TIMEOUT_MS,
    pipeline: {
      modelsDirectory: values.MODELS_DIRECTORY,
      modelPack: modelPack!,
      weightsDirectory: values.MODEL_WEIGHTS_DIRECTORY,
      licenceAccepted: values.MODEL_LICENCE_ACCEPTED,
      executionProviders: values.ONNX_EXECUTION_PROVIDERS.split(','),
      maxFaces: values.INFERENCE_MAX_FACES,
      limits: {
        maxBytes: values.MAX_IMAGE_BYTES,
        maxWidth: values.MAX_IMAGE_WIDTH,
        maxHeight: values.MAX_IMAGE_HEIGHT,
        maxPixels: values.MAX_IMAGE_WIDTH * values.MAX_IMAGE_HEIGHT,
      },
    },
    /** Further packs that each worker loads. */
    alsoServed,
    tls:
      values.GRPC_TLS_CERT && values.GRPC_TLS_KEY
        ? { cert: values.GRPC_TLS_CERT, key: values.GRPC_TLS_KEY, clientAuthority: values.GRPC_TLS_CA }
        : undefined,
    maxConnectionAgeMs: values.GRPC_MAX_CONNECTION_AGE_MS,
    maxConnectionAgeGraceMs: values.GRPC_MAX_CONNECTION_AGE_GRACE_MS,
    drainMs: values.DRAIN_MS,
    metricsHost: values.HOST,
    metricsPort: values.METRICS_PORT,
    logLevel: values.LOG_LEVEL,
  };
}

function tlsIsWhole(values: { GRPC_TLS_CERT?: string; GRPC_TLS_KEY?: string; GRPC_TLS_CA?: string }): boolean {
  const { GRPC_TLS_CERT: cert, GRPC_TLS_KEY: key, GRPC_TLS_CA: authority } = values;
  return (cert === undefined) === (key === undefined) && (authority === undefined || cert !== undefined);
}
