import { ApiProblem } from '@facepass/indexing/errors';

/** One part of a form: its field and its undecoded bytes. */
export interface Part {
  name: string;
  bytes: Buffer;
}

/**
 * Splits a complete multipart/form-data body into its parts (RFC 7578, RFC 2046 section 5.1.1). It rejects unreadable
 * parts instead of skipping them: a missing field would change the meaning of the call.
 * @throws ApiProblem malformed_body
 */
export function partsOf(body: Buffer, contentType: string, mostParts: number): Part[] {
  const delimiter = Buffer.from(`\r\n--${boundaryOf(contentType)}`, 'latin1');
  const parts: Part[] = [];
  let at = firstDelimiter(body, delimiter);
  for (;;) {
    const line = endOfDelimiterLine(body, at + delimiter.length);
    if (line.closes) return parts;
    if (parts.length === mostParts) throw malformed(`The form has more than ${mostParts} parts.`);
    const contentAt = endOfHeaders(body, line.end);
    // An empty part may share its last line break with the delimiter.
    const next = body.indexOf(delimiter, contentAt - 2);
    if (next === -1) throw malformed('The body ends before the closing boundary.');
    const headers = headersOf(body.toString('latin1', line.end, contentAt));
    parts.push({ name: fieldNameOf(headers), bytes: body.subarray(contentAt, Math.max(contentAt, next)) });
    at = next;
  }
}

function boundaryOf(contentType: string): string {
  const found = /;\s*boundary=(?:"([^"]*)"|([^;\s]*))/i.exec(contentType);
  const boundary = found?.[1] ?? found?.[2] ?? '';
  if (boundary.length < 1 || boundary.length > 70)
    throw malformed('The multipart boundary must have 1 to 70 characters.');
  return boundary;
}

/** The first delimiter may begin the body, without a line break before it; anything before it is ignored. */
function firstDelimiter(body: Buffer, delimiter: Buffer): number {
  if (body.subarray(0, delimiter.length - 2).equals(delimiter.subarray(2))) return -2;
  const at = body.indexOf(delimiter);
  if (at === -1) throw malformed('The body has no multipart boundary.');
  return at;
}

/** A delimiter may be followed by blanks (RFC 2046: transport-padding), then by the end of its line. */
function endOfDelimiterLine(body: Buffer, at: number): { end: number; closes: boolean } {
  if (body[at] === HYPHEN && body[at + 1] === HYPHEN) return { end: at + 2, closes: true };
  let end = at;
  while (body[end] === SPACE || body[end] === TAB) end += 1;
  if (body[end] !== CR || body[end + 1] !== LF) throw malformed('Other characters follow a boundary.');
  return { end: end + 2, closes: false };
}

const [HYPHEN, SPACE, TAB, CR, LF] = [0x2d, 0x20, 0x09, 0x0d, 0x0a];

function endOfHeaders(body: Buffer, at: number): number {
  const end = body.subarray(at, at + HEADER_BYTES).indexOf('\r\n\r\n');
  if (end === -1) throw malformed(`The header of a part does not end within ${HEADER_BYTES} bytes.`);
  return at + end + 4;
}

const HEADER_BYTES = 8192;

function headersOf(block: string): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of block
    .trimEnd()
    .replace(/\r\n[ \t]+/g, ' ')
    .split('\r\n')) {
    const [, name, value] = /^([\w!#$%&'*+.^`|~-]+):[ \t]*(.*)$/s.exec(line) ?? [];
    if (name === undefined || value === undefined) throw malformed('The header of a part is unreadable.');
    if (headers.has(name.toLowerCase())) throw malformed(`A part has the header ${name} twice.`);
    headers.set(name.toLowerCase(), value.trim());
  }
  return headers;
}

function fieldNameOf(headers: Map<string, string>): string {
  const encoding = headers.get('content-transfer-encoding')?.toLowerCase() ?? 'binary';
  if (!['binary', '8bit', '7bit'].includes(encoding))
    throw malformed('Content-Transfer-Encoding is not supported; send the bytes of each part unencoded.');
  const disposition = headers.get('content-disposition') ?? '';
  const parameters = /^form-data\s*((?:;\s*[\w*-]+\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^;"\s]*)\s*)+);?$/is.exec(
    disposition,
  )?.[1];
  const name = /;\s*name\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;"\s]*))/i.exec(parameters ?? '');
  if (!name) throw malformed('A part has no Content-Disposition: form-data with a name.');
  return (name[1] ?? name[2] ?? '').replace(/\\(.)/gs, '$1');
}

function malformed(detail: string): ApiProblem {
  return new ApiProblem('malformed_body', detail);
}
