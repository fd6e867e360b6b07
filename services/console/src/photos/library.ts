import { Problem } from '@facepass/client';
import { computed, signal, type ReadonlySignal, type Signal } from '@preact/signals';
import type { Size } from '../faces/geometry.ts';
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

export type PhotoKind = PhotoState['kind'];

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
  readonly counts: ReadonlySignal<Record<PhotoKind, number>>;
  readonly #byId = new Map<string, Photo>();
  readonly #service: Service;
  readonly #sessionId: string;
  readonly #limits: UploadLimits;
  readonly #queue: UploadQueue<Photo>;

  constructor(service: Service, sessionId: string, limits: UploadLimits) {
    this.#service = service;
    this.#sessionId = sessionId;
    this.#limits = limits;
    this.counts = computed(() => countKinds(this.photos.value));
    this.#queue = new UploadQueue({
      parallel: PARALLEL_UPLOADS,
      attempts: ATTEMPTS,
      run: (photo, abort) => this.#index(photo, abort),
      giveUp: (photo) => (photo.state.value = { kind: 'failed', detail: `The service refused it ${ATTEMPTS} times because it was busy.`, requestId: null }),
      onPause: (untilMs) => (this.pausedUntil.value = untilMs),
    });
  }

  find(photoId: string): Photo | undefined {
    return this.#byId.get(photoId);
  }

  /** Takes files under their photo ids, replacing earlier ones of the same id, and sends them unless they are only to be shown. */
  add(files: Iterable<{ id: string; file: File }>, mode: 'index' | 'show'): void {
    const added = Array.from(files, ({ id, file }) => this.#take(id, file, mode));
    this.photos.value = [...this.#byId.values()];
    if (mode === 'index') this.index(added);
  }

  /** Sends photos (again). */
  index(photos: Iterable<Photo>): void {
    const again = [...photos];
    this.keyRefused.value = null;
    for (const photo of again) photo.state.value = { kind: 'waiting' };
    this.#queue.add(again);
  }

  /** Stops sending; what was not sent yet is only shown. */
  stop(): void {
    this.#queue.clear();
    for (const { state } of this.photos.value) if (isUnderWay(state.value)) state.value = { kind: 'shown' };
  }

  async erase(photo: Photo): Promise<void> {
    await this.#service.erasePhoto(this.#sessionId, photo.id);
    photo.state.value = { kind: 'erased' };
  }

  /** Forgets every photo and stops sending. */
  close(): void {
    this.#queue.clear();
    for (const photo of this.#byId.values()) URL.revokeObjectURL(photo.url);
    this.#byId.clear();
    this.photos.value = [];
  }

  #take(id: string, file: File, mode: 'index' | 'show'): Photo {
    const earlier = this.#byId.get(id);
    if (earlier) URL.revokeObjectURL(earlier.url);
    const kept = mode === 'show' ? earlier?.state.value : undefined;
    const photo: Photo = { id, file, url: URL.createObjectURL(file), state: signal(kept ?? { kind: mode === 'index' ? 'waiting' : 'shown' }) };
    this.#byId.set(id, photo);
    return photo;
  }

  #refuseKey(problem: Problem): void {
    this.#queue.clear();
    this.keyRefused.value = problem;
    for (const { state } of this.photos.value) if (isUnderWay(state.value)) state.value = { kind: 'failed', detail: problem.message, requestId: null };
  }

  async #index(photo: Photo, abort: AbortSignal): Promise<Attempt> {
    if (this.#byId.get(photo.id) !== photo) return { outcome: 'done' };
    photo.state.value = { kind: 'working' };
    let size: Size | null = null;
    try {
      const prepared = await prepareUpload(photo.file, this.#limits);
      size = prepared.size;
      const answer = await this.#service.index(this.#sessionId, photo.id, prepared.image, abort);
      photo.state.value = { kind: 'indexed', size, faces: answer.faces, rejected: answer.rejected };
      return { outcome: 'done' };
    } catch (error) {
      if (abort.aborted) return { outcome: 'done' };
      if (error instanceof Problem && error.isTransient) {
        photo.state.value = { kind: 'waiting' };
        return { outcome: 'again', waitMs: error.retryAfterMs };
      }
      photo.state.value = failureOf(error, size);
      if (error instanceof Problem && (error.status === 401 || error.status === 403)) this.#refuseKey(error);
      return { outcome: 'done' };
    }
  }
}

export function isUnderWay(state: PhotoState): boolean {
  return state.kind === 'waiting' || state.kind === 'working';
}

function failureOf(error: unknown, size: Size | null): PhotoState {
  if (!(error instanceof Problem)) return { kind: 'failed', detail: (error as Error).message, requestId: null };
  if (error.code === 'no_face') {
    const rejected = Array.isArray(error.members.rejected) ? (error.members.rejected as IndexAnswer['rejected']) : [];
    return { kind: 'no_face', size, detail: error.message, rejected };
  }
  return { kind: 'failed', detail: error.message, requestId: error.requestId };
}

function countKinds(photos: readonly Photo[]): Record<PhotoKind, number> {
  const counts = { waiting: 0, working: 0, indexed: 0, no_face: 0, failed: 0, shown: 0, erased: 0 };
  for (const photo of photos) counts[photo.state.value.kind] += 1;
  return counts;
}
