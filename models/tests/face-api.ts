import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type * as FaceApi from '@vladmandic/face-api';
import sharp from 'sharp';
import { faceApiDirectory } from '../convert/dlib.ts';

/** Pixels of a picture as the networks take them: one byte for each of red, green and blue, row by row. */
export interface Pixels {
  data: Uint8Array;
  width: number;
  height: number;
}

/** The package itself, its weights loaded, computing with TensorFlow.js on its WebAssembly backend. */
export async function loadFaceApi(): Promise<typeof FaceApi> {
  const require = createRequire(import.meta.url);
  const wasm = require('@tensorflow/tfjs-backend-wasm');
  wasm.setWasmPaths(`${dirname(require.resolve('@tensorflow/tfjs-backend-wasm'))}/`);
  const faceapi: typeof FaceApi = require('@vladmandic/face-api/dist/face-api.node-wasm.js');
  await (faceapi.tf as any).setBackend('wasm');
  await (faceapi.tf as any).ready();
  const weights = join(faceApiDirectory(), 'model');
  for (const network of ['ssdMobilenetv1', 'faceLandmark68Net', 'faceRecognitionNet'] as const) {
    await faceapi.nets[network].loadFromDisk(weights);
  }
  return faceapi;
}

/** Sample photos inside the package. */
export function samplePhotos(): string[] {
  return [1, 2, 3, 4, 5, 6].map((number) => join(faceApiDirectory(), 'demo', `sample${number}.jpg`));
}

/** A photo scaled into the upper left of a square, the rest black: face-api's way to feed its detector. */
export async function letterbox(photo: string, size: number): Promise<Pixels> {
  const { data } = await sharp(photo)
    .resize(size, size, { fit: 'contain', position: 'left top', background: 'black' })
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data, width: size, height: size };
}

/** A square of a photo, scaled; `box` in pixels of the photo. */
export async function crop(photo: string, box: { left: number; top: number; side: number }, size: number): Promise<Pixels> {
  const { left, top, side } = box;
  const data = await sharp(photo).extract({ left, top, width: side, height: side }).resize(size, size, { fit: 'fill' }).removeAlpha().raw().toBuffer();
  return { data, width: size, height: size };
}
