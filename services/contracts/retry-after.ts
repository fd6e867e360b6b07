/**
 * Trailer of a RESOURCE_EXHAUSTED answer of the inference server: milliseconds until the work it holds now is
 * likely done. The API rounds it up to whole seconds in `Retry-After`.
 */
export const RETRY_AFTER_TRAILER = 'retry-after-ms';
