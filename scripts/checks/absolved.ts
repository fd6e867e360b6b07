/** A test file that may fail beside others while it passes alone: on shared cores, for a cause that is known. */
export interface Absolved {
  file: string;
  cause: string;
  /** The day it was put on the list, YYYY-MM-DD. */
  since: string;
}

const MOST = 3;

/**
 * The list of `absolved.json`.
 * @throws Error where it is longer than three, or an entry lacks its cause or its date.
 */
export function readAbsolved(text: string): Absolved[] {
  const list = JSON.parse(text) as Partial<Absolved>[];
  if (list.length > MOST) throw new Error(`${list.length} test files are absolved, at most ${MOST} may be: fix one.`);
  return list.map(({ file = '', cause = '', since = '' }) => {
    if (!file || cause.length < 20 || !/^\d{4}-\d\d-\d\d$/.test(since))
      throw new Error(`${file || 'A test file'} is absolved without a cause (a sentence) and a date (YYYY-MM-DD).`);
    return { file, cause, since };
  });
}
