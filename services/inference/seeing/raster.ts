/** 8-bit RGB, interleaved, row by row: `pixels[(y * width + x) * 3 + channel]`. */
export interface Raster {
  pixels: Uint8Array;
  width: number;
  height: number;
}
