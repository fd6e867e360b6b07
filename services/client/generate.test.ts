import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { generateTypes, GENERATED } from './generate.ts';

test('the committed types are those of the committed document', async () => {
  assert.equal(await readFile(GENERATED, 'utf8'), await generateTypes(), 'run npm run gen:client');
});
