import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Why no certificate can be made here, or false. */
export const noOpenssl = spawnSync('openssl', ['version']).status === 0 ? false : 'needs openssl';

export interface Certificates extends Disposable {
  path(name: string): string;
  /** Puts a certificate of "localhost" with a new key in the place of the server's, that ends then; by seconds. */
  renewServer(endsAt: Date): void;
}

/** An authority, and a certificate of a server "localhost" and of a client that it signed; gone with the directory. */
export function makeCertificates(): Certificates {
  const directory = mkdtempSync(join(tmpdir(), 'facepass-'));
  const path = (name: string) => join(directory, name);
  const openssl = (...words: string[]) =>
    execFileSync('openssl', words, { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] });
  const newKey = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  openssl(...newKey, '-subj', '/CN=authority', '-keyout', 'ca.key', '-out', 'ca.crt');
  for (const [name, subject] of [
    ['server', 'localhost'],
    ['client', 'facepass-api'],
  ] as const) {
    openssl(
      ...newKey,
      '-subj',
      `/CN=${subject}`,
      '-addext',
      `subjectAltName=DNS:${subject}`,
      '-CA',
      'ca.crt',
      '-CAkey',
      'ca.key',
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.crt`,
    );
  }
  writeFileSync(path('index.txt'), '');
  writeFileSync(path('index.txt.attr'), 'unique_subject = no\n');
  writeFileSync(path('serial'), '1000\n');
  writeFileSync(path('ca.conf'), AUTHORITY);
  return {
    path,
    renewServer(endsAt) {
      const request = ['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
      openssl(
        ...[...request, '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
        ...['-keyout', 'next.key', '-out', 'next.csr'],
      );
      const end = `${endsAt.toISOString().replaceAll(/[-:T]|\.\d+/g, '')}`;
      openssl(
        ...['ca', '-batch', '-notext', '-config', 'ca.conf', '-in', 'next.csr', '-out', 'next.crt', '-enddate', end],
      );
      for (const kind of ['key', 'crt']) renameSync(path(`next.${kind}`), path(`server.${kind}`));
    },
    [Symbol.dispose]: () => rmSync(directory, { recursive: true }),
  };
}

/** `openssl ca`: OpenSSL 3.0 has no other way to a certificate of less than a day. */
const AUTHORITY = `[ca]
default_ca = authority
[authority]
database = index.txt
serial = serial
new_certs_dir = .
certificate = ca.crt
private_key = ca.key
default_md = sha256
policy = names
copy_extensions = copy
[names]
commonName = supplied
`;
