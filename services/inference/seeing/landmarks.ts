import { composeAffine, cutChip } from './align.ts';
import { squareAround, type Detection, type Point } from './boxes.ts';
import { storedFromUpright, type Photo } from './image.ts';
import type { Model } from './models.ts';

/**
 * Landmarks of some detections, in one run, in pixels of the upright photo: the detector's own five, or 68 (iBUG 300-W
 * order) from face-api's network. That takes a square crop of the detector's box and gives points in 0 to 1 of the
 * crop.
 */
export async function findLandmarks(
  photo: Photo,
  detections: readonly Detection[],
  model: Model | null,
  inputSize: number,
): Promise<Point[][]> {
  if (!model) return detections.map(({ landmarks }) => landmarks ?? []);
  const crops = detections.map(({ box }) => squareAround(box, 1));
  const pixels = new Uint8Array(crops.length * inputSize * inputSize * 3);
  crops.forEach((crop, i) => {
    const scale = crop.width / inputSize;
    const toStored = composeAffine(storedFromUpright(photo), {
      matrix: [scale, 0, 0, scale],
      offset: [crop.x, crop.y],
    });
    pixels.set(cutChip(photo.stored, toStored, inputSize), i * inputSize * inputSize * 3);
  });
  const { points } = await model.run({ data: pixels, shape: [crops.length, inputSize, inputSize, 3] });
  return crops.map((crop, i) =>
    Array.from({ length: 68 }, (_, k) => ({
      x: crop.x + crop.width * points!.data[(i * 68 + k) * 2]!,
      y: crop.y + crop.height * points!.data[(i * 68 + k) * 2 + 1]!,
    })),
  );
}
