/** One thing that was looked at. */
export interface Finding {
  what: string;
  /** Absent where all is well. */
  fault?: string;
  /** What to do about the fault. */
  mend?: string;
}

/** The first of `mends` whose pattern `text` matches. */
export function mendOf(text: string, mends: [pattern: RegExp, mend: string][]): string | undefined {
  return mends.find(([pattern]) => pattern.test(text))?.[1];
}
