import { signal, type Signal } from '@preact/signals';
import { prepareUpload, type UploadLimits } from '../photos/prepare.ts';
import type { SearchAnswer, Service } from '../service.ts';
import type { Size } from './geometry.ts';

/** A selfie gains nothing from more pixels, and a phone sends fewer sooner. */
const SELFIE_SIDE = 2048;

/** The most that one search may ask for. */
const MOST_MATCHES = 1000;

export interface Selfie {
  image: Blob;
  url: string;
  size: Size | null;
}

export type SearchState =
  | { kind: 'empty' }
  /** `waitingMs`: how long the service asked to wait, while it does. */
  | { kind: 'searching'; selfie: Selfie | null; earlier: SearchAnswer | null; waitingMs: number | null }
  | { kind: 'found'; selfie: Selfie; answer: SearchAnswer }
  | { kind: 'failed'; selfie: Selfie | null; error: unknown };

/**
 * The search by one selfie: choosing it, choosing among its faces, and searching again with another threshold. A newer
 * search ends an older one.
 */
export class SelfieSearch {
  readonly state: Signal<SearchState> = signal({ kind: 'empty' });
  /** Least similarity of a match; `undefined` is the service's own. */
  readonly threshold: Signal<number | undefined> = signal(undefined);
  readonly #service: Service;
  readonly #sessionId: string;
  readonly #limits: UploadLimits;
  #abort = new AbortController();
  #selfie: Selfie | null = null;
  #faceIndex: number | undefined;

  constructor(service: Service, sessionId: string, limits: UploadLimits) {
    this.#service = service;
    this.#sessionId = sessionId;
    this.#limits = { maxBytes: limits.maxBytes, maxSide: Math.min(limits.maxSide, SELFIE_SIDE) };
  }

  /** Searches by another picture: by the largest face of it. */
  async searchBy(file: Blob): Promise<void> {
    this.reset();
    const { signal: aborted } = this.#abort;
    this.state.value = { kind: 'searching', selfie: null, earlier: null, waitingMs: null };
    try {
      const prepared = await prepareUpload(file, this.#limits);
      if (aborted.aborted) return;
      this.#selfie = { ...prepared, url: URL.createObjectURL(prepared.image) };
    } catch (error) {
      this.state.value = { kind: 'failed', selfie: null, error };
    }
    await this.again();
  }

  /** Searches by another face of the same selfie. */
  chooseFace(faceIndex: number): Promise<void> {
    this.#faceIndex = faceIndex;
    return this.again();
  }

  /** Searches by the same selfie with another least similarity, which stays for later selfies. */
  setThreshold(threshold: number): Promise<void> {
    this.threshold.value = threshold;
    return this.again();
  }

  /** Sends the same search once more. */
  async again(): Promise<void> {
    const selfie = this.#selfie;
    if (!selfie) return;
    this.#abort.abort();
    this.#abort = new AbortController();
    const { signal: aborted } = this.#abort;
    const before = this.state.value;
    const searching = { kind: 'searching' as const, selfie, earlier: before.kind === 'found' ? before.answer : null };
    this.state.value = { ...searching, waitingMs: null };
    const onWait = (waitingMs: number) => (this.state.value = { ...searching, waitingMs });
    try {
      const query = {
        sessionId: this.#sessionId,
        image: selfie.image,
        threshold: this.threshold.value,
        faceIndex: this.#faceIndex,
      };
      const answer = await this.#service.search({ ...query, limit: MOST_MATCHES, onWait }, aborted);
      if (!aborted.aborted) this.state.value = { kind: 'found', selfie, answer };
    } catch (error) {
      if (!aborted.aborted) this.state.value = { kind: 'failed', selfie, error };
    }
  }

  /** Forgets the selfie. */
  reset(): void {
    this.#abort.abort();
    this.#abort = new AbortController();
    if (this.#selfie) URL.revokeObjectURL(this.#selfie.url);
    this.#selfie = null;
    this.#faceIndex = undefined;
    this.state.value = { kind: 'empty' };
  }
}
