import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { buildDetector } from './detector.ts';
import type { Graph } from './graph.ts';
import { buildLandmarks } from './landmarks.ts';
import { buildRecogniser } from './recogniser.ts';
import { readWeights, type Weights } from './weights.ts';

/** The files of the pack `dlib`, and the networks of @vladmandic/face-api they are made from. */
const NETWORKS: Record<string, Network> = {
  'detector.onnx': { weights: 'ssd_mobilenetv1_model', build: buildDetector, licence: 'Apache-2.0' },
  'landmarks.onnx': { weights: 'face_landmark_68_model', build: buildLandmarks, licence: 'MIT' },
  'recogniser.onnx': { weights: 'face_recognition_model', build: buildRecogniser, licence: 'public domain' },
};

/**
 * The bytes of one ONNX file of the pack `dlib`; the same at every call.
 * @throws Error when there is no such file, when the package is not installed, or when its weights are not as expected.
 */
export async function convertNetwork(file: string): Promise<Uint8Array> {
  const network = NETWORKS[file];
  if (!network) throw new Error(`${file} is none of the files made by conversion: ${Object.keys(NETWORKS).join(', ')}`);
  const weights = await readWeights(join(faceApiDirectory(), 'model'), network.weights);
  return network
    .build(weights)
    .encode({ source: `npm package @vladmandic/face-api, ${network.weights}`, licence: network.licence });
}

/**
 * Where the package @vladmandic/face-api is installed.
 * @throws Error saying how to install it.
 */
export function faceApiDirectory(): string {
  try {
    return dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json'));
  } catch (cause) {
    throw new Error(
      'the npm package @vladmandic/face-api, which holds the weights, is not installed: npm ci installs it',
      { cause },
    );
  }
}

interface Network {
  weights: string;
  build: (weights: Weights) => Graph;
  licence: string;
}
