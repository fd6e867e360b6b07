import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { ConfigurationError, readEnvironment } from './environment.ts';
import { connectionFault, postgresConnection, postgresVariables } from './postgres.ts';

const schema = z.object(postgresVariables({ role: '', url: '' }));
const read = (environment: Record<string, string>) => postgresConnection(readEnvironment(schema, environment));

test('a password with signs that end the host is refused by the name of the variable, and not repeated', () => {
  for (const password of ['pa#ss', '12#34', 'pa/ss', '12/34', 'pa?ss', '12?34', '%ff', 'a@b/c']) {
    const DATABASE_URL = `postgres://user:${password}@host/database`;
    assert.throws(
      () => read({ DATABASE_URL }),
      (error: ConfigurationError) => {
        assert.equal(error.exitCode, 78);
        assert.match(error.message, /DATABASE_URL: must be postgres:.*# as %23/);
        assert.ok(!error.message.includes(password), 'the password is a secret');
        return true;
      },
      password,
    );
  }
});

test('every password arrives once it is encoded, and many as they are', () => {
  for (const password of ['pa#ss', '12/34?5', '%', 'ä@b:c', "it's $(1)!"])
    assert.equal(read({ DATABASE_URL: `postgres://u:${encodeURIComponent(password)}@h/d` }).password, password);
  for (const password of ['a@b', 'a:b', '50%', 'a b']) {
    assert.equal(read({ DATABASE_URL: `postgres://u:${password}@h/d` }).password, password);
  }
});

test('a URL says all of it: socket, IPv6, port and further parameters', () => {
  const { host, port } = read({ DATABASE_URL: 'postgres://u:p@[::1]:5433/d' });
  assert.deepEqual({ host, port }, { host: '::1', port: 5433 });
  assert.equal(read({ DATABASE_URL: 'postgresql:///d?host=/run/pg' }).host, '/run/pg');
  assert.equal(read({ DATABASE_URL: 'postgres://u@/d?host=/run/pg' }).host, '/run/pg');
  const further = read({ DATABASE_URL: 'postgres://u:p@h/d?options=-c%20x.y%3D1' }) as { options?: string };
  assert.equal(further.options, '-c x.y=1');
});

test('never drops a certificate authority, however TLS is configured', () => {
  const authority = { POSTGRES_SSL_CA_FILE: import.meta.filename };
  const verified = (environment: Record<string, string>) => {
    const { ssl } = read({ ...environment, ...authority }) as { ssl: { ca?: string; rejectUnauthorized?: boolean } };
    assert.match(ssl.ca ?? '', /an authority is never dropped/);
    assert.equal(ssl.rejectUnauthorized, true);
  };
  verified({ POSTGRES_HOST: 'h', POSTGRES_SSL: 'true' });
  verified({ DATABASE_URL: 'postgres://h/d', POSTGRES_SSL: 'true' });
  for (const sslmode of ['prefer', 'require', 'verify-ca', 'verify-full'])
    verified({ DATABASE_URL: `postgres://h/d?sslmode=${sslmode}` });
  verified({ DATABASE_URL: 'postgres://h/d?application_name=x&uselibpqcompat=true&sslmode=require' });
  verified({ DATABASE_URL: 'postgres://h/d?ssl=true' });
});

for (const [environment, mistake] of [
  [{}, /DATABASE_URL: set it or POSTGRES_HOST/],
  [{ DATABASE_URL: 'postgres://h/d', POSTGRES_HOST: 'h' }, /DATABASE_URL: .*not both/],
  [{ DATABASE_URL: 'postgres://h:99999/d' }, /DATABASE_URL: must be/],
  [{ DATABASE_URL: 'postgres://h/d', POSTGRES_SSL_CA_FILE: '/no/such' }, /POSTGRES_SSL_CA_FILE: ENOENT/],
  [{ DATABASE_URL: 'postgres://h/d?sslrootcert=/no/such' }, /DATABASE_URL: \/no\/such cannot be read: ENOENT/],
  [{ DATABASE_URL: 'postgres://h/d', POSTGRES_SSL_CA_FILE: import.meta.filename }, /POSTGRES_SSL: must be true, or/],
  [{ DATABASE_URL: 'postgres://h/d?sslmode=disable', POSTGRES_SSL: 'true' }, /POSTGRES_SSL: contradicts/],
  [{ DATABASE_URL: 'postgres://h/d?sslmode=no-verify', POSTGRES_SSL: 'true' }, /POSTGRES_SSL: contradicts/],
] as [Record<string, string>, RegExp][])
  test(`${Object.keys(environment).join(' and ') || 'nothing'}: ${mistake.source} ends the start`, () =>
    assert.throws(() => read(environment), { name: 'ConfigurationError', message: mistake }));

test('reports the failure of a host with several addresses, although the error has no message', () => {
  const [four, six] = [new Error('connect ECONNREFUSED 127.0.0.1:1'), new Error('connect ECONNREFUSED ::1:1')];
  assert.equal(connectionFault(new AggregateError([six, four])), `${six.message}; ${four.message}`);
  assert.equal(connectionFault(four), four.message);
});
