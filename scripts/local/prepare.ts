import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '../..');

interface Preparation {
  title: string;
  npmScript: string;
  /** Files it reads; when they and the products are as they were after the last run, nothing is done. */
  sources: string[];
  products: string[];
}

const preparations: Preparation[] = [
  {
    title: 'Preparing the models',
    npmScript: 'models',
    sources: ['models/**/*.ts', 'models/*/manifest.json', 'node_modules/@vladmandic/face-api/package.json'],
    products: ['models/dlib/*.onnx'],
  },
  {
    title: 'Building the console',
    npmScript: 'build:console',
    sources: ['services/console/src/**/*', 'services/console/*.*', 'services/client/**/*.ts'],
    products: ['services/console/dist/**/*.html'],
  },
];

/**
 * Makes what is derived and not in git: the models' ONNX files and the console's page.
 * @throws Error when a step fails; its own message has then been shown.
 */
export function prepare(say: (line: string) => void): void {
  for (const preparation of preparations) {
    const stamp = join(root, 'node_modules/.cache/facepass', preparation.npmScript.replace(':', '-'));
    if (existsSync(stamp) && readFileSync(stamp, 'utf8') === stateOf(preparation)) continue;
    say(`${preparation.title} (npm run ${preparation.npmScript}) ...`);
    const { status } = spawnSync('npm', ['run', '--silent', preparation.npmScript], { cwd: root, stdio: ['ignore', 2, 2] });
    if (status !== 0) throw new Error(`npm run ${preparation.npmScript} failed.`);
    mkdirSync(dirname(stamp), { recursive: true });
    writeFileSync(stamp, stateOf(preparation));
  }
}

/** Sources by their content, products by size and time: 50 MB of models need not be hashed at each start, and the inference process does it anyway. */
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
