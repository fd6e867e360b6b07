import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const scratch = mkdtempSync(join(tmpdir(), 'facepass-run-'));
after(() => rmSync(scratch, { recursive: true }));

const TITLE = `import { existsSync, writeFileSync } from 'node:fs'; import { test } from 'node:test';\n`;
const FILES = {
  'passes.test.mjs': `test('passes', () => undefined);`,
  'fails.test.mjs': `test('fails', () => { throw new Error('always'); });`,
  'races.test.mjs': `test('races', () => { if (!existsSync('ran')) { writeFileSync('ran', ''); throw new Error('once'); } });`,
};
for (const [name, text] of Object.entries(FILES)) writeFileSync(join(scratch, name), TITLE + text);

/** Runs test files as ./scripts/test does, with `absolved` on the list. */
function run(files: (keyof typeof FILES)[], absolved: object[] = []): { passed: boolean; output: string } {
  rmSync(join(scratch, 'ran'), { force: true });
  writeFileSync(join(scratch, 'absolved.json'), JSON.stringify(absolved));
  const { NODE_TEST_CONTEXT: _, ...environment } = process.env;
  const program = `
    const { runTests } = await import(${JSON.stringify(join(import.meta.dirname, 'run-tests.ts'))});
    process.exitCode = runTests(${JSON.stringify(files)}) ? 0 : 1;`;
  const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    cwd: scratch,
    encoding: 'utf8',
    env: { ...environment, FACEPASS_TEST_ABSOLVED: 'absolved.json' },
  });
  return { passed: status === 0, output: stdout };
}

test('files that pass, pass', () => {
  assert.equal(run(['passes.test.mjs']).passed, true);
});

test('a file that passes only alone fails the run, which names it', () => {
  const { passed, output } = run(['passes.test.mjs', 'races.test.mjs']);
  assert.equal(passed, false);
  assert.match(output, /^PASSED ONLY ALONE: races\.test\.mjs$/m);
});

test('a file that passes only alone is absolved where the list says why', () => {
  const cause = 'It meets the limit of a statement beside a build.';
  const { passed, output } = run(['races.test.mjs'], [{ file: 'races.test.mjs', cause, since: '2026-11-26' }]);
  assert.equal(passed, true);
  assert.ok(output.includes(`PASSED ONLY ALONE: races.test.mjs, absolved since 2026-11-26: ${cause}`));
});

test('a file that also fails alone is never absolved', () => {
  const cause = 'It meets the limit of a statement beside a build.';
  const { passed, output } = run(['fails.test.mjs'], [{ file: 'fails.test.mjs', cause, since: '2026-11-26' }]);
  assert.equal(passed, false);
  assert.match(output, /^FAILED TWICE: fails\.test\.mjs$/m);
});
