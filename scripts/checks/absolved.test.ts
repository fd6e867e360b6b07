import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readAbsolved } from './absolved.ts';
import { ALONE } from './run-tests.ts';

const root = join(import.meta.dirname, '../..');
const CAUSE = 'The statement of five seconds meets its limit beside a build.';
const entry = (file: string) => ({ file, cause: CAUSE, since: '2026-11-26' });

test('the list of absolved test files is short, and each entry names a file, a cause and a date', () => {
  for (const { file } of readAbsolved(readFileSync(join(import.meta.dirname, 'absolved.json'), 'utf8')))
    assert.ok(existsSync(join(root, file)), file);
});

test('a fourth file, and one without a cause or a date, is refused', () => {
  const read = (list: unknown[]) => () => readAbsolved(JSON.stringify(list));
  assert.equal(read(['a', 'b', 'c'].map(entry))().length, 3);
  assert.throws(read(['a', 'b', 'c', 'd'].map(entry)), /4 test files are absolved, at most 3/);
  assert.throws(read([{ file: 'a', since: '2026-11-26' }]), /a is absolved without a cause/);
  assert.throws(read([{ file: 'a', cause: CAUSE, since: 'yesterday' }]), /a is absolved without a cause/);
});

test('the files that run alone exist', () => {
  assert.deepEqual(
    ALONE.filter((file) => !existsSync(join(root, file))),
    [],
  );
});
