import { createHash } from 'node:crypto';

/**
 * The format of API_KEYS and of the file API_KEYS_FILE, which `facepass keys` writes and the API reads: entries are
 * separated by commas or lines; lines that begin with # are comments.
 */
export const SCOPES = ['index', 'delete', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

export interface ApiKey {
  name: string;
  /** SHA-256 of the key; the key itself is not kept. */
  digest: Buffer;
  /** Whether the entry holds the digest only, and not the key in the clear. */
  hashed: boolean;
  scopes: ReadonlySet<Scope>;
}

/**
 * Reads `name:key`, `name:key:scope+scope` and bare keys, which are named by their position. Instead of the key an
 * entry may have its digest, as `sha256=` and 64 hexadecimal digits.
 * @throws Error that names the entry by its position, never the key.
 */
export function parseKeys(text: string): ApiKey[] {
  const keys = text.split('\n').flatMap(entriesOf).map(parseKey);
  const names = new Set(keys.map((key) => key.name));
  if (names.size < keys.length) throw new Error('two keys have the same name');
  return keys;
}

/** One entry of the file; it contains only the digest of `secret`. */
export function keyEntry(name: string, secret: string, scopes: readonly Scope[]): string {
  return `${name}:${HASHED}${digestOf(secret).toString('hex')}:${scopes.join('+')}`;
}

/** Removes the keys for which `gone` is true from `text`; comments and the other entries stay as they are. */
export function withoutKeys(text: string, gone: (key: ApiKey) => boolean): string {
  const keys = parseKeys(text).values();
  const lines = text.split('\n').flatMap((line) => {
    const entries = entriesOf(line);
    const kept = entries.filter(() => !gone(keys.next().value!));
    if (kept.length === entries.length) return [line];
    return kept.length > 0 ? [kept.join(',')] : [];
  });
  return lines.join('\n');
}

/** Whether `name` may name a key. */
export function isKeyName(name: string): boolean {
  return /^[A-Za-z0-9_.-]{1,64}$/.test(name);
}

/** SHA-256 suffices for keys of 16 random characters or more (docs/decisions/0033). */
export function digestOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** Eight hexadecimal digits that distinguish keys where the key itself must not appear, such as in a log. */
export function fingerprintOf(digest: Buffer): string {
  return digest.toString('hex').slice(0, 8);
}

const HASHED = 'sha256=';

function entriesOf(line: string): string[] {
  return line.trimStart().startsWith('#')
    ? []
    : line
        .split(',')
        .map((entry) => entry.trim())
        .filter(Boolean);
}

function parseKey(entry: string, position: number): ApiKey {
  const parts = entry.includes(':') ? entry.split(':') : [`key-${position + 1}`, entry];
  const [name = '', secret = '', scopes = 'index+delete', ...rest] = parts;
  const mistake = (rule: string) => new Error(`entry ${position + 1} ${rule}`);
  if (!isKeyName(name) || rest.length > 0) throw mistake('must be name:key or name:key:scope+scope');
  if (!/^[\x21-\x7e]{16,256}$/.test(secret)) throw mistake('must have a key of 16 to 256 printable characters');
  const hashed = secret.startsWith(HASHED);
  if (hashed && !/^[0-9a-f]{64}$/i.test(secret.slice(HASHED.length)))
    throw mistake(`must have 64 hexadecimal digits after ${HASHED}`);
  const named = scopes.split('+');
  const unknown = named.filter((scope) => !(SCOPES as readonly string[]).includes(scope));
  if (unknown.length > 0) throw mistake(`must have scopes among ${SCOPES.join(', ')}`);
  return {
    name,
    hashed,
    digest: hashed ? Buffer.from(secret.slice(HASHED.length), 'hex') : digestOf(secret),
    scopes: new Set(named as Scope[]),
  };
}
