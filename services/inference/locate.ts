import { affineOf, composeAffine, cutChip } from './align.ts';
import { moveDetection, overlapOf, sharedArea, areaOf, suppressOverlaps, type Box, type Detection } from './boxes.ts';
import type { Detector } from './detector.ts';
import { storedFromUpright, uprightRaster, type Photo, type Raster } from './image.ts';
import { hasContrast, isCutByTile, planTiles, pyramidScales } from './tiles.ts';

/** The caller has gone: the work was given up between two runs of a network. */
export class Abandoned extends Error {
  override name = 'Abandoned';
}

export interface LocateOptions {
  /** Score from which a detection is a face. */
  minConfidence: number;
  /** Longer side of the smallest face that is looked for, in pixels of the photo. */
  smallestFace: number;
  /** Faces of this size are looked for in every photo; smaller ones where a photo shows small faces or none. */
  commonFace: number;
  /** True when nobody waits for the answer any more. */
  abandoned?: () => boolean;
}

/**
 * Every face of a photo, from the smallest asked for to one that fills the frame, in pixels of the upright photo.
 *
 * A pyramid of views: the whole photo at the detector's size, then tiles of ever larger scales, as long as smaller faces are to be
 * expected. What leaves a faint trace in a view is looked at again, cut out of the photo at the size the detector sees best.
 */
export async function locateFaces(photo: Photo, detector: Detector, options: LocateOptions): Promise<Detection[]> {
  const search = { photo, detector, options, found: [] as Detection[] };
  const longerSide = Math.max(photo.width, photo.height);
  const { faintSize } = detector.sight;
  let previous = 0;
  for (const scale of pyramidScales(longerSide, detector.inputSize, faintSize / options.smallestFace)) {
    if (previous > 0 && !smallerFacesExpected(search, previous)) break;
    const overlap = previous > 0 ? Math.ceil(1.1 * faintSize * (scale / previous)) : 0;
    await searchLevel(search, scale, overlap);
    if (previous === 0) await searchFrameFillingFace(search);
    previous = scale;
  }
  return suppressOverlaps(search.found, covers);
}

interface Search {
  photo: Photo;
  detector: Detector;
  options: LocateOptions;
  found: Detection[];
}

/**
 * Faces of a photo are of related sizes. The next level shows faces down to some two fifths of what this one shows; it is worth its cost
 * while common faces are too small for this one, while the smallest face found is small here, and while none is found at all.
 */
function smallerFacesExpected({ detector, options, found }: Search, scale: number): boolean {
  const { naturalSize, faintSize } = detector.sight;
  if (found.length === 0 || options.commonFace * scale < naturalSize) return true;
  return Math.min(...found.map(({ box }) => longerSideOf(box))) * scale < 1.3 * faintSize;
}

async function searchLevel(search: Search, scale: number, overlap: number): Promise<void> {
  const { photo, detector } = search;
  const raster = await uprightRaster(photo, Math.max(1, Math.round(photo.width * scale)), Math.max(1, Math.round(photo.height * scale)));
  const toPhoto = { x: photo.width / raster.width, y: photo.height / raster.height };
  const tiles = planTiles(raster.width, raster.height, detector.inputSize, overlap).filter((tile) => hasContrast(raster, tile, MIN_CONTRAST));
  const seen = [];
  for (const tile of tiles) {
    for (const detection of await detect(search, raster, tile))
      seen.push({ ...moveDetection(detection, toPhoto, { x: 0, y: 0 }), cut: isCutByTile(detection.box, tile, raster) });
  }
  await judge(search, seen);
}

/** A face's features differ by more grey values than these. */
const MIN_CONTRAST = 12;

/**
 * Detectors miss faces that fill the frame. Unless a large one was found, the whole photo is looked at again inside a margin, at sizes
 * where a face of 40 to 95 % of its longer side is as large as the detector likes.
 */
async function searchFrameFillingFace(search: Search): Promise<void> {
  const { photo, found } = search;
  const [shorterSide, longerSide] = [Math.min(photo.width, photo.height), Math.max(photo.width, photo.height)];
  const isLarge = ({ box }: Detection) => longerSideOf(box) >= 0.3 * shorterSide;
  if (found.some(isLarge)) return;
  const centre = { x: photo.width / 2, y: photo.height / 2 };
  const seen = [];
  for (const { side, view } of FRAME_VIEWS) seen.push(...(await lookAt(search, centre, side / longerSide, view)));
  await judge(search, seen.filter(isLarge).map((detection) => ({ ...detection, cut: false })));
}

