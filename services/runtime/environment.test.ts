import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as z from 'zod';
import { booleanVariable, ConfigurationError, integerVariable, readEnvironment } from './environment.ts';

const schema = z.object({
  PORT: integerVariable(0, 65_535).default(8080),
  DATABASE_URL: z.string(),
  FACEPASS_CONSOLE: booleanVariable.default(true),
});

test('defaults fill what is absent or empty', () => {
  assert.deepEqual(readEnvironment(schema, { DATABASE_URL: 'postgres://x', PORT: '' }), {
    PORT: 8080,
    DATABASE_URL: 'postgres://x',
    FACEPASS_CONSOLE: true,
  });
});

test('every mistake is named in one message and no value is repeated', () => {
  const environment = { PORT: 'sesame', FACEPASS_CONSOLE: 'perhaps', FACEPASS_PROT: '1' };
  assert.throws(
    () => readEnvironment(schema, environment),
    (error: ConfigurationError) => {
      assert.equal(error.exitCode, 78);
      for (const name of ['PORT', 'DATABASE_URL', 'FACEPASS_CONSOLE', 'FACEPASS_PROT'])
        assert.match(error.message, new RegExp(`  ${name}: `));
      assert.doesNotMatch(error.message, /sesame|perhaps/);
      return true;
    },
  );
});

test('a variable may come from a mounted file, but not from both places', () => {
  const path = join(mkdtempSync(join(tmpdir(), 'facepass-')), 'url');
  writeFileSync(path, 'postgres://from-file\n');
  assert.equal(readEnvironment(schema, { DATABASE_URL_FILE: path }).DATABASE_URL, 'postgres://from-file');
  assert.throws(() => readEnvironment(schema, { DATABASE_URL_FILE: path, DATABASE_URL: 'x' }), /not both/);
  assert.throws(() => readEnvironment(schema, { DATABASE_URL_FILE: `${path}-gone` }), /DATABASE_URL_FILE: ENOENT/);
});
