import { randomBytes } from 'node:crypto';
import {
  fingerprintOf,
  isKeyName,
  keyEntry,
  parseKeys,
  SCOPES,
  withoutKeys,
  type ApiKey,
  type Scope,
} from '@facepass/contracts/api-keys';
import { messageOf } from '@facepass/runtime/errors';
import { EXIT, Failure, type ExitCode } from '../failures.ts';
import { changeKeysFile, readKeysFile } from '../keys-file.ts';

export interface KeysOptions {
  file?: string;
  json?: boolean;
}

/** `facepass keys create NAME`: adds a key to the file and prints it once; the file holds only its SHA-256. */
export function createKey(name: string, options: KeysOptions & { scopes: Scope[] }): ExitCode {
  if (!isKeyName(name))
    throw new Failure(
      EXIT.usage,
      `Invalid key name ${JSON.stringify(name)}: use 1 to 64 letters, digits, dots, dashes and underscores.`,
    );
  const file = fileOf(options);
  const key = `fp_${randomBytes(KEY_BYTES).toString('base64url')}`;
  changeKeysFile(file, (text) => {
    if (keysOf(text, file).some((one) => one.name === name))
      throw new Failure(
        EXIT.usage,
        `${file} already has a key named ${name}. Choose another name, or revoke that key first.`,
      );
    return `${text && !text.endsWith('\n') ? `${text}\n` : text}${keyEntry(name, key, options.scopes)}\n`;
  });
  if (options.json) console.log(JSON.stringify({ name, scopes: options.scopes, key }));
  else {
    console.error(
      `Created key ${name} with scope ${options.scopes.join(', ')}. It is printed only once; ${file} holds only its SHA-256.`,
    );
    console.log(key);
  }
  return EXIT.done;
}

/**
 * `facepass keys list`: name, scopes and fingerprint of each key; the log shows an invalid key by the same fingerprint.
 */
export function listKeys(options: KeysOptions): ExitCode {
  const file = fileOf(options);
  const keys = keysOf(readKeysFile(file), file).map(({ name, scopes, digest, hashed }) => ({
    name,
    scopes: [...scopes],
    fingerprint: fingerprintOf(digest),
    stored: hashed ? 'hashed' : 'plain text',
  }));
  if (options.json) console.log(JSON.stringify(keys));
  else if (keys.length === 0) console.log(`${file} has no keys.`);
  else
    for (const { name, scopes, fingerprint, stored } of keys)
      console.log(`${name.padEnd(24)}  ${scopes.join('+').padEnd(18)}  ${fingerprint}  ${stored}`);
  return EXIT.done;
}

/** `facepass keys revoke NAME`: removes a key from the file; running APIs reject it within a second. */
export function revokeKey(name: string, options: KeysOptions): ExitCode {
  const file = fileOf(options);
  changeKeysFile(file, (text) => {
    if (!keysOf(text, file).some((key) => key.name === name))
      throw new Failure(EXIT.unknown, `${file} has no key named ${name}.`);
    return withoutKeys(text, (key) => key.name === name);
  });
  console.log(
    options.json
      ? JSON.stringify({ name, revoked: true })
      : `Revoked key ${name}. APIs that read ${file} reject it within a second.`,
  );
  return EXIT.done;
}

/** Parses a list such as `index+delete`. @throws Error that names an unknown scope */
export function scopesOf(text: string): Scope[] {
  const named = text.split('+');
  const unknown = named.find((scope) => !(SCOPES as readonly string[]).includes(scope));
  if (unknown !== undefined)
    throw new Error(`Unknown scope ${JSON.stringify(unknown)}; the scopes are ${SCOPES.join(', ')}.`);
  return [...new Set(named as Scope[])];
}

/** 192 bits. */
const KEY_BYTES = 24;

function fileOf({ file }: KeysOptions): string {
  if (!file) throw new Failure(EXIT.usage, 'Name the keys file with --file or API_KEYS_FILE.');
  return file;
}

function keysOf(text: string, file: string): ApiKey[] {
  try {
    return parseKeys(text);
  } catch (error) {
    throw new Failure(EXIT.usage, `${file}: ${messageOf(error)}`);
  }
}
