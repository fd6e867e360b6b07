import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type * as FaceApiPackage from '@vladmandic/face-api';
import sharp from 'sharp';
import { answerAsContestant, type Round, type Setup } from './contestant.ts';

/**
 * The package @vladmandic/face-api as its demo for Node and WebAssembly shows: one process, a photo at a time,
 * detection, landmarks and descriptors. sharp decodes for it, which is faster than the demo's way.
 */
answerAsContestant(prepare);

async function prepare({ photos }: Setup): Promise<(passes: number) => Promise<Omit<Round, 'cpuMs'>>> {
  const { faceapi, tf } = await loadPeer();
  const options = new faceapi.SsdMobilenetv1Options({ minConfidence: 0.5 });
  const images = photos.map((path) => readFileSync(path));
  return async (passes) => {
    const latenciesMs: number[] = [];
    let faces = 0;
    const start = performance.now();
    for (const image of Array.from({ length: passes }, () => images).flat()) {
      const began = performance.now();
      const { data, info } = await sharp(image).removeAlpha().raw().toBuffer({ resolveWithObject: true });
      const tensor = tf.tensor3d(data, [info.height, info.width, 3], 'int32');
      faces += (await faceapi.detectAllFaces(tensor, options).withFaceLandmarks().withFaceDescriptors()).length;
      tf.dispose(tensor);
      latenciesMs.push(performance.now() - began);
    }
    return { photos: latenciesMs.length, faces, wallMs: performance.now() - start, latenciesMs };
  };
}

async function loadPeer(): Promise<{ faceapi: typeof FaceApiPackage; tf: any }> {
  const require = createRequire(import.meta.url);
  require('@tensorflow/tfjs-backend-wasm').setWasmPaths(
    `${dirname(require.resolve('@tensorflow/tfjs-backend-wasm'))}/`,
  );
  const faceapi = require('@vladmandic/face-api/dist/face-api.node-wasm.js') as typeof FaceApiPackage & { tf: any };
  await faceapi.tf.setBackend('wasm');
  await faceapi.tf.ready();
  const weights = join(dirname(require.resolve('@vladmandic/face-api/package.json')), 'model');
  for (const network of [faceapi.nets.ssdMobilenetv1, faceapi.nets.faceLandmark68Net, faceapi.nets.faceRecognitionNet])
    await network.loadFromDisk(weights);
  return { faceapi, tf: faceapi.tf };
}
