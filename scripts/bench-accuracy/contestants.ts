import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type * as FaceApiPackage from '@vladmandic/face-api';
import sharp from 'sharp';
import type { Box } from '../../services/inference/boxes.ts';
import { createPipeline, type PipelineConfig } from '../../services/inference/faces.ts';

/** Something that finds faces and tells how alike two are. */
export interface Contestant {
  name: string;
  findFaces(picture: Buffer): Promise<{ box: Box; embedding: Float32Array }[]>;
  /** Larger is more alike. */
  likeness(a: Float32Array, b: Float32Array): number;
}

/** A model pack in the pipeline that the service runs. */
export async function ourPipeline(name: string, config: PipelineConfig): Promise<Contestant> {
  const pipeline = await createPipeline(config);
  return {
    name,
    findFaces: async (picture) => (await pipeline.findFaces(picture)).faces,
    likeness: cosine,
  };
}

/**
 * The package @vladmandic/face-api as its README shows: SSD MobileNet v1, landmarks, descriptors, compared by Euclidean
 * distance.
 */
export async function faceApi(): Promise<Contestant> {
  const require = createRequire(import.meta.url);
  require('@tensorflow/tfjs-backend-wasm').setWasmPaths(
    `${dirname(require.resolve('@tensorflow/tfjs-backend-wasm'))}/`,
  );
  const api = require('@vladmandic/face-api/dist/face-api.node-wasm.js') as typeof FaceApiPackage & { tf: any };
  await api.tf.setBackend('wasm');
  await api.tf.ready();
  const weights = join(dirname(require.resolve('@vladmandic/face-api/package.json')), 'model');
  for (const network of [api.nets.ssdMobilenetv1, api.nets.faceLandmark68Net, api.nets.faceRecognitionNet])
    await network.loadFromDisk(weights);
  const options = new api.SsdMobilenetv1Options({ minConfidence: 0.5 });
  return {
    name: '@vladmandic/face-api',
    async findFaces(picture) {
      const { data, info } = await sharp(picture)
        .removeAlpha()
        .toColourspace('srgb')
        .raw()
        .toBuffer({ resolveWithObject: true });
      const tensor = api.tf.tensor3d(data, [info.height, info.width, 3], 'int32');
      const results = await api.detectAllFaces(tensor, options).withFaceLandmarks().withFaceDescriptors();
      tensor.dispose();
      return results.map(({ detection, descriptor }) => ({ box: boxOf(detection.box), embedding: descriptor }));
    },
    likeness: (a, b) => -Math.hypot(...a.map((x, i) => x - b[i]!)),
  };
}

function boxOf({ x, y, width, height }: Box): Box {
  return { x, y, width, height };
}

export function cosine(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, x, i) => sum + x * b[i]!, 0);
}
