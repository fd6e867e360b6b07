import { fileURLToPath } from 'node:url';
import { integerVariable, logLevelVariable, portVariable, readEnvironment } from '@facepass/runtime/environment';
import * as z from 'zod';
import { availableCores } from './cores.ts';

const listenAddress = z
  .string()
  .regex(/^(unix:\/.+|.+:\d{1,5})$/, 'must be host:port (a port of 0 takes a free one) or unix:/absolute/path');
const pem = z
  .string()
  .startsWith('-----BEGIN', 'must be PEM text; name a file by the same variable with _FILE at its end');

/** Every variable of the inference server, in the order of the reference. */
export const inferenceEnvironment = z.object({
  INFERENCE_LISTEN: listenAddress
    .default('[::]:50051')
    .describe('Address of the gRPC server: `host:port` or `unix:/path`; `[::]` is every one, IPv4 and IPv6.'),
  INFERENCE_WORKERS: integerVariable(1, 256)
    .optional()
    .describe('Worker threads, each with its own copy of the models; by default one per core of the cgroup quota.'),
  INFERENCE_QUEUE_LIMIT: integerVariable(0, 10_000)
    .default(16)
    .describe('Photos that may wait for a worker; one more is refused with RESOURCE_EXHAUSTED.'),
  INFERENCE_IMAGE_TIMEOUT_MS: integerVariable(100, 600_000)
    .default(120_000)
    .describe('Longest work on one photo, about 0.1 s a face; its worker is then replaced.'),
  INFERENCE_MAX_FACES: integerVariable(1, 10_000)
    .default(500)
    .describe('Faces kept of one photo, the largest; the others are rejected as `over_limit`.'),
  MODEL_PACK: z
    .string()
    .regex(/^[a-z0-9-]+$/)
    .default('sface')
    .describe('Folder of MODELS_DIRECTORY to load.'),
  MODELS_DIRECTORY: z
    .string()
    .default(fileURLToPath(new URL('../../models', import.meta.url)))
    .describe('Folder that holds one folder per model pack.'),
  MODEL_WEIGHTS_DIRECTORY: z
    .string()
    .optional()
    .describe("Folder of the pack's weight files, if they do not lie beside its manifest."),
  MODEL_LICENCE_ACCEPTED: z.string().optional().describe('Name of the licence you accept, for packs that ask for it.'),
  ONNX_EXECUTION_PROVIDERS: z
    .string()
    .regex(/^[a-z]+(,[a-z]+)*$/)
    .default('cpu')
    .describe('onnxruntime providers in order of preference, for example `cuda,cpu`.'),
  ORT_DISABLE_TELEMETRY: z
    .literal('1', 'must be 1: ONNX Runtime reports to its maker otherwise')
    .default('1')
    .describe('Switches the telemetry of ONNX Runtime off. Facepass sets it, and refuses to start with another value.'),
  MAX_IMAGE_BYTES: integerVariable(1024, 256 * 1024 * 1024)
    .default(10 * 1024 * 1024)
    .describe('Largest photo file.'),
  MAX_IMAGE_WIDTH: integerVariable(32, 65_535).default(4096).describe('Widest photo, in pixels.'),
  MAX_IMAGE_HEIGHT: integerVariable(32, 65_535).default(4096).describe('Highest photo, in pixels.'),
  GRPC_TLS_CERT: pem
    .optional()
    .describe('Certificate chain of the server (PEM, usually by `GRPC_TLS_CERT_FILE`); plain text without it.'),
  GRPC_TLS_KEY: pem.optional().describe('Its private key (PEM, usually by `GRPC_TLS_KEY_FILE`).'),
  GRPC_TLS_CA: pem
    .optional()
    .describe(
      'Authority whose certificates clients must show (PEM, usually by `GRPC_TLS_CA_FILE`); without it any client may call.',
    ),
  GRPC_MAX_CONNECTION_AGE_MS: integerVariable(1_000, 86_400_000)
    .default(30_000)
    .describe('Age at which a connection is closed gently, so that clients look DNS up again and find new servers.'),
  GRPC_MAX_CONNECTION_AGE_GRACE_MS: integerVariable(1_000, 86_400_000)
    .default(900_000)
    .describe(
      'Time that calls on such a connection still get, longer than any deadline; a connection whose client vanished ends with it.',
    ),
  DRAIN_MS: integerVariable(0, 3_600_000).default(25_000).describe('Time that photos under work get after SIGTERM.'),
  HOST: z.string().optional().describe('Address that METRICS_PORT listens on; every one without it.'),
  METRICS_PORT: portVariable.default(9464).describe('Port of /metrics, /livez and /readyz.'),
  LOG_LEVEL: logLevelVariable.default('info').describe('Least important log lines to write.'),
});

export type InferenceConfig = ReturnType<typeof readConfig>;

/**
 * The configuration of the inference server.
 * @throws ConfigurationError naming every wrong variable.
 */
export function readConfig(environment: NodeJS.ProcessEnv = process.env) {
  const values = readEnvironment(
    inferenceEnvironment.refine(tlsIsWhole, {
      message: 'GRPC_TLS_CERT and GRPC_TLS_KEY go together, and GRPC_TLS_CA only with them',
    }),
    environment,
  );
  return {
    listen: values.INFERENCE_LISTEN,
    workers: values.INFERENCE_WORKERS ?? availableCores(),
    queueLimit: values.INFERENCE_QUEUE_LIMIT,
    imageTimeoutMs: values.INFERENCE_IMAGE_TIMEOUT_MS,
    pipeline: {
      modelsDirectory: values.MODELS_DIRECTORY,
      modelPack: values.MODEL_PACK,
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
