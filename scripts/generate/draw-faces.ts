import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { createPipeline, type FoundFaces } from '../../services/inference/seeing/faces.ts';

/**
 * Draws what the pipeline finds on a photo: kept faces green with their landmarks, refused ones red with the reason.
 *   node scripts/generate/draw-faces.ts PHOTO OUT.png [--pack sface] [--weights FOLDER]
 */
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { pack: { type: 'string', default: 'sface' }, weights: { type: 'string' } },
});
const [photo, out] = positionals;
if (!photo || !out)
  throw new Error('usage: node scripts/generate/draw-faces.ts PHOTO OUT.png [--pack sface] [--weights FOLDER]');

await using pipeline = await createPipeline({
  modelsDirectory: resolve(import.meta.dirname, '../../models'),
  modelPack: values.pack,
  weightsDirectory: values.weights,
  limits: { maxBytes: 100e6, maxWidth: 12_000, maxHeight: 12_000, maxPixels: 100e6 },
});
const image = readFileSync(photo);
const found = await pipeline.findFaces(image);
sharp.unblock({ operation: ['VipsForeignLoadSvgBuffer'] });
await sharp(await sharp(image).autoOrient().toBuffer())
  .composite([{ input: drawingOf(found) }])
  .png()
  .toFile(out);
for (const { box, confidence, quality } of found.faces)
  console.log(
    `face ${describe(box)}, score ${confidence.toFixed(2)}, sharpness ${quality.sharpness.toFixed(2)}, frontality ${quality.frontality.toFixed(2)}`,
  );
for (const { box, confidence, reason } of found.rejected)
  console.log(`refused ${describe(box)}, score ${confidence.toFixed(2)}: ${reason}`);

function drawingOf({ width, height, faces, rejected }: FoundFaces): Buffer {
  const line = Math.max(1, width / 500);
  const rectangle = (box: FoundFaces['faces'][number]['box'], colour: string) =>
    `<rect x="${box.x}" y="${box.y}" width="${box.width}" height="${box.height}" fill="none" stroke="${colour}" stroke-width="${line}"/>`;
  const shapes = [
    ...faces.map(
      ({ box, landmarks }) =>
        rectangle(box, 'lime') +
        landmarks.map(({ x, y }) => `<circle cx="${x}" cy="${y}" r="${line / 2}" fill="yellow"/>`).join(''),
    ),
    ...rejected.map(
      ({ box, reason }) =>
        `${rectangle(box, 'red')}<text x="${box.x}" y="${box.y - line}" font-size="${8 * line}" fill="red">${reason}</text>`,
    ),
  ];
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${shapes.join('')}</svg>`,
  );
}

function describe({ x, y, width, height }: { x: number; y: number; width: number; height: number }): string {
  return `${Math.round(width)}×${Math.round(height)} at ${Math.round(x)}, ${Math.round(y)}`;
}
