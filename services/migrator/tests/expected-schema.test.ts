import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { EXPECTED_SCHEMA_FILE } from '../verify-checks.ts';
import { makeExpectedSchema } from './expected-schema.ts';

test('what verify expects of the tables is what the migrations make of them', async () => {
  assert.equal(await readFile(EXPECTED_SCHEMA_FILE, 'utf8'), await makeExpectedSchema(), 'write it anew: node services/migrator/tests/expected-schema.ts');
});
