import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import type * as FaceApiPackage from '@vladmandic/face-api';
import sharp from 'sharp';
import { cosineOfSimilarity, modelIdOf, readModelPack } from '@facepass/contracts/model-pack';
import type { Box } from '../../../services/inference/seeing/boxes.ts';
import { createPipeline } from '../../../services/inference/seeing/faces.ts';
import { sourcesOf } from './sources.ts';

/** Something that finds faces and turns them into vectors. */
export interface Contestant extends AsyncDisposable {
  name: string;
  /** Changes with everything that may move a vector: faces are kept by it. */
  key: string;
  facesOf(picture: Buffer): Promise<Face[]>;
  /** How alike two of its vectors are, larger is more alike. Its own users' measure and threshold. */
  likeness: 'cosine' | 'euclidean';
  defaultThreshold: number;
}

export interface Face {
  box: Box;
  confidence: number;
  /** The pack's quality, 0 to 1; NaN where the contestant has none. */
  quality: number;
  embedding: Float32Array;
}

const root = resolve(import.meta.dirname, '../../..');

/** A model pack, with its files beside its manifest, in the pipeline that the service runs. */
export async function ourPack(modelsDirectory: string, name: string): Promise<Contestant> {
  const pack = await readModelPack(modelsDirectory, name);
  const pipeline = await createPipeline({ modelsDirectory, modelPack: name });
  const { calibration: _, ...vectors } = pack;
  const hash = createHash('sha256').update(JSON.stringify(vectors));
  const { files, packages } = sourcesOf(join(root, 'services/inference/seeing/faces.ts'));
  for (const file of files) hash.update(readFileSync(file));
  hash.update(packages.join());
  return {
    name: `Facepass, pack ${name}`,
    key: `${modelIdOf(pack)}-${hash.digest('hex').slice(0, 16)}`,
    likeness: 'cosine',
    defaultThreshold: cosineOfSimilarity(0.5, pack.calibration),
    facesOf: async (picture) =>
      (await pipeline.findFaces(picture)).faces.map(({ box, confidence, quality, embedding }) => ({
        box,
        confidence,
        quality: quality.score,
        embedding,
      })),
    [Symbol.asyncDispose]: () => pipeline[Symbol.asyncDispose](),
  };
}

/**
 * The package @vladmandic/face-api as its README shows: SSD MobileNet v1, landmarks, descriptors, compared by Euclidean
 * distance, 0.6.
 */
export async function faceApi(): Promise<Contestant> {
  const require = createRequire(import.meta.url);
  require('@tensorflow/tfjs-backend-wasm').setWasmPaths(
    `${dirname(require.resolve('@tensorflow/tfjs-backend-wasm'))}/`,
  );
  const api = require('@vladmandic/face-api/dist/face-api.node-wasm.js') as typeof FaceApiPackage & { tf: any };
  await api.tf.setBackend('wasm');
  await api.tf.ready();
  const manifest = require.resolve('@vladmandic/face-api/package.json');
  const weights = join(dirname(manifest), 'model');
  for (const network of [api.nets.ssdMobilenetv1, api.nets.faceLandmark68Net, api.nets.faceRecognitionNet])
    await network.loadFromDisk(weights);
  const options = new api.SsdMobilenetv1Options({ minConfidence: 0.5 });
  const { version } = require(manifest) as { version: string };
  return {
    name: `@vladmandic/face-api ${version}`,
    key: `face-api-${version}`,
    likeness: 'euclidean',
    defaultThreshold: -0.6,
    async facesOf(picture) {
      const { data, info } = await sharp(picture)
        .removeAlpha()
        .toColourspace('srgb')
        .raw()
        .toBuffer({ resolveWithObject: true });
      const tensor = api.tf.tensor3d(data, [info.height, info.width, 3], 'int32');
      const results = await api.detectAllFaces(tensor, options).withFaceLandmarks().withFaceDescriptors();
      tensor.dispose();
      return results.map(({ detection, descriptor }) => ({
        box: boxOf(detection.box),
        confidence: detection.score,
        quality: Number.NaN,
        embedding: descriptor,
      }));
    },
    async [Symbol.asyncDispose]() {},
  };
}

function boxOf({ x, y, width, height }: Box): Box {
  return { x, y, width, height };
}

/** Larger is more alike: the cosine of two vectors of length 1, or the negative of their Euclidean distance. */
export function likenessOf(kind: Contestant['likeness'], a: Float32Array, b: Float32Array): number {
  let sum = 0;
  if (kind === 'cosine') {
    for (let i = 0; i < a.length; i += 1) sum += a[i]! * b[i]!;
    return sum;
  }
  for (let i = 0; i < a.length; i += 1) sum += (a[i]! - b[i]!) ** 2;
  return -Math.sqrt(sum);
}
