import { addAbortListener } from 'node:events';
import { ApiProblem } from '@facepass/indexing/errors';

/** Limits the images in the memory of one process, whichever call sent them. */
export interface ImageMemory {
  /**
   * Reserves memory for the body of one request while it arrives. It counts the bytes received so far, so slow or idle
   * clients block no place.
   * @throws ApiProblem overloaded while all places are taken
   */
  receive(): Receiving;
  /**
   * Waits for a place for a photo that the service fetches itself, and takes it. Such photos take at most half of the
   * places, so uploads always find some.
   * @throws the reason of `signal` if it aborts first
   */
  place(signal: AbortSignal): Promise<Disposable>;
  /** Number of images held, and bytes of those still arriving. */
  load(): { held: number; receivedBytes: number };
}

export interface Receiving extends Disposable {
  /**
   * Counts bytes that arrived.
   * @throws ApiProblem overloaded if the arriving bodies would exceed the free places
   */
  add(bytes: number): void;
  /**
   * Takes a place for the complete body until disposal.
   * @throws ApiProblem overloaded
   */
  hold(): void;
}

/** Creates `limit` places for images of at most `maxBytes`. */
export function createImageMemory(limit: number, maxBytes: number): ImageMemory {
  let held = 0;
  let fetched = 0;
  let receivedBytes = 0;
  const waiting = new Set<() => void>();
  const fetchedLimit = Math.max(1, Math.floor(limit / 2));

  function takePlace(): void {
    if (held >= limit) throw new ApiProblem('overloaded', `All ${limit} places for images are taken.`);
    held += 1;
  }

  function leavePlace(): void {
    held -= 1;
    for (const wake of waiting) wake();
  }

  return {
    load: () => ({ held, receivedBytes }),
    receive() {
      if (held >= limit) throw new ApiProblem('overloaded', `All ${limit} places for images are taken.`);
      let own = 0;
      let holds = false;
      const forget = () => {
        receivedBytes -= own;
        own = 0;
      };
      return {
        add(bytes) {
          if (receivedBytes + bytes > (limit - held) * maxBytes)
            throw new ApiProblem('overloaded', 'Uploads in progress fill the memory for images.');
          receivedBytes += bytes;
          own += bytes;
        },
        hold() {
          takePlace();
          holds = true;
          forget();
        },
        [Symbol.dispose]() {
          forget();
          if (holds) leavePlace();
          holds = false;
        },
      };
    },
    async place(signal) {
      signal.throwIfAborted();
      while (held >= limit || fetched >= fetchedLimit) {
        const { promise, resolve } = Promise.withResolvers<void>();
        waiting.add(resolve);
        using _left = addAbortListener(signal, () => resolve());
        await promise;
        waiting.delete(resolve);
        signal.throwIfAborted();
      }
      takePlace();
      fetched += 1;
      return {
        [Symbol.dispose]() {
          fetched -= 1;
          leavePlace();
        },
      };
    },
  };
}
