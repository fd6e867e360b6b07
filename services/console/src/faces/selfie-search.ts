import { signal, type Signal } from '@preact/signals';
import { prepareUpload, type UploadLimits } from '../photos/prepare.ts';
import type { SearchAnswer, Service } from '../service.ts';
import type { Size } from '../parts/geometry.ts';

/** A selfie gains nothing from more pixels, and a phone sends fewer sooner. */
const SELFIE_SIDE = 2048;

/** Pictures of one person that a search takes; the service's limit of bytes holds for all of them together. */
const MOST_SELFIES = 5;

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
 * The search by one selfie or several: choosing it, adding another, choosing among its faces, and searching again with another threshold. A newer
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
  #selfies: Selfie[] = [];
  #faceIndex: number | undefined;

  constructor(service: Service, sessionId: string, limits: UploadLimits) {
    this.#service = service;
    this.#sessionId = sessionId;
    this.#limits = {
      maxBytes: Math.floor(limits.maxBytes / MOST_SELFIES),
      maxSide: Math.min(limits.maxSide, SELFIE_SIDE),
    };
  }

  /** Searches by another picture: by the largest face of it. */
  async searchBy(file: Blob): Promise<void> {
    this.reset();
    this.state.value = { kind: 'searching', selfie: null, earlier: null, waitingMs: null };
    await this.#add(file);
  }

  /** Whether another picture may join those that are searched by. */
  get mayAdd(): boolean {
    return this.#selfies.length > 0 && this.#selfies.length < MOST_SELFIES;
  }

  /** Pictures that are searched by. */
  get selfies(): readonly Selfie[] {
    return this.#selfies;
  }

  /** Searches by another picture of the same person as well. One that is refused is left out of the next search. */
  async addSelfie(file: Blob): Promise<void> {
    if (!this.mayAdd) return;
    await this.#add(file);
    if (this.state.value.kind === 'failed') this.#selfies = this.#selfies.slice(0, -1);
  }

  async #add(file: Blob): Promise<void> {
    const { signal: aborted } = this.#abort;
    try {
      const prepared = await prepareUpload(file, this.#limits);
      if (aborted.aborted) return;
      this.#selfies = [...this.#selfies, { ...prepared, url: URL.createObjectURL(prepared.image) }];
    } catch (error) {
      this.state.value = { kind: 'failed', selfie: this.#selfies[0] ?? null, error };
      return;
    }
    await this.again();
  }

  /** Searches by another face of the same selfie. */
  chooseFace(faceIndex: number): Promise<void> {
    this.#faceIndex = faceIndex;
    return this.again();
  }

  /** Searches by the same selfies with another least similarity, which stays for later selfies. */
  setThreshold(threshold: number): Promise<void> {
    this.threshold.value = threshold;
    return this.again();
  }

  /** Sends the same search once more. */
  async again(): Promise<void> {
    const [selfie] = this.#selfies;
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
        images: this.#selfies.map(({ image }) => image),
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
    for (const { url } of this.#selfies) URL.revokeObjectURL(url);
    this.#selfies = [];
    this.#faceIndex = undefined;
    this.state.value = { kind: 'empty' };
  }
}
