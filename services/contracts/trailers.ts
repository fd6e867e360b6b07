/**
 * Trailer of a RESOURCE_EXHAUSTED answer of the inference server: milliseconds until the work it holds now is
 * likely done. The API rounds it up to whole seconds in `Retry-After`.
 */
export const RETRY_AFTER_TRAILER = 'retry-after-ms';
/**
 * Trailer of a DEADLINE_EXCEEDED answer of the inference server: the name and the value of its own limit that was
 * reached. Without it the caller's deadline passed.
 */
export const TIME_LIMIT_TRAILER = 'time-limit';

/** Metadata of a call that lets others go first: it is admitted only where a worker is idle. */
export const PRIORITY_HEADER = 'facepass-priority';
export const LOW_PRIORITY = 'low';
