import {
  JOB_PHOTOS_LIMIT,
  jobHead,
  jobPhoto,
  jobRequest,
  type JobHead,
  type JobPhoto,
  type JobRequest,
} from '@facepass/contracts/http';
import { ApiProblem } from '@facepass/indexing/errors';
import type { Request } from 'express';
import type { ImageMemory } from './image-memory.ts';
import { linesOf, mediaType, readJson } from './upload.ts';
import { fieldProblem, validated } from './validation.ts';

/** A request for a job: what it is, and its photos, some at a time, read as they are asked for. */
export interface IncomingJob {
  head: JobHead;
  photos: AsyncIterable<JobPhoto[]> | null;
}

/**
 * Reads a request for a job: JSON in one piece, or application/x-ndjson, which is never held as a whole: its first line
 * is the job, every other one a photo.
 * @throws ApiProblem, also while the photos are read
 */
export async function readJobRequest(request: Request, memory: ImageMemory): Promise<IncomingJob> {
  if (mediaType(request) === 'application/x-ndjson') return readLines(request);
  using receiving = memory.receive();
  const { photos, ...head }: JobRequest = validated(jobRequest, await readJson(request, JSON_BYTES, receiving));
  if (!photos === (head.s3_prefix === undefined))
    throw fieldProblem('photos', 'must be given, or s3_prefix, and not both');
  return { head, photos: photos ? chunksOf(photos) : null };
}

/** 100,000 photos with usual ids and keys; longer ones are sent as application/x-ndjson. */
const JSON_BYTES = 16 * 1024 * 1024;
/** One statement adds so many. */
const CHUNK_PHOTOS = 1000;
/** The longest id and key, every character escaped, stay below this. */
const LINE_BYTES = 16 * 1024;

async function* chunksOf(photos: JobPhoto[]): AsyncGenerator<JobPhoto[]> {
  for (let at = 0; at < photos.length; at += CHUNK_PHOTOS) yield photos.slice(at, at + CHUNK_PHOTOS);
}

async function readLines(request: Request): Promise<IncomingJob> {
  const lines = linesOf(request, LINE_BYTES);
  const first = await lines.next();
  if (first.done) throw new ApiProblem('malformed_body', 'The body has no lines.');
  const head = validated(jobHead, parsed(first.value, 1));
  if (head.s3_prefix === undefined) return { head, photos: photosOf(lines) };
  if (!(await lines.next()).done) throw fieldProblem('photos', 'must be given, or s3_prefix, and not both');
  return { head, photos: null };
}

async function* photosOf(lines: AsyncIterable<string>): AsyncGenerator<JobPhoto[]> {
  let chunk: JobPhoto[] = [];
  let count = 0;
  for await (const line of lines) {
    count += 1;
    if (count > JOB_PHOTOS_LIMIT) throw fieldProblem('photos', `must be 1 to ${JOB_PHOTOS_LIMIT} photos`);
    const photo = jobPhoto.safeParse(parsed(line, count + 1));
    if (!photo.success) throw fieldProblem(`line ${count + 1}`, ruleOf(photo.error.issues[0]));
    chunk.push(photo.data);
    if (chunk.length < CHUNK_PHOTOS) continue;
    yield chunk;
    chunk = [];
  }
  if (count === 0) throw fieldProblem('photos', `must be 1 to ${JOB_PHOTOS_LIMIT} photos`);
  if (chunk.length > 0) yield chunk;
}

function ruleOf(issue: { path: PropertyKey[]; message: string; code: string } | undefined): string {
  if (issue?.code === 'unrecognized_keys') return 'has a field that is not known';
  return [issue?.path.join('.'), issue?.message].filter(Boolean).join(': ');
}

function parsed(line: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new ApiProblem('malformed_body', `Line ${number} is not JSON.`);
  }
}
