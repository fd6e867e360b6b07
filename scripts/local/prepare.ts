import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const root = join(import.meta.dirname, '../..');

interface Preparation {
  title: string;
  npmScript: string;
  arguments: string[];
  /** Names the file that says how all was after the last run. */
  stamp: string;
  /** Files it reads; when they and the products are as they were after the last run, nothing is done. */
  sources: string[];
  products: string[];
  /** What to do when it fails. */
  mend?: string;
}

const consolePage: Preparation = {
  title: 'Building the console',
  npmScript: 'build:console',
  arguments: [],
  stamp: 'build-console',
  sources: ['services/console/src/**/*', 'services/console/*.*', 'services/client/**/*.ts'],
  products: ['services/console/dist/**/*.html'],
};

/** The pack whose weight files are to lie beside its manifest. */
function modelPack(pack: string): Preparation {
  if (!existsSync(join(root, 'models', pack, 'manifest.json')))
    throw new Error(`MODEL_PACK=${pack}: there is no such pack; models/ has ${packs().join(', ')}.`);
  return {
    title: `Preparing the models of the pack ${pack}`,
    npmScript: 'models',
    arguments: ['--pack', pack],
    stamp: `models-${pack}`,
    sources: ['models/**/*.ts', `models/${pack}/manifest.json`, 'node_modules/@vladmandic/face-api/package.json'],
    products: [`models/${pack}/*.onnx`],
    mend: `models/${pack}/README.md says where its files come from. Where you have them: npm run models -- --pack ${pack} --from <folder>, or name the folder by MODEL_WEIGHTS_DIRECTORY.`,
  };
}

function packs(): string[] {
  return globSync('models/*/manifest.json', { cwd: root })
    .map((path) => basename(dirname(path)))
    .sort();
}

/**
 * Makes what is derived and not in git: the ONNX files of a model pack, unless they lie in a folder of the user's, and
 * the console's page.
 * @throws Error when there is no such pack or a step fails, naming it; the step's own message has then been shown.
 */
export function prepare(
  say: (line: string) => void,
  { pack = 'sface', weightsDirectory }: { pack?: string; weightsDirectory?: string } = {},
): void {
  for (const preparation of [...(weightsDirectory ? [] : [modelPack(pack)]), consolePage]) {
    const stamp = join(root, 'node_modules/.cache/facepass', preparation.stamp);
    if (existsSync(stamp) && readFileSync(stamp, 'utf8') === stateOf(preparation)) continue;
    run(preparation, say);
    mkdirSync(dirname(stamp), { recursive: true });
    writeFileSync(stamp, stateOf(preparation));
  }
}

function run({ title, npmScript, arguments: more, mend }: Preparation, say: (line: string) => void): void {
  const command = ['npm', 'run', npmScript, ...(more.length > 0 ? ['--', ...more] : [])].join(' ');
  say(`${title} (${command}) ...`);
  const { status } = spawnSync('npm', ['run', '--silent', npmScript, '--', ...more], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) throw new Error([`${command} failed; its message is above.`, ...(mend ? [mend] : [])].join(' '));
}

/**
 * Sources by their content, products by size and time: 50 MB of models need not be hashed at each start, and the
 * inference process does it anyway.
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
