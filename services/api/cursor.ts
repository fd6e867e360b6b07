import { fieldProblem } from './validation.ts';

/** The cursor of an answer: where the next page begins. Clients hand it back and do not read it. */
export function cursorOf(place: readonly string[]): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

/**
 * The place that `cursorOf` was given; null without a cursor, for the first page.
 * @param parts the form of each text that names a place in this list
 * @throws ApiProblem invalid_parameter
 */
export function placeOf(cursor: string | undefined, ...parts: RegExp[]): string[] | null {
  if (cursor === undefined) return null;
  const place = parsed(Buffer.from(cursor, 'base64url').toString());
  const isPlace =
    Array.isArray(place) &&
    place.length === parts.length &&
    place.every((part, i) => isStorableText(part) && parts[i]!.test(part));
  if (!isPlace) throw fieldProblem('cursor', 'must be the next_cursor of an answer of this call');
  return place as string[];
}

/** One page of `rows`, of which one more than `limit` was read, and the cursor of the next page. */
export function pageOf<Row>(rows: Row[], limit: number, place: (row: Row) => string[]) {
  const page = rows.slice(0, limit);
  return { page, next_cursor: rows.length > limit ? cursorOf(place(page.at(-1)!)) : null };
}

/** PostgreSQL keeps no NUL and no lone surrogate. */
function isStorableText(part: unknown): part is string {
  return typeof part === 'string' && part.isWellFormed() && !part.includes('\0');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
