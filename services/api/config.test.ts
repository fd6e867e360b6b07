import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from './config.ts';

const DATABASE_URL = 'postgres://facepass@localhost/facepass';

test('a database is all that must be configured', () => {
  const config = readConfig({ DATABASE_URL });
  assert.equal(config.port, 8080);
  assert.equal(config.search.threshold, 0.5);
  assert.equal(config.storage, null);
  assert.equal(config.trustProxy, false);
  assert.equal(config.inference.address, 'dns:///localhost:50051');
});

test('POSTGRES_* take the place of DATABASE_URL', () => {
  const { connection } = readConfig({ POSTGRES_HOST: 'db', POSTGRES_PASSWORD: 'p' }).database;
  assert.deepEqual(connection, { host: 'db', port: 5432, database: 'facepass', user: 'facepass', password: 'p' });
});

test('inference addresses are made ones that gRPC understands', () => {
  const addressOf = (INFERENCE_ADDRESS: string) => readConfig({ DATABASE_URL, INFERENCE_ADDRESS }).inference.address;
  assert.equal(addressOf('inference:50051'), 'dns:///inference:50051');
  assert.equal(addressOf('dns:///inference:50051'), 'dns:///inference:50051');
  assert.equal(addressOf('ipv4:10.0.0.1:1,10.0.0.2:2'), 'ipv4:10.0.0.1:1,10.0.0.2:2');
  assert.equal(addressOf('[::1]:50051'), 'dns:///[::1]:50051');
  assert.equal(addressOf('unix:/run/inference.sock'), 'unix:///run/inference.sock');
  assert.equal(addressOf('unix:///run/inference.sock'), 'unix:///run/inference.sock');
});

const wrong: [Record<string, string>, RegExp][] = [
  [{}, /DATABASE_URL: set it or POSTGRES_HOST/],
  [{ DATABASE_URL, POSTGRES_HOST: 'db' }, /DATABASE_URL: .*not both/],
  [{ DATABASE_URL: 'mysql://x' }, /DATABASE_URL: must be postgres/],
  [{ DATABASE_URL, TRUST_PROXY: 'true' }, /TRUST_PROXY: .*`true` is not allowed/],
  [{ DATABASE_URL, PORT: '70000' }, /PORT: /],
  [{ DATABASE_URL, FACE_SIMILARITY_THRESHOLD: '1.5' }, /FACE_SIMILARITY_THRESHOLD: /],
  [{ DATABASE_URL, FACE_DETECTION_THRESHOLD: 'high' }, /FACE_DETECTION_THRESHOLD: must be a number/],
  [{ DATABASE_URL, SEARCH_ACCESS: 'private' }, /SEARCH_ACCESS: must be public or token/],
  [{ DATABASE_URL, SEARCH_ACCESS: 'token' }, /SEARCH_TOKEN_SECRET: required/],
  [{ DATABASE_URL, SEARCH_TOKEN_SECRET: 'short' }, /SEARCH_TOKEN_SECRET: .*32 characters/],
  [{ DATABASE_URL, S3_ACCESS_KEY_ID: 'a' }, /S3_ACCESS_KEY_ID: set it together/],
  [{ DATABASE_URL, INFERENCE_TLS_CA: 'x' }, /INFERENCE_TLS_CA: must be PEM/],
  [{ DATABASE_URL, INFERENCE_TLS_CERT: '-----BEGIN CERTIFICATE' }, /INFERENCE_TLS_CERT: set it together/],
  [{ DATABASE_URL, S3_PREFIX: '/photos' }, /S3_PREFIX: must end with a slash/],
  [{ DATABASE_URL, S3_ENDPOINT: 'ftp://x' }, /S3_ENDPOINT: /],
  [{ DATABASE_URL, INFERENCE_ADDRESS: 'http://inference' }, /INFERENCE_ADDRESS: /],
  [{ DATABASE_URL, REDIS_URL: 'localhost' }, /REDIS_URL: must be redis:/],
  [{ DATABASE_URL, MODEL_PACK: '../secret' }, /MODEL_PACK: /],
  [{ DATABASE_URL, PHOTO_URL_TEMPLATE: 'javascript:alert(1){photo_id}' }, /PHOTO_URL_TEMPLATE: /],
  [{ DATABASE_URL, PHOTO_URL_TEMPLATE: 'https://photos.example.com/' }, /PHOTO_URL_TEMPLATE: must contain/],
  [{ DATABASE_URL, FACEPASS_CONSOL: 'true' }, /FACEPASS_CONSOL: unknown variable/],
  [{ DATABASE_URL, CORS_ORIGINS: '*' }, /CORS_ORIGINS: must be origins/],
  [{ DATABASE_URL, CORS_ORIGINS: 'null' }, /CORS_ORIGINS: must be origins/],
  [{ DATABASE_URL, CORS_ORIGINS: 'https://a.example, https://b.example/' }, /CORS_ORIGINS: must be origins/],
  [{ DATABASE_URL, LEGACY_CLIENTS_SUNSET: 'soon' }, /LEGACY_CLIENTS_SUNSET: must be a date/],
];
for (const [environment, message] of wrong) {
  test(`refused: ${JSON.stringify(environment)}`, () => {
    assert.throws(
      () => readConfig(environment),
      (error: Error & { exitCode?: number }) => message.test(error.message) && error.exitCode === 78,
    );
  });
}
