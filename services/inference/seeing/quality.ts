import { fivePoints } from './align.ts';
import { areaOf, sharedArea, type Box, type Point } from './boxes.ts';

/** How well a face can be compared. */
export interface FaceQuality {
  /** The three below in one figure, 0 to 1. */
  score: number;
  /** Shorter side of the box, in pixels of the photo. */
  sizePixels: number;
  /** 0 to 1. */
  sharpness: number;
  /** 1 is frontal, 0 is profile. */
  frontality: number;
}

/**
 * `not_a_face`: the detector saw a face, the recogniser or a second look did not. `over_limit`: a face beyond the
 * number that is kept of a photo; only faces that are kept are looked at closely.
 */
export const REJECT_REASONS = [
  'too_small',
  'blurred',
  'extreme_pose',
  'truncated',
  'not_a_face',
  'over_limit',
] as const;
export type RejectReason = (typeof REJECT_REASONS)[number];

/** A face below one of these is refused. They err on the side of keeping: a lost photo is worse than a weak face. */
export interface QualityLimits {
  minSizePixels: number;
  minSharpness: number;
  minFrontality: number;
  /** Share of the box that must lie inside the photo. */
  minInside: number;
}

/** Of faces of 12 pixels one in five is found by a selfie, of 10 pixels three in a hundred (docs/decisions/0047). */
export const DEFAULT_QUALITY_LIMITS: QualityLimits = {
  minSizePixels: 12,
  minSharpness: 0.02,
  minFrontality: 0.05,
  minInside: 0.5,
};

/**
 * Quality of a face from its box, its landmarks and its aligned chip (8-bit RGB, `side` square).
 */
export function qualityOf(
  face: { box: Box; landmarks: readonly Point[] },
  chip: Uint8Array,
  side: number,
): FaceQuality {
  const sizePixels = Math.min(face.box.width, face.box.height);
  const sharpness = sharpnessOf(chip, side);
  const frontality = frontalityOf(face.landmarks);
  return { score: Math.cbrt(sizeShare(sizePixels) * sharpness * frontality), sizePixels, sharpness, frontality };
}

/** Why a face is refused, or null when it is good enough. */
export function rejectReasonOf(
  box: Box,
  quality: FaceQuality,
  photo: { width: number; height: number },
  limits: QualityLimits,
): RejectReason | null {
  if (quality.sizePixels < limits.minSizePixels) return 'too_small';
  if (sharedArea(box, { x: 0, y: 0, ...photo }) < limits.minInside * areaOf(box)) return 'truncated';
  if (quality.frontality < limits.minFrontality) return 'extreme_pose';
  if (quality.sharpness < limits.minSharpness) return 'blurred';
  return null;
}

/** 1 from the size at which a chip holds no more detail than the network takes. */
function sizeShare(sizePixels: number): number {
  return Math.min(1, sizePixels / 100);
}

/** Variance of the Laplacian of the chip's green channel, mapped to 0 to 1: `v / (v + TYPICAL_VARIANCE)`. */
export function sharpnessOf(chip: Uint8Array, side: number): number {
  let [sum, squares] = [0, 0];
  const row = side * 3;
  for (let y = 1; y < side - 1; y++) {
    for (let at = y * row + 4, end = (y + 1) * row - 3; at < end; at += 3) {
      const laplacian = chip[at - 3]! + chip[at + 3]! + chip[at - row]! + chip[at + row]! - 4 * chip[at]!;
      sum += laplacian;
      squares += laplacian * laplacian;
    }
  }
  const count = (side - 2) ** 2;
  const variance = squares / count - (sum / count) ** 2;
  return variance / (variance + TYPICAL_VARIANCE);
}

const TYPICAL_VARIANCE = 100;

/**
 * How far the face looks at the camera: the tip of the nose lies midway between the eyes, and a little over half the
 * way down to the mouth.
 */
export function frontalityOf(landmarks: readonly Point[]): number {
  const [left, right, nose, mouthLeft, mouthRight] = fivePoints(landmarks) as [Point, Point, Point, Point, Point];
  const eyes = middleOf(left, right);
  const mouth = middleOf(mouthLeft, mouthRight);
  const down = { x: mouth.x - eyes.x, y: mouth.y - eyes.y };
  const height = Math.hypot(down.x, down.y);
  if (height === 0) return 0;
  const [ux, uy] = [down.x / height, down.y / height];
  const aside = ((nose.x - eyes.x) * uy - (nose.y - eyes.y) * ux) / height;
  const below = ((nose.x - eyes.x) * ux + (nose.y - eyes.y) * uy) / height;
  const yaw = Math.abs(aside) / PROFILE_OFFSET;
  const pitch = Math.max(0, Math.abs(below - 0.55) - 0.15) / 0.45;
  return Math.max(0, 1 - yaw) * Math.max(0, 1 - pitch);
}

/** Distance of the nose from the axis of a face in profile, in units of the distance between eyes and mouth. */
const PROFILE_OFFSET = 0.75;

function middleOf(a: Point, b: Point): Point {
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
}
