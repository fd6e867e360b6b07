/** A mistake that no test sees, and why that is right; a test for anything else is missing. */
export interface Survivor {
  file: string;
  /** As the run names it. */
  what: string;
  reason: string;
}

export const SURVIVORS: Survivor[] = [];
