import { retryAfterOf } from './problem.ts';

type Fetch = (request: Request) => Promise<Response>;

export interface Patience {
  /** Maximum number of calls, including the first. */
  attempts: number;
  /** Maximum wait in milliseconds; an answer with a longer Retry-After goes to the caller at once. */
  longestWaitMs: number;
  /** Called before each wait, with its length in milliseconds. */
  onWait?: (waitMs: number, status: number) => void;
}

/**
 * A `fetch` that retries calls answered 429 or 503 after their Retry-After, or after 0.5 s, 1 s, 2 s … if there is none.
 * Every call of the service can be repeated: indexing replaces, and erasing twice erases once. It returns the last
 * answer, whatever it is; aborting the request ends the wait.
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
