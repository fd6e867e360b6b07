import {
  areaOf,
  centreOf,
  distanceOf,
  longerSideOf,
  moveBox,
  moveDetection,
  overlapOf,
  sharedArea,
  suppressOverlaps,
  type Box,
  type Detection,
} from './boxes.ts';
import {
  detect,
  inPhoto,
  isSameFace,
  lookAt,
  lookAtWhole,
  meanLandmarks,
  withSteadyLandmarks,
  type Looking,
} from './closer-look.ts';
import type { Detector } from './detector.ts';
import { uprightRaster, uprightRegion, type Photo } from './image.ts';
import type { Raster } from './raster.ts';
import { turnUpright } from './second-look.ts';
import { costOf, coverMarked, isCut, markDetail, pyramidScales, unmark, wholePixels } from './tiles.ts';

export interface LocateOptions {
  /** Score from which a detection is a face. */
  minConfidence: number;
  /** Longer side of the smallest face that is looked for, in pixels of the photo. */
  smallestFace: number;
  /**
   * Faces of this size are looked for in every photo; smaller ones where that is cheap, or where small faces or none
   * are seen.
   */
  commonFace: number;
  /** `one view`: faces that are sure in a view of the whole photo, or in one of a face that fills it, and no others. */
  search: 'thorough' | 'one view';
  /** True when nobody waits for the answer any more. */
  abandoned?: () => boolean;
}

/**
 * Every face of a photo, from the smallest asked for to one that fills the frame, in pixels of the upright photo.
 *
 * A pyramid of views: the whole photo at the detector's size, then ever larger ones, cut into tiles, of the places with
 * fine detail in the view before. What leaves a faint trace in a view is looked at again, cut out of the photo at the
 * size the detector sees best.
 */
export async function locateFaces(photo: Photo, detector: Detector, options: LocateOptions): Promise<Detection[]> {
  const scales = pyramidScales(
    Math.max(photo.width, photo.height),
    detector.inputSize,
    detector.sight.faintSize / options.smallestFace,
  );
  let level = levelAt(photo, scales[0]!);
  const whole = await uprightRaster(photo, level.width, level.height);
  const search: Search = { photo, whole, detector, options, abandoned: options.abandoned, found: [] };
  await searchWhole(search);
  await searchFrameFillingFace(search);
  const closer = options.search === 'thorough' ? scales.slice(1) : [];
  for (const [i, scale] of closer.entries()) {
    const next = levelAt(photo, scale);
    const raster = i === 0 ? whole : await uprightRaster(photo, level.width, level.height);
    const tiles = planTiles(search, raster, level, next);
    if (!isCheap(tiles, next, detector) && !smallerFacesExpected(search, level)) break;
    await searchTiles(search, next, tiles);
    level = next;
  }
  const upright: Detection[] = [];
  for (const face of suppressOverlaps(search.found, covers))
    upright.push(await turnUpright({ photo, detector, abandoned: options.abandoned }, face));
  return suppressOverlaps(upright, covers);
}

interface Search extends Looking {
  options: LocateOptions;
  found: Detection[];
}

/** Size of the whole photo at a scale. */
interface Level {
  scale: number;
  width: number;
  height: number;
}

function levelAt(photo: Photo, scale: number): Level {
  return {
    scale,
    width: Math.max(1, Math.round(photo.width * scale)),
    height: Math.max(1, Math.round(photo.height * scale)),
  };
}

function isCheap(tiles: readonly Box[], { width, height }: Level, { sight }: Detector): boolean {
  return costOf(tiles) <= Math.max(sight.cheapPixels, CHEAP_SHARE * width * height);
}

/** A level whose fine detail is gathered in a few places is looked at in every photo. */
const CHEAP_SHARE = 0.15;

/**
 * Standard deviation of the Laplacian in a block of 16 pixels. Sharp faces of 16 pixels have 42 or more (18 faces of
 * sample photos in their surroundings, 40 crops); of the blocks of ordinary photos 13 to 40 % have more than 12.
 */
const MIN_DETAIL = 16;

/** Tiles of `next` over the fine detail of `level`, which `raster` shows, outside the faces that were found. */
function planTiles({ photo, detector, found }: Search, raster: Raster, level: Level, next: Level): Box[] {
  const detail = markDetail(raster, MIN_DETAIL);
  for (const { box } of found)
    unmark(detail, moveBox(box, { x: level.width / photo.width, y: level.height / photo.height }));
  return coverMarked(detail, {
    width: next.width,
    height: next.height,
    zoom: next.scale / level.scale,
    margin: 1.1 * detector.sight.faintSize,
    maxSide: detector.inputSize,
  });
}

/**
 * Faces of a photo are of related sizes. A level that costs much is worth it while common faces leave no trace in the
 * level before, while the smallest face found is small there, and while none is found at all.
 */
function smallerFacesExpected({ detector, options, found }: Search, level: Level): boolean {
  const { naturalSize, faintSize } = detector.sight;
  if (found.length === 0 || options.commonFace * level.scale < naturalSize) return true;
  return Math.min(...found.map(({ box }) => longerSideOf(box))) * level.scale < faintSize;
}

async function searchWhole(search: Search): Promise<void> {
  const { whole } = search;
  const seen = await detect(search, whole);
  await judge(
    search,
    seen.map((detection) => ({
      ...inPhoto(search, detection),
      cut: false,
      scale: whole.width / search.photo.width,
    })),
  );
}

