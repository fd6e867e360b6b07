import { formatProblemOf } from '@facepass/contracts/image-format';
import { Busboy } from '@fastify/busboy';
import type { Request, RequestHandler } from 'express';
import { ApiProblem, type ProblemCode } from './errors.ts';

/** What a call brought: its text fields, as sent, and the image if there was one. It lives in memory only. */
export interface Upload {
  fields: Record<string, unknown>;
  image: Buffer | null;
}

/**
 * Reads a call that may carry an image: multipart/form-data with the file in `image`; a bare image/jpeg, image/png or
 * image/webp body; or JSON without an image. Fields may stand in the query as well, and in the path.
 * @throws ApiProblem on a body of another type, malformed, cut off or over `maxImageBytes`.
 */
export async function readUpload(request: Request, maxImageBytes: number): Promise<Upload> {
  const { image, fields } = await readByType(request, maxImageBytes);
  if (image) requireImageSignature(image);
  const outside = { ...request.query, ...request.params };
  const twice = Object.keys(outside).find((name) => Object.hasOwn(fields, name));
  if (twice !== undefined) throw fieldProblem(twice, 'must be given once');
  return { image, fields: { ...outside, ...fields } };
}

function readByType(request: Request, maxImageBytes: number): Promise<Upload> {
  const type = mediaType(request);
  if (type === 'multipart/form-data') return readMultipart(request, maxImageBytes);
  if (IMAGE_TYPES.has(type))
    return readBytes(request, maxImageBytes, 'image_too_large').then((image) => ({ fields: {}, image }));
  if (type === 'application/json')
    return readJson(request, 16_384).then((body) => ({ fields: objectOf(body), image: null }));
  throw new ApiProblem(
    'unsupported_media_type',
    `The content type ${JSON.stringify(type.slice(0, 100))} is not accepted here.`,
  );
}

/**
 * The JSON body of a call.
 * @throws ApiProblem when it is no JSON, or more than `maxBytes`.
 */
export async function readJson(request: Request, maxBytes: number): Promise<unknown> {
  const type = mediaType(request);
  if (type !== 'application/json') throw new ApiProblem('unsupported_media_type', 'The body must be application/json.');
  const body = await readBytes(request, maxBytes, 'body_too_large');
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw new ApiProblem('malformed_body', 'The body is not JSON in UTF-8.');
  }
}

/** Middleware that bounds the images in memory: over `limit` requests at a time it answers 503. */
export function limitConcurrentUploads(limit: number): RequestHandler {
  let underWay = 0;
  return (_request, response, next) => {
    if (underWay >= limit) throw new ApiProblem('overloaded', `${limit} uploads are under way.`);
    underWay += 1;
    response.once('close', () => (underWay -= 1));
    next();
  };
}

function objectOf(body: unknown): Upload['fields'] {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Upload['fields'];
  throw new ApiProblem('malformed_body', 'The body is not a JSON object.');
}

function readMultipart(request: Request, maxImageBytes: number): Promise<Upload> {
  const maxBodyBytes = maxImageBytes + FORM_OVERHEAD_BYTES;
  refuseDeclaredLength(request, maxBodyBytes, 'image_too_large');
  const parser = createParser(request, maxImageBytes);
  return new Promise((resolve, reject) => {
    const fields: Upload['fields'] = Object.create(null);
    let image: Buffer | null = null;
    let received = 0;
    const refuse = (problem: ApiProblem) => {
      request.unpipe(parser);
      discardRest(request);
      reject(problem);
    };
    parser.on('field', (name, value, nameTruncated, valueTruncated) => {
      if (nameTruncated || valueTruncated) refuse(fieldProblem(name, `must be at most ${FIELD_BYTES} bytes`));
      else if (name in fields) refuse(fieldProblem(name, 'must be given once'));
      else fields[name] = value;
    });
    parser.on('file', (name, file) => {
      const chunks: Buffer[] = [];
      // A dropped upload emits `error` on the file as well; without a listener it ends the process.
      file.on('error', () => refuse(CUT_OFF()));
      file.on('limit', () => refuse(tooLarge('image_too_large', maxImageBytes)));
      file.on('data', (chunk: Buffer) => chunks.push(chunk));
      file.on('end', () => (image = Buffer.concat(chunks)));
      if (name !== 'image') refuse(fieldProblem(name, 'is not known; the file belongs in the field image'));
    });
    parser.on('filesLimit', () => refuse(fieldProblem('image', 'must be given once')));
    parser.on('fieldsLimit', () => refuse(new ApiProblem('malformed_body', `There are more than ${FIELDS} fields.`)));
    parser.on('partsLimit', () => refuse(new ApiProblem('malformed_body', `There are more than ${FIELDS + 1} parts.`)));
    parser.on('error', (error) =>
      refuse(new ApiProblem('malformed_body', 'The multipart body is malformed or incomplete.', { cause: error })),
    );
    parser.on('finish', () => resolve({ fields, image }));
    request.on('data', (chunk: Buffer) => {
      received += chunk.length;
      if (received > maxBodyBytes) refuse(tooLarge('image_too_large', maxImageBytes));
    });
    request.once('close', () => !request.readableEnded && refuse(CUT_OFF()));
    request.once('error', () => refuse(CUT_OFF()));
    request.pipe(parser);
  });
}

