import assert from 'node:assert/strict';
import { test } from 'node:test';
import { networkAddresses } from './network.ts';
import { readVariables } from './variables.ts';

test('a start names each variable that it cannot honour, and what to do instead', () => {
  const environment = {
    API_KEYS_FILE: '/keys',
    INFERENCE_ADDRESS: 'dns:///host:1',
    METRICS_PORT: '9464',
    LOG_LEVEL: 'debug',
  };
  assert.throws(
    () => readVariables(environment),
    ({ message }: Error) => {
      assert.match(
        message,
        /API_KEYS_FILE: .*API_KEYS\n\s+INFERENCE_ADDRESS: .*own inference server\n\s+METRICS_PORT: /,
      );
      assert.doesNotMatch(message, /LOG_LEVEL|\/keys/);
      return true;
    },
  );
});

test('a PostgreSQL of one’s own is used, by URL or by parts, and half of one is refused by name', () => {
  const url = { DATABASE_URL: 'postgres://me@host/faces' };
  assert.deepEqual(readVariables({ ...url, API_KEYS: 'a:b' }), { services: { API_KEYS: 'a:b' }, database: url });
  const parts = { POSTGRES_HOST: 'host', POSTGRES_USER: 'me', POSTGRES_PASSWORD_FILE: '/secret' };
  assert.deepEqual(readVariables(parts).database, parts);
  assert.equal(readVariables({ DATABASE_URL: '' }).database, null);
  assert.throws(
    () => readVariables({ POSTGRES_USER: 'me' }),
    /^Error: POSTGRES_USER: set DATABASE_URL or POSTGRES_HOST too/,
  );
});

test('variables of the command line, of psql and of other programs do not reach the services', () => {
  const { services } = readVariables({
    FACEPASS_URL: 'http://x',
    PGPASSWORD: 'x',
    NODE_OPTIONS: 'x',
    PORT: '1',
    HOST: 'x',
  });
  assert.deepEqual(services, {});
});

test('the address for phones is one of a home or office network, not of containers or this machine alone', () => {
  const at = (address: string, internal = false) => [{ address, internal, family: 'IPv4' }] as never;
  const interfaces = {
    lo: at('127.0.0.1', true),
    docker0: at('172.17.0.1'),
    wwan0: at('100.64.0.7'),
    eth0: at('10.1.2.3'),
    wlan0: at('192.168.1.5'),
    usb0: at('169.254.3.4'),
  };
  assert.deepEqual(networkAddresses(interfaces), ['192.168.1.5', '10.1.2.3', '100.64.0.7']);
});
