import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type * as FaceApiPackage from '@vladmandic/face-api';
import type { Pixels } from './photos.ts';
import { FACE_API } from './published.ts';

/** The tensors that the package @vladmandic/face-api itself computes from pixels. */
export interface FaceApi {
  /** Of a square of 512 pixels: boxes [5118, 4] and scores [5118], before overlaps are suppressed. */
  detector(pixels: Pixels): { boxes: Float32Array; scores: Float32Array };
  /** Of a face: 68 pairs x, y in parts of the crop. */
  landmarks(face: Pixels): Float32Array;
  /** Of a face: 128 numbers. */
  descriptor(face: Pixels): Float32Array;
}

/** Loads the package with its own weights; TensorFlow.js computes on its WebAssembly backend. */
export async function loadFaceApi(): Promise<FaceApi> {
  const require = createRequire(import.meta.url);
  require('@tensorflow/tfjs-backend-wasm').setWasmPaths(
    `${dirname(require.resolve('@tensorflow/tfjs-backend-wasm'))}/`,
  );
  const { nets, tf, NetInput } = require('@vladmandic/face-api/dist/face-api.node-wasm.js') as typeof FaceApiPackage & {
    tf: any;
  };
  await tf.setBackend('wasm');
  await tf.ready();
  for (const network of [nets.ssdMobilenetv1, nets.faceLandmark68Net, nets.faceRecognitionNet]) {
    await network.loadFromDisk(join(FACE_API, 'model'));
  }

  const input = ({ data, width, height }: Pixels) => new NetInput([tf.tensor3d(data, [height, width, 3], 'int32')]);
  const values = (tensor: { dataSync(): unknown }) => (tensor.dataSync() as Float32Array).slice();
  const withoutLeaks = <Result>(compute: () => Result): Result => {
    tf.engine().startScope();
    try {
      return compute();
    } finally {
      tf.engine().endScope();
    }
  };
  return {
    detector: (pixels) =>
      withoutLeaks(() => {
        const { boxes, scores } = nets.ssdMobilenetv1.forwardInput(input(pixels));
        return { boxes: values(boxes[0]!), scores: values(scores[0]!) };
      }),
    landmarks: (face) => withoutLeaks(() => values(nets.faceLandmark68Net.forwardInput(input(face)))),
    descriptor: (face) => withoutLeaks(() => values(nets.faceRecognitionNet.forwardInput(input(face)))),
  };
}
