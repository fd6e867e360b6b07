import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import type { Box } from '../../../services/inference/seeing/boxes.ts';
import type { Contestant, Face } from './contestants.ts';
import type { Photo } from './people.ts';

/** The faces of photos, by path; the one nearest the middle of the picture first: whom the photo is of. */
export type FacesByPath = ReadonlyMap<string, readonly Face[]>;

/**
 * The faces that a contestant finds in `photos`. What it found in a file of the same bytes before is read from
 * `$XDG_CACHE_HOME/facepass/bench-event`, so that a second run takes seconds.
 */
export async function facesOfPhotos(contestant: Contestant, photos: readonly Photo[]): Promise<FacesByPath> {
  const kept = readKept(contestant.key);
  const found = new Map<string, Face[]>();
  let fresh = 0;
  for (const { path } of photos) {
    const picture = readFileSync(path);
    const hash = createHash('sha256').update(picture).digest('hex');
    const faces = (kept[hash] ??= (await contestant.facesOf(picture)).map(keep));
    if ((fresh += Number(!found.has(path))) % 100 === 0) writeKept(contestant.key, kept);
    found.set(path, await fromTheMiddle(picture, faces.map(given)));
  }
  writeKept(contestant.key, kept);
  return found;
}

async function fromTheMiddle(picture: Buffer, faces: Face[]): Promise<Face[]> {
  if (faces.length < 2) return faces;
  const { autoOrient } = await sharp(picture).metadata();
  return faces.sort((a, b) => offMiddle(a.box, autoOrient) - offMiddle(b.box, autoOrient));
}

/** How far the middle of a face is from that of the picture, in pixels. */
export function offMiddle(box: Box, { width, height }: { width: number; height: number }): number {
  return Math.hypot(box.x + (box.width - width) / 2, box.y + (box.height - height) / 2);
}

interface KeptFace extends Omit<Face, 'embedding' | 'quality'> {
  quality: number | null;
  embedding: string;
}

const folder = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'facepass/bench-event');

function readKept(key: string): Record<string, KeptFace[]> {
  const path = join(folder, `${key}.json`);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Record<string, KeptFace[]>) : {};
}

function writeKept(key: string, kept: Record<string, KeptFace[]>): void {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${key}.json`);
  writeFileSync(`${path}.new`, JSON.stringify(kept));
  renameSync(`${path}.new`, path);
}

function keep({ box, confidence, quality, embedding }: Face): KeptFace {
  const bytes = new Uint8Array(embedding.buffer, embedding.byteOffset, embedding.byteLength);
  return {
    box,
    confidence,
    quality: Number.isNaN(quality) ? null : quality,
    embedding: Buffer.from(bytes).toString('base64'),
  };
}

function given({ box, confidence, quality, embedding }: KeptFace): Face {
  const bytes = Uint8Array.from(Buffer.from(embedding, 'base64'));
  return { box, confidence, quality: quality ?? Number.NaN, embedding: new Float32Array(bytes.buffer) };
}