const FIELDS = 8;
const FIELD_BYTES = 4096;
/** Room for the fields, part headers and boundaries around an image. */
const FORM_OVERHEAD_BYTES = 65_536;
const CUT_OFF = () => new ApiProblem('malformed_body', 'The body ended early.');

/** RFC 2046 bounds a boundary to 70 characters; from 253 on the parser's constructor throws. */
function createParser(request: Request, maxImageBytes: number) {
  const contentType = request.headers['content-type'] ?? '';
  const boundary = /;\s*boundary=(?:"([^"]*)"|([^;\s]*))/i.exec(contentType);
  const length = (boundary?.[1] ?? boundary?.[2] ?? '').length;
  if (length < 1 || length > 70)
    throw new ApiProblem('malformed_body', 'The multipart boundary must have 1 to 70 characters.');
  try {
    return new Busboy({
      headers: { ...request.headers, 'content-type': contentType },
      limits: {
        files: 1,
        fileSize: maxImageBytes,
        fields: FIELDS,
        fieldSize: FIELD_BYTES,
        parts: FIELDS + 1,
        headerPairs: 20,
        headerSize: 8192,
      },
      isPartAFile: (name, type, fileName) =>
        name === 'image' || fileName !== undefined || type === 'application/octet-stream',
    });
  } catch (cause) {
    throw new ApiProblem('malformed_body', 'The multipart header cannot be read.', { cause });
  }
}

async function readBytes(request: Request, maxBytes: number, code: ProblemCode): Promise<Buffer> {
  refuseDeclaredLength(request, maxBytes, code);
  const chunks: Buffer[] = [];
  let received = 0;
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      received += chunk.length;
      if (received > maxBytes) {
        discardRest(request);
        throw tooLarge(code, maxBytes);
      }
      chunks.push(chunk);
    }
  } catch (error) {
    throw error instanceof ApiProblem ? error : CUT_OFF();
  }
  return Buffer.concat(chunks);
}

/** Lets the client read its refusal, which it may do only after sending; one that sends on and on is cut off. */
function discardRest(request: Request): void {
  request.resume();
  const cut = setTimeout(() => request.destroy(), LINGER_MS);
  request.once('close', () => clearTimeout(cut));
}

const LINGER_MS = 2000;

function refuseDeclaredLength(request: Request, maxBytes: number, code: ProblemCode): void {
  if (request.headers['content-encoding'])
    throw new ApiProblem('unsupported_media_type', 'A Content-Encoding is not accepted.');
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) {
    discardRest(request);
    throw tooLarge(code, maxBytes);
  }
}

function tooLarge(code: ProblemCode, maxBytes: number): ApiProblem {
  return new ApiProblem(code, `It is more than ${maxBytes} bytes.`);
}

function fieldProblem(name: string | undefined, rule: string): ApiProblem {
  const field = (name ?? '').slice(0, 100);
  return new ApiProblem('invalid_parameter', `${field}: ${rule}`, { errors: [{ field, rule }] });
}

function mediaType(request: Request): string {
  return (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

const IMAGE_TYPES = new Set(['image/jpeg', 'image/png', 'image/webp']);

/**
 * The real format is what the first bytes say, whatever the header or the name claims.
 * @throws ApiProblem unless they are those of a JPEG, PNG or WebP file of a kind that is decoded.
 */
export function requireImageSignature(image: Uint8Array): void {
  const refused = formatProblemOf(image);
  if (refused) throw new ApiProblem(refused.problem, refused.detail);
}
