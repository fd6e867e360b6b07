import { styleText } from 'node:util';
import type { Outcome } from './upload.ts';

export interface Totals {
  photos: number;
  done: number;
  indexed: number;
  faces: number;
  withoutFace: number;
  failed: number;
}

/** Reports the progress of a run. */
export interface Reporter {
  photo(photoId: string, outcome: Outcome, totals: Totals): void;
  /** Prints a line between the photos. */
  note(text: string): void;
  end(totals: Totals & { unchanged: number; seconds: number }): void;
}

/** One updating line with rate and time left; failed photos stay above it. For people in a terminal. */
export function progressLine(stream: NodeJS.WriteStream): Reporter {
  const startedMs = performance.now();
  let drawnMs = 0;
  const above = (text: string) => stream.write(`\r\x1b[K${text}\n`);
  return {
    photo(photoId, outcome, totals) {
      if (outcome.kind === 'failed') above(`${styleText('red', 'failed', { stream })}  ${photoId}: ${outcome.reason}`);
      if (performance.now() - drawnMs < 100 && totals.done < totals.photos) return;
      drawnMs = performance.now();
      const text = progressText(totals, (drawnMs - startedMs) / 1000);
      stream.write(`\r\x1b[K${text.slice(0, (stream.columns || 80) - 1)}`);
    },
    note: above,
    end(totals) {
      above(summaryText(totals));
    },
  };
}

/** One JSON line per photo, then the totals. For programs. */
export function jsonLines(stream: NodeJS.WritableStream, notes: NodeJS.WritableStream): Reporter {
  return {
    photo(photo_id, { kind, ...rest }) {
      stream.write(`${JSON.stringify({ photo_id, outcome: kind, ...rest })}\n`);
    },
    note: (text) => void notes.write(`${text}\n`),
    end({ withoutFace, ...totals }) {
      stream.write(`${JSON.stringify({ totals: { ...totals, without_face: withoutFace } })}\n`);
    },
  };
}

/** For example `  120 of 1,000 photos · 431 faces · 8.3 per second · 1 min 46 s left`. */
export function progressText({ photos, done, faces }: Totals, seconds: number): string {
  const rate = done / Math.max(seconds, 0.001);
  const left = rate > 0 ? ` · ${durationText((photos - done) / rate)} left` : '';
  return `  ${counted(done)} of ${counted(photos)} photos · ${counted(faces)} faces · ${rate.toFixed(1)} per second${left}`;
}

export function summaryText({
  photos,
  indexed,
  faces,
  withoutFace,
  failed,
  unchanged,
  seconds,
}: Totals & { unchanged: number; seconds: number }): string {
  const parts = [`${counted(indexed)} indexed with ${counted(faces)} faces`];
  if (withoutFace) parts.push(`${counted(withoutFace)} without faces`);
  if (failed) parts.push(`${counted(failed)} failed`);
  if (unchanged) parts.push(`${counted(unchanged)} unchanged since the last run`);
  return `${counted(photos + unchanged)} photos in ${durationText(seconds)}: ${parts.join(', ')}.`;
}

/** For example `45 s`, `1 min 46 s` or `2 h 5 min`. */
export function durationText(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.round((whole % 3600) / 60)} min`;
}

/** For example `1,000`. */
export function counted(count: number): string {
  return count.toLocaleString('en');
}
