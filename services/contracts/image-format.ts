import { ACCEPTED_IMAGE_NAMES, ACCEPTED_IMAGES, RAW_ADVICE } from './accepted-images.ts';
import type { ImageProblem } from './image-problem.ts';

/**
 * What is wrong with the kind of some uploaded bytes, or null where they are a file of an accepted format and of a kind
 * of it that is decoded. The API and the inference server answer with the same code and the same sentence. The first
 * bytes decide, not a name or a content type.
 */
export function formatProblemOf(bytes: Uint8Array): { problem: ImageProblem; detail: string } | null {
  if (bytes.length === 0) return { problem: 'not_an_image', detail: 'The image is empty.' };
  const format = imageFormatOf(bytes);
  if (format === null) return { problem: 'not_an_image', detail: `The bytes are not an image. ${SEND}` };
  if (DECODED.has(format)) return null;
  const advice = /\braw\b/.test(format) ? `${RAW_ADVICE}.` : SEND;
  return { problem: 'unsupported_format', detail: `The image is ${format}. ${advice}` };
}

const SEND = `Send a ${ACCEPTED_IMAGE_NAMES} file.`;
/** HEIF is what HEIC files are called whose first brand does not name their codec. */
const DECODED: ReadonlySet<string> = new Set([...ACCEPTED_IMAGES.map(({ name }) => name), 'HEIF']);

/** Name of the format that the bytes announce, such as `PNG`, `HEIC` or `12-bit JPEG`; null where they announce none. */
export function imageFormatOf(bytes: Uint8Array): string | null {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, HEAD_BYTES)).toString('latin1');
  const format = SIGNATURES.find(([, pattern]) => pattern.test(start))?.[0] ?? (isSvg(start) ? 'SVG' : null);
  return format === 'JPEG' ? jpegKindOf(bytes) : format;
}

const HEAD_BYTES = 4096;

