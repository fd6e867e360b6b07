import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { modelIdOf, readModelPack, type ModelPack } from '@facepass/contracts/model-pack';
import { messageOf } from '@facepass/runtime/errors';
import type { Finding } from './finding.ts';
import { OWN_MODELS, type Settings } from './settings.ts';

export interface ExaminedPack {
  findings: Finding[];
  /** The pack's model and vector length; null if its manifest is unreadable. */
  pack: { modelId: string; dimension: number } | null;
}

/**
 * Checks the manifest of the model pack `name` and, if `withWeights`, the sha256 of each of its files.
 */
export async function examineModels(settings: Settings, name: string, withWeights: boolean): Promise<ExaminedPack> {
  const directory = settings.MODELS_DIRECTORY ?? OWN_MODELS;
  let pack: ModelPack;
  try {
    pack = await readModelPack(directory, name);
  } catch (error) {
    return {
      findings: [
        {
          what: `model pack ${name}`,
          fault: messageOf(error),
          mend: 'Correct MODEL_PACK, MODEL_PACKS or MODELS_DIRECTORY: a pack is a folder with a manifest.json.',
        },
      ],
      pack: null,
    };
  }
  const weights = [pack.detector, pack.landmarks, pack.recogniser].filter((file) => file !== undefined);
  const { MODEL_WEIGHTS_DIRECTORY: apart, MODEL_PACKS } = settings;
  const folder = apart === undefined ? join(directory, name) : MODEL_PACKS?.[1] ? join(apart, name) : apart;
  const findings = withWeights
    ? [
        ...licenceFinding(pack, settings),
        ...(await Promise.all(weights.map(({ file, sha256 }) => examineFile(join(folder, file), sha256, name)))),
      ]
    : [];
  return { findings, pack: { modelId: modelIdOf(pack), dimension: pack.embedding_size } };
}

function licenceFinding(
  { name, licence_to_accept: licence }: ModelPack,
  { MODEL_LICENCE_ACCEPTED: accepted }: Settings,
): Finding[] {
  if (!licence || licence === accepted) return [];
  return [
    {
      what: `licence of the model pack ${name}`,
      fault: `${licence} is not accepted`,
      mend: `Read models/${name}/README.md. If its terms allow your use, set MODEL_LICENCE_ACCEPTED=${licence}.`,
    },
  ];
}

async function examineFile(path: string, sha256: string, pack: string): Promise<Finding> {
  const what = `model file ${path}`;
  const again =
    pack === 'sface'
      ? 'Download it again: npm run models.'
      : `Replace it; models/${pack}/README.md says where to get it.`;
  try {
    const actual = createHash('sha256')
      .update(await readFile(path))
      .digest('hex');
    return actual === sha256
      ? { what }
      : {
          what,
          fault: `it is damaged: its sha256 is ${actual.slice(0, 12)}…, the manifest has ${sha256.slice(0, 12)}…`,
          mend: again,
        };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return {
      what,
      fault: code === 'ENOENT' ? 'it is missing' : message,
      mend: code === 'EACCES' ? 'Let the user that runs the inference server read it.' : again,
    };
  }
}
