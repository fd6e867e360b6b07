import { FaceAnalysisDefinition } from '@facepass/contracts/inference';
import { ChannelCredentials, ClientError, createChannel, createClient, Status } from 'nice-grpc';
import { messageOf } from '@facepass/runtime/errors';
import { BLANK_IMAGE } from './blank-image.ts';
import type { Finding } from './finding.ts';
import type { Settings } from './settings.ts';

const PATIENCE_MS = 10_000;

/** Lets an inference server analyse a blank image with the model `modelId`; null: with its default. */
export async function examineInference(settings: Settings, address: string, modelId: string | null): Promise<Finding> {
  const what = `inference at ${address}`;
  const channel = createChannel(address, credentialsOf(settings));
  try {
    const { modelId: served } = await createClient(FaceAnalysisDefinition, channel).detectFaces(
      { image: BLANK_IMAGE, minConfidence: 0, maxFaces: 1, modelId: modelId ?? '' },
      { signal: AbortSignal.timeout(PATIENCE_MS) },
    );
    if (modelId === null || served === modelId) return { what: `${what}, model ${served}` };
    return {
      what,
      fault: `it runs the model ${served}, the API needs ${modelId}`,
      mend: SAME_MODELS,
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

const SAME_MODELS = 'Set the same MODEL_PACK, or MODEL_PACKS, for the API and the inference servers.';

function mendOf(error: unknown): string {
  if (error instanceof ClientError && error.code === Status.NOT_FOUND) return SAME_MODELS;
  if (error instanceof ClientError && error.code === Status.RESOURCE_EXHAUSTED)
    return 'It is full: wait, or add inference servers.';
  return 'Start the inference server, or correct INFERENCE_ADDRESS and INFERENCE_TLS_*. Its log names missing or damaged model files.';
}
