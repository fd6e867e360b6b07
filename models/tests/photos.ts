import { join } from 'node:path';
import sharp from 'sharp';
import { FACE_API } from './published.ts';

/** Pixels as the networks take them: one byte for each of red, green and blue, row by row. */
export interface Pixels {
  data: Uint8Array;
  width: number;
  height: number;
}

/** The sample photos inside @vladmandic/face-api: six, 1920 pixels wide, of several people each. */
export const SAMPLE_PHOTOS = [1, 2, 3, 4, 5, 6].map((number) => join(FACE_API, 'demo', `sample${number}.jpg`));

/** A photo scaled into the upper left of a canvas, the rest black: how face-api feeds its detector. */
export async function letterbox(photo: string, width: number, height: number): Promise<Pixels> {
  const data = await sharp(photo)
    .resize(width, height, { fit: 'contain', position: 'left top', background: 'black' })
    .removeAlpha()
    .raw()
    .toBuffer();
  return { data, width, height };
}

/** A square crop of a photo, scaled to `size`. `box`: pixels of the photo scaled to 512 on its longer side. */
export async function cropSquare(
  photo: string,
  box: { left: number; top: number; side: number },
  size: number,
): Promise<Pixels> {
  const { width, height } = await sharp(photo).metadata();
  const scale = Math.max(width, height) / 512;
  const left = Math.max(0, Math.round(box.left * scale));
  const top = Math.max(0, Math.round(box.top * scale));
  const side = Math.min(Math.round(box.side * scale), width - left, height - top);
  const data = await sharp(photo)
    .extract({ left, top, width: side, height: side })
    .resize(size, size)
    .removeAlpha()
    .raw()
    .toBuffer();
  return { data, width: size, height: size };
}
