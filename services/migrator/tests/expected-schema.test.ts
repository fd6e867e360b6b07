import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { EXPECTED_SCHEMA_FILE } from '../verify-checks.ts';
import { makeExpectedSchema } from './expected-schema.ts';

test('verify expects exactly the tables that the migrations create', async () => {
  const [written, made] = [await readFile(EXPECTED_SCHEMA_FILE, 'utf8'), await makeExpectedSchema()];
  for (const [layout, parts] of Object.entries<string[]>(JSON.parse(made)))
    assert.deepEqual(partsBeside(JSON.parse(written)[layout], parts), { onlyWritten: [], onlyMade: [] }, layout);
  assert.ok(written === made, 'write it anew: node services/migrator/tests/expected-schema.ts');
});

function partsBeside(written: string[], made: string[]) {
  return {
    onlyWritten: written.filter((part) => !made.includes(part)),
    onlyMade: made.filter((part) => !written.includes(part)),
  };
}
