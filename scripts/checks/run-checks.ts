import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_PACK, FALLBACK_PACK, prepareConsole, preparePack, prepareSamples } from '../local/prepare.ts';
import { startPostgres, type TestServer } from './postgres.ts';
import { COVERAGE, runTests } from './run-tests.ts';
import { messageOf } from '../../services/runtime/errors.ts';

/** `true` passed, `false` failed; a string says why it could not be made, or what of it could not. */
type Outcome = boolean | string;

const LEAST_LINE_COVERAGE = 80;
const MEASURED_SERVICES = ['api', 'inference', 'migrator', 'operator'];

/** Take many minutes: run by themselves, with `npm run test:cluster`, `test:operator` and `test:install`. */
const RUN_BY_THEMSELVES = [
  'charts/tests/cluster.test.ts',
  'services/operator/tests/cluster/operator.test.ts',
  'scripts/local/tests/whole-install.test.ts',
];

process.chdir(join(import.meta.dirname, '../..'));
try {
  for (const pack of [DEFAULT_PACK, FALLBACK_PACK]) preparePack(pack, console.log);
  prepareSamples(console.log);
  prepareConsole(console.log);
  await using _server = await databaseServer();
  process.exitCode = runChecks(process.argv.slice(2)) ? 0 : 1;
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}

/** The server that FACEPASS_TEST_DATABASE_URL names, or one of this run; `FACEPASS_TEST_POSTGRES=no` wants neither. */
async function databaseServer(): Promise<TestServer | undefined> {
  if (process.env['FACEPASS_TEST_DATABASE_URL'] || process.env['FACEPASS_TEST_POSTGRES'] === 'no') return undefined;
  try {
    const server = await startPostgres(console.log);
    process.env['FACEPASS_TEST_DATABASE_URL'] = server.url;
    return server;
  } catch (error) {
    console.log(`Tests that need PostgreSQL are skipped: ${(error as Error).message}`);
    return undefined;
  }
}

/** Runs every check, or only the test files named; prints a summary. */
function runChecks(testFiles: string[]): boolean {
  const checks = testFiles.length > 0 ? { tests: () => runTests(testFiles) } : allChecks();
  const outcomes = Object.entries(checks).map(([title, run]): [string, Outcome] => {
    console.log(`\n== ${title}`);
    return [title, run()];
  });
  console.log('\n== summary');
  for (const [title, outcome] of outcomes) console.log(summaryLine(title, outcome));
  return outcomes.every(([, outcome]) => outcome !== false);
}

function summaryLine(title: string, outcome: Outcome): string {
  if (typeof outcome === 'string') return `NOT RUN ${title}: ${outcome}`;
  return `${outcome ? 'passed ' : 'FAILED '} ${title}`;
}

function allChecks(): Record<string, () => Outcome> {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
  const generators = Object.keys(scripts).filter((name) => name.startsWith('gen:'));
  return {
    'code is formatted (npm run format)': () => succeeds('oxfmt', ['--check', '.']),
    'code has no lint (npm run lint)': () => succeeds('npm', ['run', '--silent', 'lint']),
    'types fit (npm run typecheck)': () => succeeds('npm', ['run', '--silent', 'typecheck']),
    ...Object.fromEntries(
      generators.map((name) => [
        `generated files are up to date (npm run ${name})`,
        () => succeeds('npm', ['run', '--silent', name, '--', '--check']),
      ]),
    ),
    tests: () =>
      runTests(
        globSync('{services,scripts,models,charts,dashboards,alerts,examples}/**/*.test.ts', { exclude: isForeign })
          .filter((path) => !RUN_BY_THEMSELVES.includes(path))
          .sort(),
      ),
    ...Object.fromEntries(
      MEASURED_SERVICES.map((name) => [
        `tests cover more than ${LEAST_LINE_COVERAGE} % of the lines of services/${name}`,
        () => isCovered(name),
      ]),
    ),
    'no known vulnerability of high severity (npm audit)': audit,
  };
}

function isForeign(path: string): boolean {
  return /(^|\/)(node_modules|dist)$/.test(path);
}

function succeeds(
  command: string,
  args: string[],
  { environment, limitMs }: { environment?: NodeJS.ProcessEnv; limitMs?: number } = {},
): boolean {
  const { status, error } = spawnSync(command, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...environment },
    ...(limitMs ? { timeout: limitMs } : {}),
  });
  if (error) console.error(error.message);
  return status === 0;
}

function isCovered(service: string): boolean {
  const reports = `${COVERAGE}/${service}`;
  const measured = succeeds('c8', [
    'report',
    `--temp-directory=${COVERAGE}/raw`,
    `--reports-dir=${reports}`,
    '--reporter=text',
    '--reporter=json-summary',
    '--all',
    `--src=services/${service}`,
    `--include=services/${service}/**/*.ts`,
    '--exclude=**/*.{test,bench}.ts',
    `--exclude=services/${service}/tests/**`,
  ]);
  if (!measured) return false;
  const { total } = JSON.parse(readFileSync(`${reports}/coverage-summary.json`, 'utf8')) as {
    total: { lines: { total: number; pct: number } };
  };
  return total.lines.total > 0 && total.lines.pct > LEAST_LINE_COVERAGE;
}

/** A mirror of the registry may not answer the audit endpoint: that is said, and is no failure. */
function audit(): Outcome {
  const { stdout } = spawnSync('npm', ['audit', '--audit-level=high', '--json'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const report = parseJson(stdout) as {
    metadata?: { vulnerabilities?: Record<string, number> };
    message?: string;
    error?: { summary?: string };
  } | null;
  const counts = report?.metadata?.vulnerabilities;
  if (!counts) return `the registry did not answer (${report?.message ?? report?.error?.summary ?? 'no JSON'})`;
  console.log(
    Object.entries(counts)
      .map(([severity, count]) => `${severity} ${count}`)
      .join(', '),
  );
  return (counts['high'] ?? 0) + (counts['critical'] ?? 0) === 0;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
