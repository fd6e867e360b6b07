import sharp from 'sharp';
import { samplePhoto } from '../../inference/tests/photos.ts';

/** Where the people of the sample photos are: photo, and the face's box in pixels. */
const FACES = [
  [6, 1484, 260, 212, 297],
  [6, 249, 465, 209, 293],
  [6, 1178, 308, 189, 273],
  [6, 679, 319, 160, 306],
  [1, 1474, 198, 200, 237],
  [4, 1276, 131, 149, 258],
] as const;

/** People that `portrait` shows, all different. */
export const PEOPLE = FACES.length;

/** A small JPEG with one person alone; another `take` is another picture of the same person. */
export async function portrait(person: number, take = 0): Promise<Buffer> {
  const [photo, x, y, width, height] = FACES[person]!;
  const margin = Math.round(height * 0.45);
  const [left, top] = [Math.max(0, x - margin), Math.max(0, y - margin)];
  return sharp(await samplePhoto(photo))
    .extract({ left, top, width: x + width + margin - left, height: y + height + margin - top })
    .resize({ width: 300 - 10 * (take % 5) })
    .modulate({ brightness: 1 + 0.02 * (take % 7) })
    .jpeg({ quality: 92 - (take % 9) })
    .toBuffer();
}

/**
 * Another picture of the same person, as from another camera: smaller, tilted, lighter, paler, softer, compressed
 * harder.
 */
export async function selfie(person: number): Promise<Buffer> {
  return sharp(await portrait(person, person + 1))
    .rotate(5, { background: '#b9a58f' })
    .resize({ width: 230 })
    .modulate({ brightness: 1.1, saturation: 0.8 })
    .blur(0.8)
    .jpeg({ quality: 68 })
    .toBuffer();
}

/** One photo made of `pictures`, three in a row and none in line with its neighbour. */
export async function groupPhoto(pictures: Buffer[]): Promise<Buffer> {
  const layers = await Promise.all(
    pictures.map(async (picture, i) => ({
      input: await sharp(picture)
        .resize({ width: 260 + 20 * (i % 3), height: 340, fit: 'inside' })
        .toBuffer(),
      left: 60 + 420 * (i % 3) + 25 * (i % 2),
      top: 40 + 400 * Math.floor(i / 3) + 35 * (i % 2),
    })),
  );
  const ground = {
    width: 1300,
    height: 440 + 400 * Math.floor((pictures.length - 1) / 3),
    channels: 3,
    background: '#6f7f6a',
  } as const;
  return sharp({ create: ground }).composite(layers).jpeg({ quality: 88 }).toBuffer();
}

/** A JPEG without a face. */
export async function emptyScene(): Promise<Buffer> {
  return sharp({ create: { width: 320, height: 240, channels: 3, background: '#7a9' } })
    .jpeg()
    .toBuffer();
}
