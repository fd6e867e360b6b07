import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { mutationsOf, type Mutation } from './mutations.ts';
import { SURVIVORS } from './survivors.ts';
import { TARGETS, type Target } from './targets.ts';
import { copyTree, root } from './tree.ts';

const USAGE = `Puts mistakes into the services, one at a time, in a copy of this tree, and counts those that a test sees.

  npm run test:mutants [-- SERVICE...] [--each 20] [--first 0]

SERVICE  ${TARGETS.map(({ service }) => service).join(', ')}; absent: all
--each   how many mistakes of each service, at equal distances among all that its files can have
--first  where to begin among them: another number draws other mistakes

Set what the tests ask for, FACEPASS_TEST_DATABASE_URL above all. At least ${90} % must be seen, and each of the others must be
in scripts/checks/mutants/survivors.ts with its reason.`;

const LEAST_SEEN_PERCENT = 90;
/** A mistake may make a test wait for ever. */
const FILE_LIMIT_MS = Number(process.env['FACEPASS_TEST_MUTANT_LIMIT_MS'] ?? 240_000);

interface Mutant extends Mutation {
  file: string;
  text: string;
  line: number;
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { each: { type: 'string', default: '20' }, first: { type: 'string', default: '0' } },
});
const [each, first] = [Number(values.each), Number(values.first)];
const unknown = positionals.find((name) => !TARGETS.some(({ service }) => service === name));
if (unknown !== undefined || !(each > 0) || !(first >= 0)) {
  console.error(`${unknown === undefined ? 'An option is no number.' : `There is no service ${unknown}.`}\n\n${USAGE}`);
  process.exit(64);
}
using tree = copyTree();
process.on('SIGTERM', () => process.exit(143)).on('SIGINT', () => process.exit(130));
process.on('exit', () => tree[Symbol.dispose]());
const failures: string[] = [];
for (const target of TARGETS.filter(({ service }) => positionals.length === 0 || positionals.includes(service)))
  failures.push(...(await judge(target)));
for (const failure of failures) console.log(failure);
process.exit(failures.length === 0 ? 0 : 1);

/** Runs the tests of a target on each of its mistakes. @returns what is wrong with its tests */
async function judge(target: Target): Promise<string[]> {
  const all = mutantsOf(target);
  const drawn = Array.from(
    { length: Math.min(each, all.length) },
    (_, n) => all[(first + Math.floor((n * all.length) / each)) % all.length]!,
  );
  console.log(`\n${target.service}: ${drawn.length} of ${all.length} mistakes`);
  const survivors: Mutant[] = [];
  for (const mutant of drawn) {
    const seenBy = await firstToSee(mutant, testsOf(target, mutant.file));
    console.log(
      `${seenBy === null ? 'SURVIVED' : 'seen    '} ${nameOf(mutant)}${seenBy === null ? '' : `  (${seenBy})`}`,
    );
    if (seenBy === null) survivors.push(mutant);
  }
  const percent = (100 * (drawn.length - survivors.length)) / drawn.length;
  console.log(`${target.service}: ${percent.toFixed(1)} % seen`);
  return [
    ...(percent < LEAST_SEEN_PERCENT ? [`${target.service}: ${percent.toFixed(1)} % of the mistakes are seen`] : []),
    ...survivors.filter((mutant) => !isExplained(mutant)).map((mutant) => `no test sees ${nameOf(mutant)}`),
  ];
}

function mutantsOf({ files }: Target): Mutant[] {
  return globSync(files, { cwd: root })
    .filter((file) => !isNoSource(file))
    .sort()
    .flatMap((file) => {
      const text = readFileSync(join(root, file), 'utf8');
      return mutationsOf(file, text).map((mutation) => ({
        ...mutation,
        file,
        text: text.slice(0, mutation.start) + mutation.replacement + text.slice(mutation.end),
        line: text.slice(0, mutation.start).split('\n').length,
      }));
    });
}

/** Tests, and what only runs the service or describes it. */
function isNoSource(path: string): boolean {
  return /\.test\.ts$|(^|\/)(tests|node_modules)(\/|$)|(^|\/)(main|openapi|errors)\.ts$/.test(path);
}

/** The tests of a target; one that is called as the file is runs first. */
function testsOf({ tests }: Target, file: string): string[] {
  const paths = [...new Set(tests.flatMap((glob) => globSync(glob, { cwd: root }).sort()))];
  const name = basename(file, '.ts');
  return paths.toSorted((a, b) => Number(basename(b).startsWith(name)) - Number(basename(a).startsWith(name)));
}

/** The first test file that fails on the mistake, or null. */
async function firstToSee(mutant: Mutant, tests: string[]): Promise<string | null> {
  const path = join(tree.path, mutant.file);
  const original = readFileSync(path, 'utf8');
  writeFileSync(path, mutant.text);
  try {
    for (const file of tests) if (!(await passes(file))) return basename(file);
    return null;
  } finally {
    writeFileSync(path, original);
  }
}

async function passes(file: string): Promise<boolean> {
  const child = spawn(process.execPath, ['--test', file], { cwd: tree.path, stdio: 'ignore', detached: true });
  const timer = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), FILE_LIMIT_MS);
  const [code] = (await once(child, 'exit')) as [number | null];
  clearTimeout(timer);
  return code === 0;
}

function nameOf({ file, line, what }: Mutant): string {
  return `${file}:${line} ${what}`;
}

function isExplained({ file, what }: Mutant): boolean {
  return SURVIVORS.some((survivor) => survivor.file === file && survivor.what === what);
}
