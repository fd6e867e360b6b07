import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..');
/** The lines of the shell blocks of the runbooks, and of the page about watching. */
const lines = [...globSync('docs/runbooks/*.md', { cwd: root }), 'docs/observability.md'].flatMap((path) => {
  const blocks = readFileSync(join(root, path), 'utf8').matchAll(/^```sh\n([^]*?)^```/gm);
  return [...blocks].flatMap(([, block = '']) => block.split('\n')).map((line) => ({ page: basename(path, '.md'), line }));
});

test('a log by a selector is read whole, or says how much of it', () => {
  const logs = lines.filter(({ line }) => /kubectl .*\blogs\b.* (-l|--selector)\b/.test(line));
  assert.ok(logs.length > 8);
  // By a selector kubectl shows ten lines of each pod, even with --since.
  assert.deepEqual(logs.filter(({ line }) => !/--tail=(-1|\d+)\b/.test(line)), []);
});
