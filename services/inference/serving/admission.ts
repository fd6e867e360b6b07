import type { RefusalReason } from './metrics.ts';

/** What the server holds at the moment a call arrives. */
export interface Load {
  /** Calls let in and not yet answered: their photo is being received, waits, or is under work. */
  open: number;
  workers: number;
  queueLimit: number;
  /** What a worker lately took for a photo, in milliseconds; 0 when not yet known. */
  serviceMs: number;
}

export interface Refusal {
  reason: RefusalReason;
  message: string;
  /** Time until the work held now is likely done, in milliseconds. */
  retryAfterMs: number;
}

/**
 * Judges a call by its headers, before its photo is read: null lets it in. A full server refuses at once instead of
 * making the queue longer, and a call that would still wait at its deadline is not worth its upload.
 * @param remainingMs time the caller still gives, Infinity without a deadline.
 * @param yields whether others go first: such a call is let in only where a worker is idle.
 */
export function judge(load: Load, remainingMs: number, yields = false): Refusal | null {
  const { open, workers, queueLimit, serviceMs } = load;
  const retryAfterMs = Math.ceil((open / workers) * serviceMs);
  if (open >= workers + queueLimit)
    return { reason: 'queue_full', message: `All ${workers + queueLimit} places are in use.`, retryAfterMs };
  if (yields && open >= workers)
    return {
      reason: 'yielded',
      message: `All ${workers} workers are busy, and the call has low priority.`,
      retryAfterMs,
    };
  const waitMs = (Math.max(0, open + 1 - workers) / workers) * serviceMs;
  if (waitMs > remainingMs)
    return {
      reason: 'deadline_too_short',
      message: `The photo would wait about ${Math.ceil(waitMs)} ms, longer than its deadline allows.`,
      retryAfterMs,
    };
  return null;
}
