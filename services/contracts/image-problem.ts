/**
 * Why the inference server rejected an image. It reaches the API in the gRPC trailer `IMAGE_PROBLEM_TRAILER` of an
 * INVALID_ARGUMENT answer; the API passes it on as the problem's `code`.
 */
export const IMAGE_PROBLEMS = [
  'not_an_image',
  'unsupported_format',
  'image_damaged',
  'image_too_many_pixels',
  'image_too_large',
] as const;

export type ImageProblem = (typeof IMAGE_PROBLEMS)[number];

export const IMAGE_PROBLEM_TRAILER = 'facepass-image-problem';
