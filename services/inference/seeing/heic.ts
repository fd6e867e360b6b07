import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { MainModule } from 'libheif-js/libheif-wasm/libheif.js';

const require = createRequire(import.meta.url);

/** Its own types leave the memory untyped. */
type Libheif = Omit<MainModule, 'HEAPU8'> & { HEAPU8: Uint8Array };

/** Pixels of a HEIC file as viewers show it, row by row without gaps: RGB, or RGBA where it has transparency. */
export interface HeicPixels {
  data: Buffer;
  width: number;
  height: number;
  channels: 3 | 4;
}

/** libheif refused a file. */
export class HeicError extends Error {
  override name = 'HeicError';
  /** The file is whole, but holds a kind of picture that libheif does not decode. */
  readonly isUnsupported: boolean;
  constructor(message: string, isUnsupported: boolean, options?: ErrorOptions) {
    super(message, options);
    this.isUnsupported = isUnsupported;
  }
}

/**
 * Decodes the primary picture of a HEIC or HEIF file to 8 bits, cropped, turned and mirrored as its properties say; an
 * orientation in its EXIF data is ignored, as by other viewers. Blocks the thread: 0.08 s per megapixel.
 * @param checkSize called with the upright size in pixels before anything is decoded; what it throws is rethrown.
 * @throws HeicError
 */
export function decodeHeic(bytes: Uint8Array, checkSize: (width: number, height: number) => void): HeicPixels {
  const { libheif, limitMemory } = startLibheif();
  const results = libheif._malloc(RESULT_BYTES);
  const resultAt = (offset: number) => new DataView(libheif.HEAPU8.buffer).getUint32(results + offset, true);
  /** Runs a call that writes its error to `results`, and what it makes behind. */
  const call = (run: (error: number, made: number) => void): number => {
    try {
      run(results, results + ERROR_BYTES);
    } catch (error) {
      throw new HeicError('it needs more memory than an image of its size should', false, { cause: error });
    }
    const code = resultAt(0);
    if (code !== 0) throw new HeicError(reasonAt(libheif, resultAt(8)), UNSUPPORTED.has(code));
    return resultAt(ERROR_BYTES);
  };

  const file = libheif._malloc(bytes.length);
  libheif.HEAPU8.set(bytes, file);
  const context = libheif._heif_context_alloc();
  call((error) => libheif._heif_context_read_from_memory_without_copy(error, context, file, bytes.length, 0));
  const handle = call((error, made) => libheif._heif_context_get_primary_image_handle(error, context, made));
  const width = libheif._heif_image_handle_get_width(handle);
  const height = libheif._heif_image_handle_get_height(handle);
  checkSize(width, height);
  limitMemory(bytes.length + width * height * MEMORY_PER_PIXEL);
  const channels = libheif._heif_image_handle_has_alpha_channel(handle) ? 4 : 3;
  const image = call((error, made) =>
    libheif._heif_decode_image(error, handle, made, COLORSPACE_RGB, channels === 4 ? CHROMA_RGBA : CHROMA_RGB, 0),
  );
  return { data: planeOf(libheif, image, { width, height, channels }, results), width, height, channels };
}

/** struct heif_error: code, subcode, message. */
const ERROR_BYTES = 12;
const RESULT_BYTES = ERROR_BYTES + 4;
/** heif_error_Unsupported_filetype, _Unsupported_feature and _Plugin_loading_error, as for codecs not built in. */
const UNSUPPORTED: ReadonlySet<number> = new Set([3, 4, 11]);
const COLORSPACE_RGB = 1;
const CHROMA_RGB = 10;
const CHROMA_RGBA = 11;
const CHANNEL_INTERLEAVED = 10;

/** A photo of 16.8 megapixels took 7.8 bytes per pixel; the same with 10 bits, alpha or tiles takes more. */
const MEMORY_PER_PIXEL = 24;
const START_MEMORY = 64 * 1024 * 1024;

let compiled: WebAssembly.Module | undefined;

/**
 * A libheif of its own for one file, since memory of WebAssembly never shrinks: it goes with the file. The compiled code
 * is kept; libheif itself is only started when a first file needs it.
 */
function startLibheif(): { libheif: Libheif; limitMemory: (bytes: number) => void } {
  compiled ??= new WebAssembly.Module(readFileSync(require.resolve('libheif-js/libheif-wasm/libheif.wasm')));
  const code = compiled;
  const createLibheif = require('libheif-js/libheif-wasm/libheif.js') as (options: object) => Libheif;
  let limit = START_MEMORY;
  const libheif = createLibheif({
    printErr: () => undefined,
    instantiateWasm(imports: WebAssembly.Imports, receive: (instance: WebAssembly.Instance) => void) {
      const instance = new WebAssembly.Instance(code, imports);
      limitGrowth(instance, () => limit);
      receive(instance);
      return instance.exports;
    },
  });
  return { libheif, limitMemory: (bytes) => (limit = START_MEMORY + bytes) };
}

/** Only the JavaScript around libheif grows its memory: where that fails, an allocation inside fails. */
function limitGrowth(instance: WebAssembly.Instance, limit: () => number): void {
  const memory = Object.values(instance.exports).find((value) => value instanceof WebAssembly.Memory)!;
  const grow = memory.grow.bind(memory);
  memory.grow = (pages) => {
    if (memory.buffer.byteLength + pages * 65_536 > limit()) throw new RangeError('over the limit');
    return grow(pages);
  };
}

/** The pixels of a decoded picture, copied out of the memory of libheif. */
function planeOf(libheif: Libheif, image: number, expected: Omit<HeicPixels, 'data'>, strideAt: number): Buffer {
  const width = libheif._heif_image_get_width(image, CHANNEL_INTERLEAVED);
  const height = libheif._heif_image_get_height(image, CHANNEL_INTERLEAVED);
  if (width !== expected.width || height !== expected.height)
    throw new HeicError(
      `it has ${width}×${height} pixels, but its header says ${expected.width}×${expected.height}`,
      false,
    );
  const plane = libheif._heif_image_get_plane_readonly(image, CHANNEL_INTERLEAVED, strideAt);
  const stride = new DataView(libheif.HEAPU8.buffer).getUint32(strideAt, true);
  const row = width * expected.channels;
  const data = Buffer.allocUnsafeSlow(row * height);
  for (let y = 0; y < height; y++)
    data.set(libheif.HEAPU8.subarray(plane + y * stride, plane + y * stride + row), y * row);
  return data;
}

/** The message of an error: "Kind: detail", of which the detail is enough. */
function reasonAt({ HEAPU8 }: Libheif, start: number): string {
  const text = Buffer.from(HEAPU8.subarray(start, HEAPU8.indexOf(0, start))).toString('utf8');
  return text.trim().replaceAll(/\s+/g, ' ').replace(/\.$/, '');
}
