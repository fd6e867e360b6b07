import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelPack } from '@facepass/contracts/model-pack';
import { messageOf } from '@facepass/runtime/errors';
import { requireTelemetryOff } from './onnxruntime-telemetry.ts';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { CHIP_SIZE } from './align.ts';

/** A dense array with its shape, row-major. */
export interface Tensor {
  data: Float32Array | Uint8Array;
  shape: readonly number[];
}

/** A loaded network. */
export interface Model extends AsyncDisposable {
  /** Name, element type and shape of the first input; a dimension that may vary is null. */
  input: { name: string; type: 'float32' | 'uint8'; shape: (number | null)[] };
  /** Runs the network on one input. Blocks the thread that calls it: onnxruntime-node has no asynchronous run. */
  run(input: Tensor): Promise<Record<string, Tensor>>;
}

/** The networks of a model pack. */
export interface PackModels {
  detector: Model;
  landmarks: Model | null;
  recogniser: Model;
}

/** Faces that go through a network together: a CPU gains nothing from more, and memory grows with them. */
export const FACES_PER_RUN = 8;

/**
 * Loads a pack's weight files from `directory`.
 * @param executionProviders names of onnxruntime, in order of preference.
 * @throws Error naming the file whose bytes are not the manifest's, the licence that must be accepted by name, or the
 * alignment that does not fit the recogniser.
 */
export async function loadPackModels(
  pack: ModelPack,
  options: { directory: string; executionProviders: readonly string[]; licenceAccepted?: string },
): Promise<PackModels> {
  const { licence_to_accept } = pack;
  if (licence_to_accept !== undefined && options.licenceAccepted !== licence_to_accept)
    throw new Error(
      `model pack ${pack.name}: its weights require accepting a licence: set MODEL_LICENCE_ACCEPTED=${licence_to_accept}`,
    );
  const load = (weights: WeightFile) =>
    loadModel(pack.name, join(options.directory, weights.file), weights.sha256, options.executionProviders);
  const models = {
    detector: await load(pack.detector),
    landmarks: pack.landmarks ? await load(pack.landmarks) : null,
    recogniser: await load(pack.recogniser),
  };
  requireChipSize(pack, models.recogniser);
  return models;
}

/** @throws Error where onnxruntime would refuse the first chip, without a word about the pack. */
function requireChipSize({ name, alignment, recogniser }: ModelPack, { input: { type, shape } }: Model): void {
  const [height, width] = type === 'uint8' ? shape.slice(1, 3) : shape.slice(2, 4);
  const side = CHIP_SIZE[alignment];
  if ((height ?? side) === side && (width ?? side) === side) return;
  throw new Error(
    `model pack ${name}: alignment ${alignment} produces chips of ${side}×${side} pixels, ` +
      `but ${recogniser.file} expects ${height}×${width}`,
  );
}

async function loadModel(
  pack: string,
  path: string,
  sha256: string,
  executionProviders: readonly string[],
): Promise<Model> {
  requireTelemetryOff();
  const bytes = await readWeights(pack, path);
  const actual = createHash('sha256').update(bytes).digest('hex');
  if (actual !== sha256) throw new Error(`${path}: sha256 is ${actual}, but the manifest says ${sha256}; not loaded`);
  const session = await InferenceSession.create(bytes, sessionOptions(executionProviders));
  const input = inputOf(session, path);
  return {
    input,
    async run({ data, shape }) {
      const outputs = await session.run({ [input.name]: new OrtTensor(input.type, data, shape) });
      return Object.fromEntries(Object.entries(outputs).map(([name, output]) => [name, tensorOf(output)]));
    },
    async [Symbol.asyncDispose]() {
      await session.release();
    },
  };
}

/**
 * One thread a network: the process runs one worker per core. With a second thread, and onnxruntime's spinning left on,
 * a busy machine did half the work (docs/decisions/0040). Memory patterns, a plan kept per input shape, cost 70 MB a
 * worker for no speed (docs/decisions/0053).
 */
function sessionOptions(executionProviders: readonly string[]): InferenceSession.SessionOptions {
  return {
    executionProviders,
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    enableMemPattern: false,
    logSeverityLevel: 3,
    extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
  };
}

async function readWeights(pack: string, path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new Error(
      `${path}: ${messageOf(error)}; \`npm run models -- --pack ${pack}\` prepares it, ` +
        `and models/${pack}/README.md says where to get it`,
    );
  }
}

function inputOf(session: InferenceSession, path: string): Model['input'] {
  const [metadata] = session.inputMetadata;
  if (!metadata?.isTensor || (metadata.type !== 'float32' && metadata.type !== 'uint8'))
    throw new Error(`${path}: the first input must be a float32 or uint8 tensor`);
  return {
    name: metadata.name,
    type: metadata.type,
    shape: metadata.shape.map((dimension) => (typeof dimension === 'number' && dimension > 0 ? dimension : null)),
  };
}

function tensorOf(output: OrtTensor): Tensor {
  return { data: output.data as Float32Array | Uint8Array, shape: output.dims };
}

type WeightFile = Pick<ModelPack['recogniser'], 'file' | 'sha256'>;