/** Longer signatures come before those they begin with. Formats of cameras that look like TIFF are told apart first. */
const SIGNATURES: [format: string, pattern: RegExp][] = [
  ['JPEG', /^\xff\xd8\xff/],
  ['CgBI PNG (of iOS applications)', /^\x89PNG\r\n\x1a\n[^]{4}CgBI/],
  ['PNG', /^\x89PNG\r\n\x1a\n/],
  ['WebP', /^RIFF[^]{4}WEBP/],
  ['GIF', /^GIF8[79]a/],
  ['HEIC', /^[^]{4}ftyp(heic|heix|hevc|hevx|heim|heis|hevm|hevs)/],
  ['AVIF', /^[^]{4}ftyp(avi[fs]|(mif[12]|msf1|miaf)([^]{4}){1,16}?avi[fs])/],
  ['HEIF', /^[^]{4}ftyp(mif[12]|msf1|miaf|heif)/],
  ['raw (Canon CR3)', /^[^]{4}ftypcrx /],
  ['raw (Canon CR2)', /^II\*\0[^]{4}CR/],
  ['raw (Canon CRW)', /^II[^]{4}HEAPCCDR/],
  ['raw (Fujifilm RAF)', /^FUJIFILMCCD-RAW/],
  ['raw (Olympus ORF)', /^(IIR[OS]|MMOR)/],
  ['raw (Panasonic RW2)', /^IIU\0/],
  ['raw (Sigma X3F)', /^FOVb/],
  ['raw (Minolta MRW)', /^\0MRM/],
  ['JPEG XR', /^II\xbc/],
  ['TIFF, or raw in TIFF (DNG, NEF, ARW)', /^(II[*+]\0|MM\0[*+])/],
  ['JPEG 2000', /^(\0\0\0\x0cjP {2}\r\n\x87\n|\0\0\0\x0cjP {2}|\xff\x4f\xff\x51)/],
  ['JPEG XL', /^(\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n)/],
  ['PSD', /^8BP[SB]\0[\x01\x02]/],
  ['PDF', /^%PDF-/],
  ['PostScript', /^(%!PS|\xc5\xd0\xd3\xc6)/],
  ['BMP', /^BM[^]{4}\0\0\0\0/],
  ['ICO', /^\0\0[\x01\x02]\0[^\0]\0/],
  ['ICNS', /^icns/],
  ['OpenEXR', /^v\/1\x01/],
  ['Radiance HDR', /^#\?(RADIANCE|RGBE)/],
  ['PNM', /^P([1-6]\s+(#[^\n]*\n\s*)*\d+\s|7\nWIDTH|[fF]\n-?\d)/],
  ['QOI', /^qoif/],
  ['DDS', /^DDS \x7c\0\0\0/],
  ['FITS', /^SIMPLE {2}=/],
  ['DICOM', /^[^]{128}DICM/],
  ['XCF', /^gimp xcf/],
  ['FLIF', /^FLIF[1-9A-Z]/],
  ['BPG', /^BPG\xfb/],
  ['MNG', /^[\x8a\x8b][MJ]NG\r\n\x1a\n/],
  ['PCX', /^\n[\0-\x05]\x01[\x01\x02\x04\x08]/],
  ['SGI', /^\x01\xda[\0\x01][\x01\x02]\0[\x01-\x03]/],
  ['Sun raster', /^\x59\xa6\x6a\x95/],
  ['WMF', /^\xd7\xcd\xc6\x9a/],
  ['EMF', /^\x01\0\0\0[^]{36} EMF/],
  ['XPM', /^\/\* XPM \*\//],
];

/** What may stand before the element `svg`: a byte order mark, space, declarations and comments, one after the other. */
function isSvg(start: string): boolean {
  let at = start.startsWith('\xef\xbb\xbf') ? 3 : 0;
  const prolog = /\s*(<\?[^>]*>|<!--[^]*?-->|<!doctype svg[^>[]*(\[[^\]]*\]\s*)?>)/iy;
  for (prolog.lastIndex = at; prolog.test(start);) at = prolog.lastIndex;
  return /^\s*<(\w{1,20}:)?svg[\s>/]/i.test(start.slice(at, at + 200));
}

/** Frame headers of JPEG that libjpeg-turbo does not decode to eight bits. */
const JPEG_KINDS: Record<number, string> = {
  0xc3: 'lossless JPEG',
  0xc5: 'hierarchical JPEG',
  0xc6: 'hierarchical JPEG',
  0xc7: 'lossless JPEG',
  0xcb: 'lossless JPEG',
  0xcd: 'hierarchical JPEG',
  0xce: 'hierarchical JPEG',
  0xcf: 'lossless JPEG',
  0xf7: 'JPEG-LS',
};

function jpegKindOf(bytes: Uint8Array): string {
  const frame = jpegFrameOf(bytes);
  const precision = frame ? bytes[frame.offset + 4] : undefined;
  const kind = frame && JPEG_KINDS[frame.marker];
  if (kind !== undefined) return kind;
  return precision !== undefined && precision > 8 && precision <= 16 ? `${precision}-bit JPEG` : 'JPEG';
}

/** The frame header (SOF) of a JPEG file: its marker and where it begins. Undefined where the file ends before it. */
export function jpegFrameOf(bytes: Uint8Array): { marker: number; offset: number } | undefined {
  for (let at = 2; at + 4 <= bytes.length;) {
    if (bytes[at] !== 0xff) return undefined;
    const marker = bytes[at + 1]!;
    if (marker === 0xff) at += 1;
    else if (isFrameMarker(marker)) return { marker, offset: at };
    else if (marker === 0xda || marker === 0xd9) return undefined;
    else at += 2 + ((bytes[at + 2]! << 8) | bytes[at + 3]!);
  }
  return undefined;
}

function isFrameMarker(marker: number): boolean {
  return (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) || marker === 0xf7;
}
