import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Why no certificate can be made here, or false. */
export const noOpenssl = spawnSync('openssl', ['version']).status === 0 ? false : 'needs openssl';

/** An authority, and a certificate of a server "localhost" and of a client that it signed; gone with the directory. */
export function makeCertificates(): Disposable & { path(name: string): string } {
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
  return { path, [Symbol.dispose]: () => rmSync(directory, { recursive: true }) };
}
