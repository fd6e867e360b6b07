import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestOf, keyEntry, parseKeys, withoutKeys } from './api-keys.ts';

test('keys are named, scoped and kept as digests only', () => {
  const keys = parseKeys(
    '# comment\nstudio:fp_0123456789abcdef:index+delete\nviewer:fp_fedcba9876543210:index, bare_key_of_16_characters==',
  );
  assert.deepEqual(
    keys.map(({ name, scopes }) => [name, ...scopes]),
    [
      ['studio', 'index', 'delete'],
      ['viewer', 'index'],
      ['key-3', 'index', 'delete'],
    ],
  );
  assert.ok(keys.every((key) => key.digest.length === 32 && !('secret' in key)));
});

test('names a malformed key by its position and never repeats it', () => {
  const refused = {
    'studio:short': /entry 1 must have a key of 16/,
    'a:fp_0123456789abcdef,b:fp_0123456789abcdef:everything': /entry 2 must have scopes among index, delete, admin/,
    'a b:fp_0123456789abcdef': /entry 1 must be name:key/,
    'a:fp_0123456789abcdef:index:more': /entry 1 must be name:key/,
    'a:sha256=0123456789abcdef0123': /entry 1 must have 64 hexadecimal digits after sha256=/,
    'a:fp_0123456789abcdef,a:fp_fedcba9876543210': /two keys have the same name/,
  };
  for (const [text, message] of Object.entries(refused)) {
    assert.throws(
      () => parseKeys(text),
      (error: Error) => message.test(error.message) && !error.message.includes('0123456789'),
    );
  }
});

test('an entry made for a key holds its digest only, and is read as that key', () => {
  const entry = keyEntry('studio', 'fp_0123456789abcdef', ['index', 'admin']);
  assert.doesNotMatch(entry, /fp_0123456789abcdef/);
  const [key] = parseKeys(entry);
  assert.deepEqual([key?.name, key?.hashed, ...(key?.scopes ?? [])], ['studio', true, 'index', 'admin']);
  assert.deepEqual(key?.digest, digestOf('fp_0123456789abcdef'));
  assert.equal(parseKeys('plain:fp_0123456789abcdef')[0]?.hashed, false);
});

test('removes only the key: comments, neighbours on its line and their order stay', () => {
  const text = '# studio, since May\na:fp_0123456789abcdef, b:fp_fedcba9876543210\n\nc:fp_aaaaaaaaaaaaaaaa:index\n';
  assert.equal(
    withoutKeys(text, ({ name }) => name === 'a'),
    '# studio, since May\nb:fp_fedcba9876543210\n\nc:fp_aaaaaaaaaaaaaaaa:index\n',
  );
  assert.equal(
    withoutKeys(text, ({ name }) => name === 'c'),
    '# studio, since May\na:fp_0123456789abcdef, b:fp_fedcba9876543210\n\n',
  );
  assert.equal(
    withoutKeys(text, () => false),
    text,
  );
});
