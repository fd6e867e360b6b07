import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { SourceFile } from '@facepass/contracts/model-pack';
import { openSources, type SourceLimits } from './sources.ts';

/**
 * Six party photos with three to five people each, published by their photographer under MIT. They lie in the npm
 * package that face-api's weights come from; it is fetched for them, not installed.
 */
export const SAMPLES: SourceFile[] = [
  sample('sample1.jpg', 144_516, '8ecae4b267b2d3169e06e00c7dee97097aa2a94635d45216f7732a5f4943cb51'),
  sample('sample2.jpg', 181_758, '7d2b60ae6f13bf30f422e04df87451081a02c83de469056f25afb44b7000c691'),
  sample('sample3.jpg', 221_049, '8eb081c9efb14370fa94d9feab9e5fbeafd19a627491853a80c2bf67f7ffa936'),
  sample('sample4.jpg', 210_824, '729efa5923061d40eb4ed5f267a18cc7b8ba6f852bb2757b16d8b7e4937476fc'),
  sample('sample5.jpg', 166_400, '6d45095ebb182d8f975c0790e0e4eefd86fbb40609cf4b271776d92e12662938'),
  sample('sample6.jpg', 302_445, '9baad80f9d5e306fb9b8c0913d44445f1e95848df317530efb03d0934c57ba87'),
];

function sample(file: string, bytes: number, sha256: string): SourceFile {
  return { file, bytes, sha256, sources: [{ npm: '@vladmandic/face-api@1.7.15', path: `package/demo/${file}` }] };
}

/**
 * Puts the sample photos into `folder`; files that are there already stay as they are.
 * @throws Error naming the photo that its source does not give, or gives with other bytes.
 */
export async function fetchSamples(folder: string, limits: SourceLimits = {}): Promise<void> {
  await mkdir(folder, { recursive: true });
  await using sources = openSources(limits);
  for (const one of SAMPLES) {
    const path = join(folder, one.file);
    if (await isWhole(path, one)) continue;
    const bytes = await sources.fetch(one.sources[0]!, one);
    if (sha256Of(bytes) !== one.sha256) throw new Error(`${one.file}: the bytes are not those that are pinned`);
    const part = `${path}.${randomUUID()}.part`;
    await writeFile(part, bytes);
    await rename(part, path);
  }
}

async function isWhole(path: string, { sha256 }: SourceFile): Promise<boolean> {
  return readFile(path).then(
    (bytes) => sha256Of(bytes) === sha256,
    () => false,
  );
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

if (import.meta.main) {
  try {
    await fetchSamples(resolve(process.argv[2] ?? join(import.meta.dirname, '../samples')));
  } catch (error) {
    console.error(`The sample photos cannot be had: ${(error as Error).message}`);
    process.exitCode = 1;
  }
}
