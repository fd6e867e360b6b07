import sharp from 'sharp';
import type { ImageProblem } from '@facepass/contracts/image-problem';

/** What an uploaded picture may weigh; the sizes are those of the file's header, before it is turned upright. */
export interface ImageLimits {
  maxBytes: number;
  maxWidth: number;
  maxHeight: number;
  maxPixels: number;
}

/** The bytes are no picture that Facepass takes; `problem` says which rule they break, the message how. */
export class ImageError extends Error {
  override name = 'ImageError';
  readonly problem: ImageProblem;
  constructor(problem: ImageProblem, message: string) {
    super(message);
    this.problem = problem;
  }
}

sharp.cache(false);
