import { timingSafeEqual } from 'node:crypto';
import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { digestOf, fingerprintOf, parseKeys, type ApiKey } from '@facepass/contracts/api-keys';
import { ConfigurationError } from '@facepass/runtime/environment';
import type { Logger } from '@facepass/runtime/logger';

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
  let keys = readKeys(entries);
  if (keys.length === 0) logger.warn('there is no API key: every protected call will be refused');
  if (file) {
    watchFile(file, { interval: 500 }, () => {
      try {
        keys = readKeys(readFileSync(file, 'utf8'));
        logger.info({ keys: keys.map((key) => key.name) }, 'API keys read again');
      } catch (error) {
        logger.error({ reason: (error as Error).message }, 'API keys not read again; the old ones stay in force');
      }
    }).unref();
  }
  return {
    find: (presented) => findKey(keys, digestOf(presented)),
    fingerprint: (presented) => fingerprintOf(digestOf(presented)),
    [Symbol.dispose]: () => file && unwatchFile(file),
  };
}

function readKeys(text: string): ApiKey[] {
  try {
    return parseKeys(text);
  } catch (error) {
    throw new ConfigurationError(`API_KEYS: ${(error as Error).message}`);
  }
}

function findKey(keys: readonly ApiKey[], digest: Buffer): ApiKey | null {
  let found: ApiKey | null = null;
  for (const key of keys) if (timingSafeEqual(key.digest, digest)) found = key;
  return found;
}
