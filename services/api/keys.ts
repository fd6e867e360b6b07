import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { ConfigurationError } from '@facepass/runtime/environment';
import type { Logger } from '@facepass/runtime/logger';

export const SCOPES = ['index', 'delete', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

export interface ApiKey {
  name: string;
  /** SHA-256 of the key; the key itself is not kept. */
  digest: Buffer;
  scopes: ReadonlySet<Scope>;
}

export interface KeyRing extends Disposable {
  /** The key whose secret is `presented`, or null; every key is compared, in constant time. */
  find(presented: string): ApiKey | null;
  /** Eight hexadecimal digits that tell two refused keys apart in the log. */
  fingerprint(presented: string): string;
}

/**
 * The API keys. With `file` they are read again within a second of a change to it, so keys rotate without a restart; a
 * file that cannot be read leaves the old keys in force.
 * @throws ConfigurationError naming the entry, never the key, that is malformed.
 */
export function openKeyRing(options: { entries: string; file?: string; logger: Logger }): KeyRing {
  const { entries, file, logger } = options;
  let keys = parseKeys(entries);
  if (keys.length === 0) logger.warn('there is no API key: every protected call will be refused');
  if (file) {
    watchFile(file, { interval: 500 }, () => {
      try {
        keys = parseKeys(readFileSync(file, 'utf8'));
        logger.info({ keys: keys.map((key) => key.name) }, 'API keys read again');
      } catch (error) {
        logger.error({ reason: (error as Error).message }, 'API keys not read again; the old ones stay in force');
      }
    }).unref();
  }
  return {
    find: (presented) => findKey(keys, digestOf(presented)),
    fingerprint: (presented) => digestOf(presented).toString('hex').slice(0, 8),
    [Symbol.dispose]: () => file && unwatchFile(file),
  };
}

/**
 * Reads `name:key`, `name:key:scope+scope` and bare keys, which are named by their position, separated by commas or lines; lines
 * beginning with # are comments.
 * @throws ConfigurationError
 */
export function parseKeys(text: string): ApiKey[] {
  const lines = text.split('\n').filter((line) => !line.trimStart().startsWith('#'));
  const entries = lines.join(',').split(',').map((entry) => entry.trim()).filter(Boolean);
  const keys = entries.map(parseKey);
  const names = new Set(keys.map((key) => key.name));
  if (names.size < keys.length) throw new ConfigurationError('API_KEYS: two keys have one name');
  return keys;
}

function parseKey(entry: string, position: number): ApiKey {
  const parts = entry.includes(':') ? entry.split(':') : [`key-${position + 1}`, entry];
  const [name = '', secret = '', scopes = 'index+delete', ...rest] = parts;
  const mistake = (rule: string) => new ConfigurationError(`API_KEYS: entry ${position + 1} ${rule}`);
  if (!/^[A-Za-z0-9_.-]{1,64}$/.test(name) || rest.length > 0) throw mistake('must be name:key or name:key:scope+scope');
  if (!/^[\x21-\x7e]{16,256}$/.test(secret)) throw mistake('must have a key of 16 to 256 printable characters');
  const named = scopes.split('+');
  const unknown = named.filter((scope) => !(SCOPES as readonly string[]).includes(scope));
  if (unknown.length > 0) throw mistake(`must have scopes among ${SCOPES.join(', ')}`);
  return { name, digest: digestOf(secret), scopes: new Set(named as Scope[]) };
}

function findKey(keys: readonly ApiKey[], digest: Buffer): ApiKey | null {
  let found: ApiKey | null = null;
  for (const key of keys) if (timingSafeEqual(key.digest, digest)) found = key;
  return found;
}

function digestOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
