import { fitWithin, type Box, type Size } from '../parts/geometry.ts';

export interface UploadLimits {
  maxBytes: number;
  /** Pixels of the longer side. */
  maxSide: number;
}

export interface Prepared {
  image: Blob;
  /**
   * Of the upright picture as it is sent, to which the boxes of the answer refer; `null` where the browser cannot
   * decode it.
   */
  size: Size | null;
}

/**
 * The service reads HEIC too, but takes 0.08 s of a core for each megapixel, JPEG a tenth: a browser that can decode
 * it turns it into JPEG, as it does with formats that the service does not read.
 */
const SENT_AS_THEY_ARE = new Set(['image/jpeg', 'image/png', 'image/webp', 'image/avif']);

/**
 * A picture as the service takes it: itself, when it is inside the limits, else a smaller JPEG made in the browser.
 * What the browser cannot decode is sent as it is, so that the service says what is wrong.
 */
export async function prepareUpload(file: Blob, limits: UploadLimits): Promise<Prepared> {
  const bitmap = await createImageBitmap(file).catch(() => null);
  if (!bitmap) return { image: file, size: null };
  try {
    const whole = { width: bitmap.width, height: bitmap.height };
    const fits = file.size <= limits.maxBytes && Math.max(whole.width, whole.height) <= limits.maxSide;
    return fits && SENT_AS_THEY_ARE.has(file.type) ? { image: file, size: whole } : await shrink(bitmap, limits);
  } finally {
    bitmap.close();
  }
}

/** Part of a picture, as a JPEG; `part` is in pixels of the picture as it was when it measured `size`. */
export async function cutOut(file: Blob, size: Size, part: Box): Promise<Blob> {
  const bitmap = await createImageBitmap(file);
  const scale = bitmap.width / size.width;
  const canvas = document.createElement('canvas');
  canvas.width = Math.round(part.width * scale);
  canvas.height = Math.round(part.height * scale);
  contextOf(canvas).drawImage(bitmap, -part.x * scale, -part.y * scale);
  bitmap.close();
  return jpegOf(canvas);
}

async function shrink(bitmap: ImageBitmap, limits: UploadLimits): Promise<Prepared> {
  let size = fitWithin(bitmap, limits.maxSide);
  let image = await encode(bitmap, size);
  while (image.size > limits.maxBytes) {
    size = fitWithin(size, Math.max(size.width, size.height) * 0.8);
    image = await encode(bitmap, size);
  }
  return { image, size: { width: size.width, height: size.height } };
}

function encode(bitmap: ImageBitmap, { width, height }: Size): Promise<Blob> {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const context = contextOf(canvas);
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, width, height);
  return jpegOf(canvas);
}

function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext('2d');
  if (!context) throw new Error('This browser does not support canvas.');
  return context;
}

async function jpegOf(canvas: HTMLCanvasElement): Promise<Blob> {
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.92));
  // Safari keeps a canvas's pixels until it is collected; a folder of photos would fill its memory.
  canvas.width = canvas.height = 0;
  if (!blob) throw new Error('This browser could not encode the photo.');
  return blob;
}
