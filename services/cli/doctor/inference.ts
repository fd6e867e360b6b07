import { FaceAnalysisDefinition } from '@facepass/contracts/inference';
import { ChannelCredentials, ClientError, createChannel, createClient, Status } from 'nice-grpc';
import { messageOf } from '@facepass/runtime/errors';
import { BLANK_IMAGE } from './blank-image.ts';
import type { Finding } from './finding.ts';
import type { Settings } from './settings.ts';

const PATIENCE_MS = 10_000;

/** Lets an inference server analyse a blank image, and compares its model with `modelId`. */
export async function examineInference(settings: Settings, address: string, modelId: string | null): Promise<Finding> {
  const what = `inference at ${address}`;
  const channel = createChannel(address, credentialsOf(settings));
  try {
    const { modelId: served } = await createClient(FaceAnalysisDefinition, channel).detectFaces(
      { image: BLANK_IMAGE, minConfidence: 0, maxFaces: 1 },
      { signal: AbortSignal.timeout(PATIENCE_MS) },
    );
    if (modelId === null || served === modelId) return { what: `${what}, model ${served}` };
    return {
      what,
      fault: `it runs the model ${served}, the API needs ${modelId}`,
      mend: 'Set the same MODEL_PACK for the API and the inference servers.',
    };
  } catch (error) {
    return { what, fault: reasonOf(error), mend: mendOf(error) };
  } finally {
    channel.close();
  }
}

function credentialsOf({
  INFERENCE_TLS_CA: authority,
  INFERENCE_TLS_CERT: certificate,
  INFERENCE_TLS_KEY: key,
}: Settings): ChannelCredentials {
  if (!authority) return ChannelCredentials.createInsecure();
  return ChannelCredentials.createSsl(
    Buffer.from(authority),
    key ? Buffer.from(key) : null,
    certificate ? Buffer.from(certificate) : null,
  );
}

function reasonOf(error: unknown): string {
  if (error instanceof ClientError) return error.details || Status[error.code]!;
  return (error as Error).name === 'AbortError' ? `no answer within ${PATIENCE_MS / 1000} s` : messageOf(error);
}

function mendOf(error: unknown): string {
  if (error instanceof ClientError && error.code === Status.RESOURCE_EXHAUSTED)
    return 'It is full: wait, or add inference servers.';
  return 'Start the inference server, or correct INFERENCE_ADDRESS and INFERENCE_TLS_*. Its log names missing or damaged model files.';
}
