import { PassThrough, pipeline } from 'node:stream';
import { ACCEPTED_IMAGE_TYPES } from '@facepass/contracts/accepted-images';
import { ApiProblem, type ProblemCode } from '@facepass/indexing/errors';
import { requireImageSignature } from '@facepass/indexing/photo';
import type { Request } from 'express';
import type { ImageMemory, Receiving } from './image-memory.ts';
import { partsOf, type Part } from './multipart.ts';
import { parseQuery } from './query.ts';
import { fieldProblem, parametersOf } from './validation.ts';

/** The content of a call. It stays in memory only and occupies a place of `ImageMemory` until disposal. */
export interface Upload extends Disposable {
  /** Text fields, as sent. */
  fields: Record<string, unknown>;
  /** In the order in which they were sent. */
  images: Buffer[];
}

export interface UploadLimits {
  memory: ImageMemory;
  /** Maximum size of an image, and of all images of one call together. */
  maxImageBytes: number;
  maxImages: number;
  /** How often a field may be given that may be given more than once; its values are then a list. */
  repeatable?: Readonly<Record<string, number>>;
}

/**
 * Reads a call that may contain images: multipart/form-data with the files in `image`; a bare image body of an accepted
 * type, such as image/jpeg; or JSON without an image. Fields may also be in the query and in the path.
 * @throws ApiProblem if the body has another type, is malformed, cut off or over a limit; overloaded if memory is full
 */
export async function readUpload(request: Request, limits: UploadLimits): Promise<Upload> {
  using stack = new DisposableStack();
  const receiving = stack.use(limits.memory.receive());
  const { images, fields } = await readByType(request, limits, receiving);
  for (const image of images) requireImageSignature(image);
  const parameters = readFields(request, fields);
  receiving.hold();
  const held = stack.move();
  return { images, fields: parameters, [Symbol.dispose]: () => held.dispose() };
}

/** The fields of body, query and path together, in this API's words. */
function readFields(request: Request, fields: Upload['fields']): Upload['fields'] {
  const { query, params } = request;
  const parameters = parametersOf({ query: renamed(request, query), params }, renamed(request, fields));
  return translations.get(request)?.translate(parameters) ?? parameters;
}

/** How the fields of a request are read that another service's client sent. */
export interface FieldTranslation {
  /** This API's name of a field by its name in the request. */
  names: Readonly<Record<string, string>>;
  translate(fields: Record<string, unknown>): Record<string, unknown>;
}

const translations = new WeakMap<Request, FieldTranslation>();

/** Has `request` read by `translation`, also as application/x-www-form-urlencoded. */
export function translateFields(request: Request, translation: FieldTranslation): void {
  translations.set(request, translation);
}

function renamed(request: Request, fields: object): Record<string, unknown> {
  const { names = {} } = translations.get(request) ?? {};
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [names[name] ?? name, value]));
}

type Content = Pick<Upload, 'fields' | 'images'>;

async function readByType(request: Request, limits: UploadLimits, receiving: Receiving): Promise<Content> {
  const { maxImageBytes } = limits;
  const type = mediaType(request);
  if (type === 'multipart/form-data') {
    const maxBytes = maxImageBytes + FORM_OVERHEAD_BYTES;
    const body = await readBytes(request, {
      maxBytes,
      tooLarge: tooLarge('image_too_large', maxImageBytes),
      receiving,
    });
    const parts = partsOf(body, request.headers['content-type'] ?? '', mostParts(limits));
    const { names = {} } = translations.get(request) ?? {};
    return contentOf(
      parts.map((part) => ({ ...part, name: names[part.name] ?? part.name })),
      limits,
    );
  }
  if (IMAGE_TYPES.has(type)) {
    const maxBytes = maxImageBytes;
    const body = await readBytes(request, { maxBytes, tooLarge: tooLarge('image_too_large', maxBytes), receiving });
    return { fields: {}, images: [body] };
  }
  if (type === 'application/json')
    return { fields: objectOf(await readJson(request, FORM_OVERHEAD_BYTES)), images: [] };
  if (type === 'application/x-www-form-urlencoded' && translations.has(request)) {
    const maxBytes = FORM_OVERHEAD_BYTES;
    const body = await readBytes(request, { maxBytes, tooLarge: tooLarge('body_too_large', maxBytes), receiving });
    return { fields: { ...parseQuery(textOf('form', body)) }, images: [] };
  }
  throw new ApiProblem(
    'unsupported_media_type',
    `This call does not accept the content type ${JSON.stringify(type.slice(0, 100))}.`,
  );
}

const FIELDS = 12;
const FIELD_BYTES = 4096;
/** Room for the fields, part headers and boundaries around the images. */
export const FORM_OVERHEAD_BYTES = 65_536;

function mostParts({ maxImages, repeatable = {} }: UploadLimits): number {
  return FIELDS + maxImages + Object.values(repeatable).reduce((sum, times) => sum + times, 0);
}

function contentOf(parts: Part[], { maxImageBytes, maxImages, repeatable = {} }: UploadLimits): Content {
  const fields: Upload['fields'] = Object.create(null) as Upload['fields'];
  const images: Buffer[] = [];
  for (const { name, bytes } of parts) {
    if (name === 'image') {
      if (bytes.length > maxImageBytes) throw tooLarge('image_too_large', maxImageBytes);
      if (images.length === maxImages)
        throw fieldProblem(name, maxImages === 1 ? 'must be given once' : `must be given at most ${maxImages} times`);
      images.push(bytes);
    } else if (name in fields && !Object.hasOwn(repeatable, name)) throw fieldProblem(name, 'must be given once');
    else if (bytes.length > FIELD_BYTES) throw fieldProblem(name, `must be at most ${FIELD_BYTES} bytes`);
    else if (name in fields) fields[name] = [fields[name], textOf(name, bytes)].flat();
    else fields[name] = textOf(name, bytes);
  }
  return { fields, images };
}

