/** What a photo may hold: the number of the picture that was indexed, or null where it holds none. */
export type Held = number | null;

/** A call that writes a picture to a photo, or erases it; `photoId` null is every photo of the session. */
export interface Write {
  photoId: string | null;
  picture: Held;
  /** Milliseconds since 1970. */
  began: number;
  /** Infinity while it is under way, and where nobody knows how it ended: it may still take effect. */
  ended: number;
  /** `nothing`: it found nothing to erase, but was a call to erase all the same. */
  outcome: 'under way' | 'done' | 'nothing' | 'unknown';
}

/** Milliseconds since 1970, finer than one. */
export const now = () => performance.timeOrigin + performance.now();

/**
 * What one session may hold at any time, told from the calls of its clients: when each began and ended, and with what
 * answer. Every photo is a register; what a reader may see are the writes that no other one has surely replaced.
 */
export class SessionModel {
  readonly id: string;
  /** When the session ends by itself; each call that indexes into it says so. Null: never. */
  readonly expiresAt: number | null;
  private writes: Write[] = [];

  constructor(id: string, expiresAt: number | null = null) {
    this.id = id;
    this.expiresAt = expiresAt;
  }

  begin(photoId: string | null, picture: Held): Write {
    const write: Write = { photoId, picture, began: now(), ended: Infinity, outcome: 'under way' };
    this.writes.push(write);
    return write;
  }

  /** `refused`: it did nothing. */
  end(write: Write, outcome: 'done' | 'nothing' | 'unknown' | 'refused'): void {
    if (outcome === 'refused') this.writes = this.writes.filter((one) => one !== write);
    else write.outcome = outcome;
    if (outcome !== 'unknown') write.ended = now();
  }

  /** Whether a call that erases the photo overlapped this time. */
  erases(photoId: string, from: number, to: number): boolean {
    return this.writes.some(
      (write) => write.picture === null && concerns(write, photoId) && write.began <= to && write.ended >= from,
    );
  }

  /** What a reader between `from` and `to` may see of a photo. */
  possible(photoId: string, from: number, to: number): Set<Held> {
    const { expiresAt } = this;
    if (expiresAt !== null && from > expiresAt + CLOCK_MS) return new Set([null]);
    const held = this.stored(photoId, from, to);
    if (expiresAt !== null && to > expiresAt - CLOCK_MS) held.add(null);
    return held;
  }

  /** Likewise, for one that sees what is over and not swept yet, as an erasure does. */
  stored(photoId: string, from: number, to: number): Set<Held> {
    const writes = this.writes.filter(
      (write) => concerns(write, photoId) && write.began <= to && write.outcome !== 'nothing',
    );
    const isReplaced = (write: { ended: number }) =>
      writes.some(
        (later) => later !== write && later.outcome === 'done' && later.began >= write.ended && later.ended <= from,
      );
    const held = new Set<Held>(writes.filter((write) => !isReplaced(write)).map(({ picture }) => picture));
    if (!isReplaced(BEGINNING)) held.add(null);
    return held;
  }

  /** Every photo that some call has named. */
  photoIds(): string[] {
    return [...new Set(this.writes.flatMap(({ photoId }) => photoId ?? []))];
  }

  /** Nothing is under way any more: what the database holds now is what the session holds. */
  settle(held: Map<string, number>): void {
    const at = now();
    this.writes = [...held].map(([photoId, picture]) => ({ photoId, picture, began: at, ended: at, outcome: 'done' }));
  }
}

const BEGINNING = { ended: -Infinity };
/** The database's clock is this machine's, and reads it a little later. */
const CLOCK_MS = 100;

function concerns(write: Write, photoId: string): boolean {
  return write.photoId === null || write.photoId === photoId;
}
