/** Most characters of a photo_id or session_id. */
const ID_LIMIT = 255;

/**
 * The photo_id of a file: its path below the folder that was added, or its name. So the same folder gives the same
 * ids again, and indexing it twice makes no duplicates.
 */
export function photoIdOf(name: string, pathInFolder = ''): string {
  const path = pathInFolder.split('/').slice(1).join('/') || name;
  return path
    .normalize('NFC')
    .replace(/\p{Cc}/gu, '_')
    .slice(-ID_LIMIT);
}

/** A name for a session that cannot be guessed: what was typed, and 60 random bits. */
export function unguessable(name: string, random: (bytes: Uint8Array<ArrayBuffer>) => void): string {
  const alphabet = '023456789abcdefghjkmnpqrstuvwxyz';
  const bytes = new Uint8Array(12);
  random(bytes);
  const suffix = Array.from(bytes, (byte) => alphabet[byte % alphabet.length]).join('');
  const stem = name
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '');
  return `${stem.slice(0, 100) || 'event'}-${suffix}`;
}

/** Why `id` cannot be a session_id, or `null`. */
export function sessionIdProblem(id: string): string | null {
  if (id === '') return 'Enter a session id.';
  if (id.length > ID_LIMIT) return `A session id has at most ${ID_LIMIT} characters.`;
  if (/\p{Cc}/u.test(id)) return 'A session id cannot contain control characters.';
  return null;
}
