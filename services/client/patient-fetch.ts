import { retryAfterOf } from './problem.ts';

type Fetch = (request: Request) => Promise<Response>;

export interface Patience {
  /** Calls in all, the first among them. */
  attempts: number;
  /** A longer Retry-After is handed on to the caller instead of being waited for, in milliseconds. */
  longestWaitMs: number;
  /** Told before each wait, in milliseconds. */
  onWait?: (waitMs: number, status: number) => void;
}

/**
 * A `fetch` that repeats a call answered 429 or 503 after its Retry-After, or after 0.5 s, 1 s, 2 s … where there is
 * none. Every call of the service may be repeated: indexing replaces, erasing twice erases once. The last answer is
 * returned whatever it is; aborting the request ends the wait.
 */
export function patientFetch({ attempts, longestWaitMs, onWait }: Patience, fetch: Fetch = globalThis.fetch): Fetch {
  return async (request) => {
    for (let attempt = 1; ; attempt += 1) {
      const response = await fetch(attempt < attempts ? request.clone() : request);
      if ((response.status !== 429 && response.status !== 503) || attempt >= attempts) return response;
      const waitMs = retryAfterOf(response.headers, Date.now()) ?? 250 * 2 ** attempt;
      if (waitMs > longestWaitMs) return response;
      onWait?.(waitMs, response.status);
      await response.body?.cancel();
      await wait(waitMs, request.signal);
    }
  };
}

function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', abort);
      resolve();
    }, milliseconds);
    const abort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    signal.addEventListener('abort', abort, { once: true });
  });
}
