import { Problem } from '@facepass/client';
import { signal, type Signal } from '@preact/signals';
import type { Size } from '../parts/geometry.ts';
import type { IndexAnswer, Service } from '../service.ts';
import { prepareUpload, type UploadLimits } from './prepare.ts';
import { UploadQueue, type Attempt } from './upload-queue.ts';

/** A photo that this page holds, and what the service made of it. */
export interface Photo {
  id: string;
  file: File;
  /** Of the browser's own copy. */
  url: string;
  state: Signal<PhotoState>;
}

export type PhotoState =
  | { kind: 'waiting' }
  | { kind: 'working' }
  /** `size`: of the picture the boxes refer to. */
  | { kind: 'indexed'; size: Size | null; faces: IndexAnswer['faces']; rejected: IndexAnswer['rejected'] }
  | { kind: 'no_face'; size: Size | null; detail: string; rejected: IndexAnswer['rejected'] }
  | { kind: 'failed'; detail: string; requestId: string | null }
  /** Added to be looked at; not sent. */
  | { kind: 'shown' }
  | { kind: 'erased' };

/**
 * How many photos are in each state, and how many have faces that were left out. Kept as they change: thousands of
 * photos are not counted anew each time.
 */
export type Counts = Record<PhotoState['kind'] | 'left_out', number>;

const NONE: Counts = { waiting: 0, working: 0, indexed: 0, no_face: 0, failed: 0, shown: 0, erased: 0, left_out: 0 };

/** Uploads of one page at a time; more only wait inside the service. */
const PARALLEL_UPLOADS = 4;
const ATTEMPTS = 10;

/** The photos of one open session: this browser's own copies, and the queue that sends them. */
export class Library {
  readonly photos: Signal<Photo[]> = signal([]);
  /** Until when the queue waits because the service is busy, in milliseconds since 1970. */
  readonly pausedUntil: Signal<number | null> = signal(null);
  /** Set when the key was refused: nothing more is sent until photos are indexed again. */
  readonly keyRefused: Signal<Problem | null> = signal(null);
  readonly counts: Signal<Counts> = signal(NONE);
  readonly #byId = new Map<string, Photo>();
  readonly #service: Service;
  readonly #sessionId: string;
  readonly #limits: UploadLimits;
  readonly #queue: UploadQueue<Photo>;

  constructor(service: Service, sessionId: string, limits: UploadLimits) {
    this.#service = service;
    this.#sessionId = sessionId;
    this.#limits = limits;
    this.#queue = new UploadQueue({
      parallel: PARALLEL_UPLOADS,
      attempts: ATTEMPTS,
      run: (photo, abort) => this.#index(photo, abort),
      giveUp: (photo) =>
        this.#become(photo, {
          kind: 'failed',
          detail: `The service was busy; gave up after ${ATTEMPTS} attempts.`,
          requestId: null,
        }),
      onPause: (untilMs) => (this.pausedUntil.value = untilMs),
    });
  }

  find(photoId: string): Photo | undefined {
    return this.#byId.get(photoId);
  }

  /**
   * Takes files under their photo ids, replacing earlier ones of the same id, and sends them unless they are only to be
   * shown.
   */
  add(files: Iterable<{ id: string; file: File }>, mode: 'index' | 'show'): void {
    const added = Array.from(files, ({ id, file }) => this.#take(id, file, mode));
    this.photos.value = [...this.#byId.values()];
    if (mode === 'index') this.index(added);
  }

  /** Sends photos (again). */
  index(photos: Iterable<Photo>): void {
    const again = [...photos];
    this.keyRefused.value = null;
    for (const photo of again) this.#become(photo, { kind: 'waiting' });
    this.#queue.add(again);
  }

  /** Stops sending; what was not sent yet is only shown. */
  stop(): void {
    this.#queue.clear();
    for (const photo of this.photos.value) if (isUnderWay(photo.state.value)) this.#become(photo, { kind: 'shown' });
  }

  async erase(photo: Photo): Promise<void> {
    await this.#service.erasePhoto(this.#sessionId, photo.id);
    this.#become(photo, { kind: 'erased' });
  }

  /** Forgets every photo and stops sending. */
  close(): void {
    this.#queue.clear();
    for (const photo of this.#byId.values()) URL.revokeObjectURL(photo.url);
    this.#byId.clear();
    this.photos.value = [];
    this.counts.value = NONE;
  }

  #take(id: string, file: File, mode: 'index' | 'show'): Photo {
    const earlier = this.#byId.get(id);
    if (earlier) URL.revokeObjectURL(earlier.url);
    const state = (mode === 'show' ? earlier?.state.value : undefined) ?? { kind: 'shown' };
    const photo: Photo = { id, file, url: URL.createObjectURL(file), state: signal(state) };
    this.#byId.set(id, photo);
    this.#count(earlier?.state.value, state);
    return photo;
  }

  /** Every change of a photo's state; one that was replaced by a newer file of its id is not counted. */
  #become(photo: Photo, state: PhotoState): void {
    if (this.#byId.get(photo.id) === photo) this.#count(photo.state.value, state);
    photo.state.value = state;
  }

  #count(before: PhotoState | undefined, after: PhotoState): void {
    const counts = { ...this.counts.value };
    for (const [state, change] of [
      [before, -1],
      [after, 1],
    ] as const) {
      if (!state) continue;
      counts[state.kind] += change;
      if (hasRejected(state)) counts.left_out += change;
    }
    this.counts.value = counts;
  }

  #refuseKey(problem: Problem): void {
    this.#queue.clear();
    this.keyRefused.value = problem;
    const refused: PhotoState = { kind: 'failed', detail: problem.message, requestId: null };
    for (const photo of this.photos.value) if (isUnderWay(photo.state.value)) this.#become(photo, refused);
  }

  async #index(photo: Photo, abort: AbortSignal): Promise<Attempt> {
    if (this.#byId.get(photo.id) !== photo) return { outcome: 'done' };
    this.#become(photo, { kind: 'working' });
    let size: Size | null = null;
    try {
      const prepared = await prepareUpload(photo.file, this.#limits);
      size = prepared.size;
      const answer = await this.#service.index(this.#sessionId, photo.id, prepared.image, abort);
      this.#become(photo, { kind: 'indexed', size, faces: answer.faces, rejected: answer.rejected });
      return { outcome: 'done' };
    } catch (error) {
      if (abort.aborted) return { outcome: 'done' };
      if (error instanceof Problem && error.isTransient) {
        this.#become(photo, { kind: 'waiting' });
        return { outcome: 'again', waitMs: error.retryAfterMs };
      }
      this.#become(photo, failureOf(error, size));
      if (error instanceof Problem && (error.status === 401 || error.status === 403)) this.#refuseKey(error);
      return { outcome: 'done' };
    }
  }
}

export function isUnderWay(state: PhotoState): boolean {
  return state.kind === 'waiting' || state.kind === 'working';
}

export function hasRejected(state: PhotoState): boolean {
  return 'rejected' in state && state.rejected.length > 0;
}

function failureOf(error: unknown, size: Size | null): PhotoState {
  if (!(error instanceof Problem)) return { kind: 'failed', detail: (error as Error).message, requestId: null };
  if (error.code === 'no_face') {
    const rejected = Array.isArray(error.members.rejected) ? (error.members.rejected as IndexAnswer['rejected']) : [];
    return { kind: 'no_face', size, detail: error.message, rejected };
  }
  return { kind: 'failed', detail: error.message, requestId: error.requestId };
}
