import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { OWN_BUILD, publishConsole } from './publish-console.ts';
import { messageOf } from '../../services/runtime/errors.ts';

const root = join(import.meta.dirname, '../..');

interface Preparation {
  title: string;
  npmScript: string;
  arguments: string[];
  /** Name of the file with the state after the last run. */
  stamp: string;
  /** Input files. If they and the products are unchanged since the last run, the step is skipped. */
  sources: string[];
  products: string[];
  /** What to do if it fails. */
  fix?: string;
  /** Moves the products to their place. */
  publish?: () => void;
}

const samples: Preparation = {
  title: 'Fetching the sample photos',
  npmScript: 'samples',
  arguments: [],
  stamp: 'samples',
  sources: ['models/samples.ts'],
  products: ['samples/*.jpg'],
};

const consolePage: Preparation = {
  title: 'Building the console',
  npmScript: 'build:console',
  arguments: ['--outDir', OWN_BUILD, '--emptyOutDir'],
  stamp: 'build-console',
  sources: ['services/console/src/**/*', 'services/console/*.*', 'services/client/**/*.ts', 'samples/*.jpg'],
  products: ['services/console/dist/**/*.html'],
  publish: () => publishConsole(join(root, 'services/console')),
};

/** Downloads the weight files of a pack beside its manifest. */
function modelPack(pack: string): Preparation {
  if (!existsSync(join(root, 'models', pack, 'manifest.json')))
    throw new Error(`MODEL_PACK=${pack}: no such pack; models/ has ${packs().join(', ')}.`);
  return {
    title: `Preparing the models of the pack ${pack}`,
    npmScript: 'models',
    arguments: ['--pack', pack],
    stamp: `models-${pack}`,
    sources: ['models/**/*.ts', `models/${pack}/manifest.json`],
    products: [`models/${pack}/*.onnx`],
    fix: `models/${pack}/README.md says where its files come from. If you have them, run npm run models -- --pack ${pack} --from <folder>, or set MODEL_WEIGHTS_DIRECTORY to the folder.`,
  };
}

function packs(): string[] {
  return globSync('models/*/manifest.json', { cwd: root })
    .map((path) => basename(dirname(path)))
    .sort();
}

/** The default pack, and the fallback for machines on which no source of the default answers. */
export const DEFAULT_PACK = 'sface';
export const FALLBACK_PACK = 'mobilefacenet';

export interface PackWish {
  /** MODEL_PACK, if it is set. */
  asked?: string | undefined;
  /** The pack that the data directory began with, if any. */
  kept?: string | undefined;
}

/**
 * Chooses the model pack of a start and prepares its files: the requested pack, else the pack the data began with
 * (because vectors of two packs are never compared), else the default. If nobody requested a pack and no source gives
 * the default, it uses the fallback from npm and says so.
 * @param make prepares the files of a pack, or throws
 * @returns the name of the prepared pack
 * @throws what `make` throws for a requested or kept pack, and for the fallback
 */
export function choosePack(
  { asked, kept }: PackWish,
  make: (pack: string) => void,
  say: (line: string) => void,
): string {
  const wanted = asked ?? kept ?? DEFAULT_PACK;
  try {
    make(wanted);
    return wanted;
  } catch (error) {
    if (asked !== undefined || kept !== undefined) throw error;
    say(messageOf(error));
  }
  say(
    `WARNING: no source of the model pack ${DEFAULT_PACK} is reachable. Facepass starts with ${FALLBACK_PACK}, which finds ` +
      `fewer photos of a person and more strangers; this data directory keeps it. To use ${DEFAULT_PACK}, make its files ` +
      'available and start with another --data DIR.',
  );
  make(FALLBACK_PACK);
  return FALLBACK_PACK;
}

/**
 * Prepares the weight files of a pack, unless they exist.
 * @throws Error if there is no such pack or no source gives its files; the step has then printed its own message
 */
export function preparePack(pack: string, say: (line: string) => void): void {
  prepare(modelPack(pack), say);
}

/** Fetches the sample photos, unless they are there. A start continues without them. */
export function prepareSamples(say: (line: string) => void): void {
  try {
    prepare(samples, say);
  } catch (error) {
    say((error as Error).message);
  }
}

/** Builds the pages of the console, unless they are up to date. @throws Error if the build fails */
export function prepareConsole(say: (line: string) => void): void {
  prepare(consolePage, say);
}

function prepare(preparation: Preparation, say: (line: string) => void): void {
  const stamp = join(root, 'node_modules/.cache/facepass', preparation.stamp);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === stateOf(preparation)) return;
  run(preparation, say);
  preparation.publish?.();
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, stateOf(preparation));
}

function run({ title, npmScript, arguments: more, fix }: Preparation, say: (line: string) => void): void {
  const command = ['npm', 'run', npmScript, ...(more.length > 0 ? ['--', ...more] : [])].join(' ');
  say(`${title} (${command}) ...`);
  const { status } = spawnSync('npm', ['run', '--silent', npmScript, '--', ...more], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) throw new Error([`${command} failed; its message is above.`, ...(fix ? [fix] : [])].join(' '));
}

/**
 * Hashes sources by content and products by size and time: hashing 50 MB of models at each start is not needed, because
 * the inference process does it anyway.
 */
function stateOf({ sources, products }: Preparation): string {
  const hash = createHash('sha256');
  for (const path of filesOf(sources)) hash.update(`${path}\0`).update(readFileSync(join(root, path)));
  for (const path of filesOf(products)) {
    const { size, mtimeMs } = statSync(join(root, path));
    hash.update(`${path}\0${size}\0${mtimeMs}\0`);
  }
  return hash.digest('hex');
}

function filesOf(patterns: string[]): string[] {
  return globSync(patterns, { cwd: root, exclude: (path) => path.endsWith('.test.ts') })
    .filter((path) => statSync(join(root, path)).isFile())
    .sort();
}
