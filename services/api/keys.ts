import { timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { digestOf, fingerprintOf, parseKeys, type ApiKey } from '@facepass/contracts/api-keys';
import { ConfigurationError } from '@facepass/runtime/environment';
import type { FileGauges } from '@facepass/runtime/exposition';
import type { Logger } from '@facepass/runtime/logger';
import { watchFiles } from '@facepass/runtime/reload';
import { messageOf } from '@facepass/runtime/errors';

export interface KeyRing extends Disposable {
  /** The key whose secret is `presented`, or null; every key is compared, in constant time. */
  find(presented: string): ApiKey | null;
  /** Eight hexadecimal digits that tell two refused keys apart in the log. */
  fingerprint(presented: string): string;
}

/**
 * The API keys. Those of `file` and of `smokeTestFile` are read again within a second of a change to it, so keys rotate
 * without a restart; a file that cannot be read leaves the old keys in force, and the gauges say so. The smoke test has a key of its own, in
 * the clear, since those of the keys file may be digests.
 * @throws ConfigurationError naming the entry, never the key, that is malformed.
 */
export function openKeyRing(options: {
  entries: string;
  file?: string | undefined;
  smokeTestFile?: string | undefined;
  gauges: FileGauges;
  logger: Logger;
}): KeyRing {
  const { entries, file, smokeTestFile, gauges, logger } = options;
  let keys = [...readKeys(entries), ...readSmokeTestKey(smokeTestFile)];
  if (keys.length === 0) logger.warn('there is no API key: every protected call will be refused');
  const readAgain = () => {
    try {
      keys = [...readKeys(file ? readFileSync(file, 'utf8') : entries), ...readSmokeTestKey(smokeTestFile)];
      gauges.reloadFailed('keys', false);
      logger.info({ keys: keys.map((key) => key.name) }, 'API keys read again');
    } catch (error) {
      gauges.reloadFailed('keys', true);
      logger.error({ reason: messageOf(error) }, 'API keys not read again; the old ones stay in force');
    }
  };
  const watched = [file, smokeTestFile].filter((path) => path !== undefined);
  if (watched.length > 0) gauges.reloadFailed('keys', false);
  const watch = watchFiles(watched, readAgain);
  return {
    find: (presented) => findKey(keys, digestOf(presented)),
    fingerprint: (presented) => fingerprintOf(digestOf(presented)),
    [Symbol.dispose]: () => watch[Symbol.dispose](),
  };
}

function readKeys(text: string): ApiKey[] {
  try {
    return parseKeys(text);
  } catch (error) {
    throw new ConfigurationError(`API_KEYS: ${messageOf(error)}`);
  }
}

function readSmokeTestKey(path: string | undefined): ApiKey[] {
  if (path === undefined) return [];
  try {
    return parseKeys(`smoke-test:${readFileSync(path, 'utf8').trim()}:index+delete`);
  } catch (error) {
    throw new ConfigurationError(`SMOKE_TEST_KEY_FILE: ${messageOf(error)}`);
  }
}

function findKey(keys: readonly ApiKey[], digest: Buffer): ApiKey | null {
  let found: ApiKey | null = null;
  for (const key of keys) if (timingSafeEqual(key.digest, digest)) found = key;
  return found;
}
