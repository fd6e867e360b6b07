import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseKeys } from './keys.ts';

test('keys are named, scoped and kept as digests only', () => {
  const keys = parseKeys('# comment\nstudio:fp_0123456789abcdef:index+delete\nviewer:fp_fedcba9876543210:index, bare_key_of_16_characters==');
  assert.deepEqual(keys.map(({ name, scopes }) => [name, ...scopes]), [['studio', 'index', 'delete'], ['viewer', 'index'], ['key-3', 'index', 'delete']]);
  assert.ok(keys.every((key) => key.digest.length === 32 && !('secret' in key)));
});

test('a malformed key is named by its place, and never repeated', () => {
  const refused = {
    'studio:short': /entry 1 must have a key of 16/,
    'a:fp_0123456789abcdef,b:fp_0123456789abcdef:everything': /entry 2 must have scopes among index, delete, admin/,
    'a b:fp_0123456789abcdef': /entry 1 must be name:key/,
    'a:fp_0123456789abcdef:index:more': /entry 1 must be name:key/,
    'a:fp_0123456789abcdef,a:fp_fedcba9876543210': /two keys have one name/,
  };
  for (const [text, message] of Object.entries(refused)) {
    assert.throws(() => parseKeys(text), (error: Error) => message.test(error.message) && !error.message.includes('0123456789'));
  }
});
