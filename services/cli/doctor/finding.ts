/** The result of one check. */
export interface Finding {
  what: string;
  /** Absent if the check passed. */
  fault?: string;
  /** How to fix the fault. */
  mend?: string;
}

/** The first of `mends` whose pattern `text` matches. */
export function mendOf(text: string, mends: [pattern: RegExp, mend: string][]): string | undefined {
  return mends.find(([pattern]) => pattern.test(text))?.[1];
}
