import { crc32 } from 'node:zlib';

/**
 * Why a picture cannot be decoded, in words for its owner: what its structure shows, else what the decoder said, else
 * that the decoder said nothing. Never empty.
 */
export function reasonOfDamage(bytes: Uint8Array, error: unknown): string {
  return pngFaultOf(bytes) ?? reasonOfDecoder(error) ?? 'the data after its header are not a valid image';
}

/** libvips names its module before, and some errors have no text but the name of the operation that failed. */
function reasonOfDecoder(error: unknown): string | null {
  const lines = String((error as Error)?.message ?? '').split('\n');
  const texts = lines.map((line) => line.replace(/^(\w+: )?(Input buffer has corrupt header:)?\s*/, '').trim());
  return texts.find((text) => text !== '' && !/^(unknown error|\w+: ?|out of order read|bad seek)/i.test(text)) ?? null;
}

const PNG_SIGNATURE_BYTES = 8;

/** The first fault in the chunks of a PNG file; null where there is none, or the file is not PNG. */
function pngFaultOf(bytes: Uint8Array): string | null {
  if (bytes[0] !== 0x89 || bytes[1] !== 0x50) return null;
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let data = 0;
  for (let at = PNG_SIGNATURE_BYTES; ;) {
    if (at + 12 > file.length)
      return `the file is truncated ${data === 0 ? 'before' : 'after'} the start of its pixel data`;
    const length = file.readUInt32BE(at);
    const type = file.toString('latin1', at + 4, at + 8);
    if (!/^[A-Za-z]{4}$/.test(type)) return `the chunk name at byte ${at} is invalid`;
    if (at + 12 + length > file.length) return `the file is truncated in its ${type} chunk`;
    const body = file.subarray(at + 4, at + 8 + length);
    if (crc32(body) !== file.readUInt32BE(at + 8 + length)) return `the checksum of its ${type} chunk is wrong`;
    if (type === 'IDAT') data += length;
    if (type === 'IEND') return data === 0 ? 'it has no IDAT chunk' : null;
    at += 12 + length;
  }
}
