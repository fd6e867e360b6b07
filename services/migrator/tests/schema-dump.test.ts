import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { dumpFreshSchema, SCHEMA_FILE } from '../../../scripts/dump-schema.ts';

test('schema.sql is what the migrations make of an empty database', async () => {
  assert.equal(await dumpFreshSchema(), await readFile(SCHEMA_FILE, 'utf8'), 'write it anew: node scripts/dump-schema.ts');
});
