import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import sharp, { type OverlayOptions, type Region } from 'sharp';
import { overlapOf, type Box } from '../seeing/boxes.ts';

const demo = join(dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json')), 'demo');

/** The sample photos of @vladmandic/face-api with the faces a viewer sees in them, in pixels. */
export const SAMPLES: { name: string; faces: Box[] }[] = [
  { name: 'sample1.jpg', faces: [box(414, 355, 177, 240), box(838, 421, 186, 228), box(1476, 199, 203, 241)] },
  { name: 'sample2.jpg', faces: [box(1447, 153, 194, 242), box(902, 220, 151, 233), box(361, 126, 153, 259)] },
  { name: 'sample3.jpg', faces: [box(585, 329, 199, 271), box(1514, 292, 170, 280), box(1075, 215, 220, 299)] },
  {
    name: 'sample4.jpg',
    faces: [box(664, 53, 187, 258), box(257, 185, 162, 245), box(989, 180, 169, 227), box(1277, 144, 145, 244)],
  },
  {
    name: 'sample5.jpg',
    faces: [
      box(787, 109, 156, 212),
      box(1113, 198, 158, 236),
      box(1406, 390, 165, 271),
      box(598, 415, 166, 249),
      box(377, 859, 172, 301),
    ],
  },
  {
    name: 'sample6.jpg',
    faces: [box(681, 321, 160, 307), box(1180, 305, 188, 280), box(1487, 263, 212, 296), box(250, 468, 210, 291)],
  },
];

export function readSample(name: string): Promise<Buffer> {
  return readFile(join(demo, name));
}

/**
 * Every face of the sample photos with some of its surroundings: `margin` times its height on each side, as far as the
 * photo goes.
 */
export async function cutFaces(margin: number): Promise<FaceCrop[]> {
  const crops: FaceCrop[] = [];
  for (const { name, faces } of SAMPLES) {
    const photo = await readSample(name);
    const { width, height } = await sharp(photo).metadata();
    for (const face of faces)
      crops.push(await cutFace(photo, { width, height }, face, Math.round(margin * face.height)));
  }
  return crops;
}

/** A picture of one face, and where in it the face is. */
export interface FaceCrop {
  picture: Buffer;
  width: number;
  height: number;
  face: Box;
}

/** A photo filled by a face: it takes `fill` of the frame's height; `aspect` is the frame's width by its height. */
export async function takeSelfie(name: string, face: Box, fill: number, aspect: number): Promise<FaceCrop> {
  const photo = await readSample(name);
  const size = await sharp(photo).metadata();
  const height = Math.max(face.height / fill, (0.9 * face.width) / fill / aspect);
  const frame = inside(
    {
      x: face.x + (face.width - height * aspect) / 2,
      y: face.y + (face.height - height) / 2,
      width: height * aspect,
      height,
    },
    size,
  );
  const picture = await sharp(photo).extract(extractOf(frame)).jpeg({ quality: 92 }).toBuffer();
  return {
    picture,
    width: frame.width,
    height: frame.height,
    face: { ...face, x: face.x - frame.x, y: face.y - frame.y },
  };
}

/**
 * Faces pasted on a canvas of one colour, or on `ground` where that shows no face of its own, each with the height in
 * pixels that `heights` gives in turn; truth by construction.
 */
export async function pasteCrowd(
  crops: readonly FaceCrop[],
  options: {
    width: number;
    height: number;
    count: number;
    heights: readonly number[];
    ground?: { picture: Buffer; faces: readonly Box[] };
  },
): Promise<{ picture: Buffer; faces: Box[] }> {
  const columns = Math.ceil(Math.sqrt((options.count * options.width) / options.height));
  const rows = Math.ceil(options.count / columns);
  const faces: Box[] = [];
  const layers: OverlayOptions[] = [];
  for (let i = 0; i < options.count; i++) {
    const crop = crops[i % crops.length]!;
    const scale = options.heights[i % options.heights.length]! / crop.face.height;
    const [width, height] = [Math.round(crop.width * scale), Math.round(crop.height * scale)];
    // The golden ratio spreads the places without a random number.
    const left = Math.round((((i % columns) + 0.1 + 0.5 * ((i * 0.618) % 1)) * options.width) / columns);
    const top = Math.round(((Math.floor(i / columns) + 0.1 + 0.5 * ((i * 0.382) % 1)) * options.height) / rows);
    if (options.ground?.faces.some((face) => overlapOf(face, { x: left, y: top, width, height }) > 0)) continue;
    layers.push({
      input: await sharp(crop.picture).resize(width, height, { fit: 'fill' }).png().toBuffer(),
      left,
      top,
    });
    faces.push({
      x: left + crop.face.x * scale,
      y: top + crop.face.y * scale,
      width: crop.face.width * scale,
      height: crop.face.height * scale,
    });
  }
  const canvas = options.ground
    ? sharp(options.ground.picture)
    : sharp({ create: { width: options.width, height: options.height, channels: 3, background: '#7a7f86' } });
  return { picture: await canvas.composite(layers).jpeg({ quality: 92 }).toBuffer(), faces };
}

/** A sample photo enlarged to `width` pixels, with its faces. */
export async function enlargeSample(
  { name, faces }: (typeof SAMPLES)[number],
  width: number,
): Promise<{ picture: Buffer; width: number; height: number; faces: Box[] }> {
  const photo = await readSample(name);
  const factor = width / (await sharp(photo).metadata()).width;
  const { data: picture, info } = await sharp(photo)
    .resize({ width })
    .png({ compressionLevel: 1 })
    .toBuffer({ resolveWithObject: true });
  return {
    picture,
    width,
    height: info.height,
    faces: faces.map((face) => box(face.x * factor, face.y * factor, face.width * factor, face.height * factor)),
  };
}

/** How many of the true faces have a found box of their own: its centre inside, its height half to twice theirs. */
export function countFound(truth: readonly Box[], found: readonly Box[]): number {
  const left = new Set(found);
  return truth.filter((face) => {
    const match = [...left].find((candidate) => matches(face, candidate));
    return match !== undefined && left.delete(match);
  }).length;
}

function matches(face: Box, { x, y, width, height }: Box): boolean {
  const [centreX, centreY] = [x + width / 2 - face.x, y + height / 2 - face.y];
  return (
    centreX > 0 &&
    centreX < face.width &&
    centreY > 0 &&
    centreY < face.height &&
    height > face.height / 2 &&
    height < face.height * 2
  );
}

async function cutFace(
  photo: Buffer,
  size: { width: number; height: number },
  face: Box,
  margin: number,
): Promise<FaceCrop> {
  const frame = inside(
    { x: face.x - margin, y: face.y - margin, width: face.width + 2 * margin, height: face.height + 2 * margin },
    size,
  );
  const picture = await sharp(photo).extract(extractOf(frame)).png().toBuffer();
  return {
    picture,
    width: frame.width,
    height: frame.height,
    face: { ...face, x: face.x - frame.x, y: face.y - frame.y },
  };
}

function inside(frame: Box, size: { width: number; height: number }): Box {
  const [x, y] = [Math.max(0, Math.round(frame.x)), Math.max(0, Math.round(frame.y))];
  return {
    x,
    y,
    width: Math.min(size.width, Math.round(frame.x + frame.width)) - x,
    height: Math.min(size.height, Math.round(frame.y + frame.height)) - y,
  };
}

function extractOf({ x, y, width, height }: Box): Region {
  return { left: x, top: y, width, height };
}

function box(x: number, y: number, width: number, height: number): Box {
  return { x, y, width, height };
}
