import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readAbsolved } from './absolved.ts';
import type { FileResult } from './file-results.ts';

/** Folder of the coverage and of the lists of failed files. */
export const COVERAGE = 'coverage';
const FILE_RESULTS = `${COVERAGE}/file-results`;
/** Slowest files that a run of several ends with: where a long run is to be mended. */
const SLOWEST_SHOWN = 25;
/**
 * A test that times out leaves its process alive, for ever where it holds a timer. `--test-force-exit` would end it,
 * and lost up to two thirds of the reports of a file of 81 tests.
 */
const TEST_RUN_LIMIT_MS = 40 * 60_000;
/** More failed files than this are no accident. */
const MOST_RUN_AGAIN = 5;

/** Need the machine to themselves: they drive a browser, trace or kill whole installations, or flood a service. */
export const ALONE = [
  'scripts/local/tests/first-run.test.ts',
  'scripts/local/tests/interrupted-install.test.ts',
  'scripts/local/tests/model-packs.test.ts',
  'scripts/local/tests/quiet.test.ts',
  'scripts/local/tests/resume.test.ts',
  'services/api/tests/fuzz.test.ts',
  'services/console/tests/console.test.ts',
  'services/console/tests/guest.test.ts',
  'services/indexer/tests/jobs.test.ts',
  'services/inference/tests/admission.test.ts',
  'services/operator/tests/kills.test.ts',
  'services/operator/tests/kubernetes.test.ts',
];

/**
 * Runs test files: those of `ALONE` one at a time, the others two at a time. Those that failed run once more, alone, to
 * tell a defect from a race: one that passes then still fails the run, unless the list that FACEPASS_TEST_ABSOLVED
 * names has it (docs/decisions/0100).
 */
export function runTests(files: string[]): boolean {
  const missing = files.filter((path) => !existsSync(path));
  if (files.length === 0 || missing.length > 0)
    throw new Error(`There is no such test file: ${missing.join(', ') || 'none was found'}`);
  const list = process.env['FACEPASS_TEST_ABSOLVED'];
  const absolved = list ? readAbsolved(readFileSync(list, 'utf8')) : [];
  rmSync(COVERAGE, { recursive: true, force: true });
  const isAlone = (file: string) => ALONE.includes(file);
  const failedAlone = failedOf(files.filter(isAlone), 1);
  const failedBeside = failedOf(
    files.filter((file) => !isAlone(file)),
    2,
  );
  if (!failedAlone || !failedBeside) return false;
  const failed = [...failedAlone, ...failedBeside];
  if (failed.length === 0) return true;
  if (failed.length > MOST_RUN_AGAIN) return false;
  console.log(`\n== once more, alone: ${failed.join(', ')}`);
  const failedTwice = failedOf(failed, 1);
  if (!failedTwice) return false;
  if (failedTwice.length > 0) console.log(`FAILED TWICE: ${failedTwice.join(', ')}`);
  const racing = failed.filter((file) => !failedTwice.includes(file));
  for (const file of racing) {
    const known = absolved.find((one) => one.file === file);
    console.log(`PASSED ONLY ALONE: ${file}${known ? `, absolved since ${known.since}: ${known.cause}` : ''}`);
  }
  return failedTwice.length === 0 && racing.every((file) => absolved.some((one) => one.file === file));
}

/**
 * The files with failed tests, or null where the run failed without naming one. NODE_V8_COVERAGE reaches the services
 * and worker threads that the tests start.
 */
function failedOf(files: string[], atATime: number): string[] | null {
  if (files.length === 0) return [];
  mkdirSync(COVERAGE, { recursive: true });
  const reporters = [
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    `--test-reporter=${join(import.meta.dirname, 'file-results.ts')}`,
    `--test-reporter-destination=${FILE_RESULTS}`,
  ];
  const settings = ['--test', `--test-concurrency=${atATime}`, '--test-timeout=400000', ...reporters];
  const { status, error } = spawnSync(process.execPath, [...settings, ...files], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, NODE_V8_COVERAGE: `${COVERAGE}/raw` },
    timeout: TEST_RUN_LIMIT_MS,
  });
  if (error) console.error(error.message);
  const lines = readFileSync(FILE_RESULTS, 'utf8').split('\n').filter(Boolean);
  const results = lines.map((line) => JSON.parse(line) as FileResult);
  showSlowest(results);
  if (status === 0) return [];
  const failed = results.filter((result) => result.failed).map(({ file }) => file);
  return failed.length > 0 ? failed : null;
}

function showSlowest(results: FileResult[]): void {
  const timed = results.flatMap(({ file, seconds }) => (seconds === undefined ? [] : [{ file, seconds }]));
  if (timed.length < 2) return;
  console.log(`\n== the slowest of ${timed.length} test files`);
  for (const { file, seconds } of timed.toSorted((a, b) => b.seconds - a.seconds).slice(0, SLOWEST_SHOWN))
    console.log(`${seconds.toFixed().padStart(5)} s  ${file}`);
}