/** Longer side of the photo, and side of the square view it is laid in, in pixels of the detector's input. */
const FRAME_VIEWS = [
  { side: 60, view: 128 },
  { side: 92, view: 128 },
  { side: 140, view: 192 },
];

/** Takes what is certain, and looks closer at what is faint or seen in part, the best first. */
async function judge(search: Search, seen: (Detection & { cut: boolean })[]): Promise<void> {
  const { options, found } = search;
  const certain = seen.filter(({ score, cut }) => score >= options.minConfidence && !cut);
  for (const { cut: _, ...detection } of suppressOverlaps(certain, covers)) {
    if (!found.some((face) => covers(face, detection))) found.push(detection);
  }
  const doubtful = suppressOverlaps(seen, (a, b) => overlapOf(a.box, b.box) > 0.4);
  for (const candidate of doubtful.slice(0, MAX_CLOSE_UPS)) {
    if (found.some((face) => covers(face, candidate))) continue;
    const face = await lookCloser(search, candidate.box);
    if (face && !found.some((other) => covers(other, face))) found.push(face);
  }
}

/** Faint traces looked at in one level: a crowd of 500 fits, a meadow does not take for ever. */
const MAX_CLOSE_UPS = 600;

/** A face at `box`, if a closer look finds one; the second try is centred on what the first one saw. */
async function lookCloser(search: Search, box: Box): Promise<Detection | null> {
  const { closeUpSize } = search.detector.sight;
  let expected = box;
  for (const size of [closeUpSize, 0.9 * closeUpSize]) {
    const centre = { x: expected.x + expected.width / 2, y: expected.y + expected.height / 2 };
    const seen = await lookAt(search, centre, size / longerSideOf(expected), CLOSE_UP_VIEW);
    const best = suppressOverlaps(seen.filter((detection) => isSameFace(detection.box, expected)), covers)[0];
    if (!best) return null;
    if (best.score >= search.options.minConfidence) return best;
    expected = best.box;
  }
  return null;
}

const CLOSE_UP_VIEW = 128;

/** Detections, in pixels of the photo, in a square view of `side` detector pixels around `centre`, at `scale` detector pixels per pixel. */
async function lookAt(search: Search, centre: { x: number; y: number }, scale: number, side: number): Promise<Detection[]> {
  const corner = { x: centre.x - side / 2 / scale, y: centre.y - side / 2 / scale };
  const toPhoto = affineOf({ a: 1 / scale, b: 0, x0: corner.x, y0: corner.y });
  const pixels = cutChip(search.photo.stored, composeAffine(storedFromUpright(search.photo), toPhoto), side);
  const seen = await detect(search, { pixels, width: side, height: side }, { x: 0, y: 0, width: side, height: side });
  return seen.map((detection) => moveDetection(detection, { x: 1 / scale, y: 1 / scale }, corner));
}

async function detect({ detector, options }: Search, raster: Raster, region: Box): Promise<Detection[]> {
  if (options.abandoned?.()) throw new Abandoned('nobody waits for the faces of this photo any more');
  return detector.detect(raster, region, detector.sight.faintScore);
}

/** Whether two detections are one face: they overlap, or the other lies mostly inside. */
function covers(kept: Detection, other: Detection): boolean {
  return overlapOf(kept.box, other.box) > 0.4 || sharedArea(kept.box, other.box) > 0.7 * areaOf(other.box);
}

/** Whether a closer look saw what it was to look at: near its centre, of its size give or take a factor of two. */
function isSameFace(seen: Box, expected: Box): boolean {
  const ratio = longerSideOf(seen) / longerSideOf(expected);
  const distance = Math.hypot(seen.x + seen.width / 2 - expected.x - expected.width / 2, seen.y + seen.height / 2 - expected.y - expected.height / 2);
  return ratio > 0.45 && ratio < 2.2 && distance < 0.5 * longerSideOf(expected);
}

function longerSideOf(box: Box): number {
  return Math.max(box.width, box.height);
}