async function searchTiles(search: Search, level: Level, tiles: readonly Box[]): Promise<void> {
  const { photo } = search;
  const seen: Seen[] = [];
  for (const tile of tiles) {
    const region = wholePixels(tile, level, photo);
    const raster = await uprightRegion(photo, region, tile.width, tile.height);
    const toPhoto = { x: region.width / tile.width, y: region.height / tile.height };
    for (const detection of await detect(search, raster)) {
      const moved = moveDetection(detection, toPhoto, region);
      seen.push({ ...moved, cut: isCut(moved.box, region, photo, 2 * toPhoto.x), scale: level.scale });
    }
  }
  await judge(search, seen);
}

/** A detection, whether its tile shows only a part of it, and how many pixels of the view one of the photo was. */
type Seen = Detection & { cut: boolean; scale: number };

/**
 * Detectors miss faces that fill the frame. Unless a large one was found, the whole photo is looked at again inside a
 * margin, at sizes where a face of 40 to 95 % of its longer side is as large as the detector likes. These views are cut
 * out of the raster that the detector saw: to cut them out of the photo took 320 ms more of CPU time on 24 megapixels,
 * 25 ms on two.
 */
async function searchFrameFillingFace(search: Search): Promise<void> {
  const { photo, found } = search;
  const isLarge = ({ box }: Detection) => longerSideOf(box) >= 0.3 * Math.min(photo.width, photo.height);
  if (found.some(isLarge)) return;
  const centre = { x: photo.width / 2, y: photo.height / 2 };
  const seen: Seen[] = [];
  for (const { side, view } of FRAME_VIEWS) {
    const scale = side / Math.max(photo.width, photo.height);
    for (const detection of await lookAtWhole(search, centre, { scale, side: view }))
      seen.push({ ...detection, cut: false, scale });
  }
  await judge(search, seen.filter(isLarge), either);
}

/** Longer side of the photo, and side of the square view it is laid in, in pixels of the detector's input. */
const FRAME_VIEWS = [
  { side: 60, view: 128 },
  { side: 92, view: 128 },
  { side: 140, view: 192 },
];

/** Two looks at one place as one score. */
type Agreement = (better: number, worse: number) => number;

const mean: Agreement = (better, worse) => (better + worse) / 2;

/**
 * Chance that at least one of two independent looks is right. In 60 parts of photos without a face no large box came
 * near it.
 */
const either: Agreement = (better, worse) => 1 - (1 - better) * (1 - worse);

/**
 * Takes what is certain, and looks closer at what is faint, seen in part, or too small for its landmarks to be trusted,
 * the best first.
 */
async function judge(search: Search, seen: Seen[], agreement: Agreement = mean): Promise<void> {
  const {
    detector: { sight },
    options,
    found,
  } = search;
  const certain = seen.filter(({ score, cut }) => score >= options.minConfidence && !cut);
  for (const { cut: _, scale, ...detection } of suppressOverlaps(certain, covers)) {
    if (found.some((face) => covers(face, detection))) continue;
    const needsCloserLook = detection.landmarks && longerSideOf(detection.box) * scale < sight.faintSize;
    const closer = needsCloserLook
      ? await lookCloser(search, detection.box, agreement)
      : await withSteadyLandmarks(search, detection);
    found.push(closer && covers(closer, detection) ? closer : detection);
  }
  if (options.search === 'one view') return;
  const doubtful = suppressOverlaps(seen, (a, b) => overlapOf(a.box, b.box) > 0.4);
  for (const candidate of doubtful.slice(0, MAX_CLOSE_UPS)) {
    if (found.some((face) => covers(face, candidate))) continue;
    const face = await lookCloser(search, candidate.box, agreement);
    if (face && !found.some((other) => covers(other, face))) found.push(face);
  }
}

/** Faint traces looked at in one level: a crowd of 500 fits, a meadow does not take for ever. */
const MAX_CLOSE_UPS = 600;

/**
 * A face at `box`, if two closer looks, the better of three, agree on it. One look alone took a bottle for a face, and
 * of faces it lost one in twenty. Each look is centred on what the one before saw.
 */
async function lookCloser(search: Search, box: Box, agreement: Agreement): Promise<Detection | null> {
  const { closeUpSize } = search.detector.sight;
  const { minConfidence } = search.options;
  const looks: Detection[] = [];
  let expected = box;
  for (const size of [closeUpSize, 0.9 * closeUpSize, 1.1 * closeUpSize]) {
    const seen = await lookAt(search, centreOf(expected), {
      scale: size / longerSideOf(expected),
      side: CLOSE_UP_VIEW,
    });
    const [best] = suppressOverlaps(
      seen.filter((detection) => isSameFace(detection.box, expected)),
      covers,
    );
    if (!best) return null;
    looks.push(best);
    looks.sort((first, second) => second.score - first.score);
    const score = agreement(looks[0]!.score, looks[1]?.score ?? 0);
    if (score >= minConfidence) return { ...looks[0]!, ...meanLandmarks(looks.slice(0, 2)), score };
    if (looks[0]!.score < GIVE_UP_SHARE * minConfidence) return null;
    expected = best.box;
  }
  return null;
}

/**
 * A look with a lower share of the score asked for is the last: in 16 group photos that saved 5 to 8 % of the runs and
 * cost no face.
 */
const GIVE_UP_SHARE = 0.3;

const CLOSE_UP_VIEW = 128;

/**
 * Whether two detections are one face: they overlap, the other lies mostly inside, or it lies around the kept one with
 * the same centre.
 */
function covers(kept: Detection, other: Detection): boolean {
  const shared = sharedArea(kept.box, other.box);
  return (
    overlapOf(kept.box, other.box) > 0.4 ||
    shared > 0.7 * areaOf(other.box) ||
    (shared > 0.9 * areaOf(kept.box) && distanceOf(kept.box, other.box) < 0.15 * longerSideOf(other.box))
  );
}