/** Decodes strict UTF-8: a lenient decoder merges two ids into one, and a byte order mark is part of the id. */
function textOf(name: string, bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw fieldProblem(name, 'must be text in UTF-8');
  }
}

/**
 * Reads the JSON body of a call.
 * @param receiving counts the bytes of a body that may be long
 * @throws ApiProblem if it is not JSON or exceeds `maxBytes`
 */
export async function readJson(request: Request, maxBytes: number, receiving?: Receiving): Promise<unknown> {
  const type = mediaType(request);
  if (type !== 'application/json') throw new ApiProblem('unsupported_media_type', 'The body must be application/json.');
  const body = await readBytes(request, { maxBytes, tooLarge: tooLarge('body_too_large', maxBytes), receiving });
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw new ApiProblem('malformed_body', 'The body is not JSON in UTF-8.');
  }
}

/**
 * The JSON body of a call, in this API's words.
 * @throws ApiProblem as `readJson` does
 */
export async function readJsonFields(request: Request, maxBytes: number, receiving?: Receiving): Promise<unknown> {
  const body = await readJson(request, maxBytes, receiving);
  const translation = translations.get(request);
  return translation ? translation.translate(renamed(request, objectOf(body))) : body;
}

function objectOf(body: unknown): Upload['fields'] {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Upload['fields'];
  throw new ApiProblem('malformed_body', 'The body is not a JSON object.');
}

interface BodyLimits {
  maxBytes: number;
  /** The problem of a longer body. */
  tooLarge: ApiProblem;
  receiving?: Receiving;
}

async function readBytes(request: Request, limits: BodyLimits): Promise<Buffer> {
  requireIdentityEncoding(request);
  const chunks: Buffer[] = [];
  let received = 0;
  try {
    if (Number(request.headers['content-length'] ?? 0) > limits.maxBytes) throw limits.tooLarge;
    const chunksOfBody = request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
    for await (const chunk of chunksOfBody) {
      received += chunk.length;
      if (received > limits.maxBytes) throw limits.tooLarge;
      limits.receiving?.add(chunk.length);
      chunks.push(chunk);
    }
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw new ApiProblem('malformed_body', 'The body ended early.');
    discardRest(request);
    throw error;
  }
  return Buffer.concat(chunks);
}

/**
 * The lines of a body in UTF-8, one after the other; empty ones are left out. At most 16 MiB are read ahead: a request
 * must arrive within REQUEST_TIMEOUT_MS, however long what is done with its lines takes.
 * @throws ApiProblem malformed_body, body_too_large when a line is longer than `maxBytes`
 */
export async function* linesOf(request: Request, maxBytes: number): AsyncGenerator<string> {
  requireIdentityEncoding(request);
  const ahead = pipeline(request, new PassThrough({ highWaterMark: READ_AHEAD_BYTES }), () => undefined);
  let rest = Buffer.alloc(0);
  try {
    for await (const chunk of ahead.iterator({ destroyOnReturn: false })) {
      let bytes = Buffer.concat([rest, chunk]);
      for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10)) {
        if (end > maxBytes) throw tooLongALine(maxBytes);
        const line = textOfLine(bytes.subarray(0, end));
        bytes = bytes.subarray(end + 1);
        if (line) yield line;
      }
      if (bytes.length > maxBytes) throw tooLongALine(maxBytes);
      rest = bytes;
    }
    const last = textOfLine(rest);
    if (last) yield last;
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw new ApiProblem('malformed_body', 'The body ended early.');
    throw error;
  } finally {
    ahead.resume();
    if (!request.complete) discardRest(request);
  }
}

const READ_AHEAD_BYTES = 16 * 1024 * 1024;

function textOfLine(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).trim();
  } catch {
    throw new ApiProblem('malformed_body', 'The body is not UTF-8.');
  }
}

function tooLongALine(maxBytes: number): ApiProblem {
  return new ApiProblem('body_too_large', `A line exceeds ${maxBytes} bytes.`);
}

/** Reads the rest of the body, because clients may read the answer only after sending; cuts off clients that never stop. */
function discardRest(request: Request): void {
  request.resume();
  const cut = setTimeout(() => request.destroy(), LINGER_MS);
  request.once('close', () => clearTimeout(cut));
}

const LINGER_MS = 2000;

function requireIdentityEncoding(request: Request): void {
  const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? '';
  if (encoding !== '' && encoding !== 'identity')
    throw new ApiProblem('unsupported_media_type', 'Content-Encoding is not supported; send the body unencoded.');
}

function tooLarge(code: ProblemCode, maxBytes: number): ApiProblem {
  const what = code === 'image_too_large' ? 'image' : 'body';
  return new ApiProblem(code, `The ${what} exceeds ${maxBytes} bytes.`);
}

/** The type of the body, without its parameters. */
export function mediaType(request: Request): string {
  return (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

const IMAGE_TYPES: ReadonlySet<string> = new Set(ACCEPTED_IMAGE_TYPES);
