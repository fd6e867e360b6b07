import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { findConnection } from './connection.ts';

const clone = mkdtempSync(join(tmpdir(), 'facepass-'));
mkdirSync(join(clone, '.facepass'));
mkdirSync(join(clone, 'photos'));
const development = join(clone, '.facepass/development.json');
writeFileSync(
  development,
  JSON.stringify({ api_key: 'fp_dev_key', search_token_secret: 'x', url: 'http://127.0.0.1:8081' }),
);
after(() => rmSync(clone, { recursive: true }));

test('finds the development service and its key from any folder of the clone', () => {
  assert.deepEqual(findConnection({}, {}, join(clone, 'photos')), {
    url: 'http://127.0.0.1:8081',
    apiKey: 'fp_dev_key',
    source: development,
  });
  assert.equal(findConnection({}, { FACEPASS_DATA: join(clone, '.facepass') }, tmpdir()).apiKey, 'fp_dev_key');
});

test('options override variables, and variables override the development service', () => {
  const environment = { FACEPASS_URL: 'https://a.example/', FACEPASS_API_KEY: 'variable' };
  assert.deepEqual(findConnection({}, environment, clone), {
    url: 'https://a.example',
    apiKey: 'variable',
    source: 'FACEPASS_URL',
  });
  assert.deepEqual(findConnection({ url: 'https://b.example', apiKey: 'option' }, environment, clone), {
    url: 'https://b.example',
    apiKey: 'option',
    source: '--url',
  });
});

test('the development key never goes to another service', () => {
  assert.equal(findConnection({ url: 'https://elsewhere.example' }, {}, clone).apiKey, undefined);
  assert.equal(findConnection({ url: 'http://127.0.0.1:8081' }, {}, clone).apiKey, 'fp_dev_key');
});

test('rejects an address without a scheme and a damaged file, and names them', () => {
  assert.throws(
    () => findConnection({ url: 'localhost:8080' }, {}, clone),
    /localhost:8080: the address must begin with/,
  );
  writeFileSync(join(clone, 'development.json'), '{"api_key": 1}');
  assert.throws(() => findConnection({}, { FACEPASS_DATA: clone }, clone), /development\.json.*\n?.*api_key/s);
});
