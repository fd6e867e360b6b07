import { addAbortListener } from 'node:events';
import { ApiProblem } from './errors.ts';

/** Bounds the images in the memory of one process, whichever call brought them. */
export interface ImageMemory {
  /**
   * Room for the body of one request while it arrives. It counts the bytes that are there, so that clients that send
   * slowly, or nothing, hold no place of others.
   * @throws ApiProblem overloaded while every place is taken
   */
  receive(): Receiving;
  /**
   * Waits for a place for a photo that the service fetches itself, and takes it; such photos take at most half of the
   * places, so that uploads always find some.
   * @throws the reason of `signal` when that aborts first
   */
  place(signal: AbortSignal): Promise<Disposable>;
  /** Images held, and bytes of those that still arrive. */
  load(): { held: number; receivedBytes: number };
}

export interface Receiving extends Disposable {
  /**
   * Counts bytes that arrived.
   * @throws ApiProblem overloaded when bodies that are under way would fill the places that are free
   */
  add(bytes: number): void;
  /**
   * The body is complete: it takes a place until it is disposed of.
   * @throws ApiProblem overloaded
   */
  hold(): void;
}

/** `limit` places for images of at most `maxBytes`. */
export function createImageMemory(limit: number, maxBytes: number): ImageMemory {
  let held = 0;
  let fetched = 0;
  let receivedBytes = 0;
  const waiting = new Set<() => void>();
  const fetchedLimit = Math.max(1, Math.floor(limit / 2));

  function takePlace(): void {
    if (held >= limit) throw new ApiProblem('overloaded', `${limit} images are in memory.`);
    held += 1;
  }

  function leavePlace(): void {
    held -= 1;
    for (const wake of waiting) wake();
  }

  return {
    load: () => ({ held, receivedBytes }),
    receive() {
      if (held >= limit) throw new ApiProblem('overloaded', `${limit} images are in memory.`);
      let own = 0;
      let holds = false;
      const forget = () => {
        receivedBytes -= own;
        own = 0;
      };
      return {
        add(bytes) {
          if (receivedBytes + bytes > (limit - held) * maxBytes)
            throw new ApiProblem('overloaded', 'Uploads that are under way fill the memory for images.');
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
