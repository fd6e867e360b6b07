import { styleText } from 'node:util';
import type { Outcome } from './upload.ts';

export interface Totals {
  photos: number;
  done: number;
  /** Size of all photos to upload, and of those that are done. */
  bytes: number;
  bytesDone: number;
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

/** One updating line with a bar, bytes, rate and time left; failed photos stay above it. For people in a terminal. */
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

/** One line per photo. For people who watch a folder. */
export function photoLines(stream: NodeJS.WriteStream): Reporter {
  const note = (text: string) => void stream.write(`${text}\n`);
  return {
    photo(photoId, outcome) {
      if (outcome.kind === 'failed') note(`${styleText('red', 'failed', { stream })}  ${photoId}: ${outcome.reason}`);
      else note(`${photoId}: ${outcome.kind === 'indexed' ? `${counted(outcome.faces)} faces` : 'no face'}`);
    },
    note,
    end: () => undefined,
  };
}

/** One JSON line per photo, then the totals. For programs. */
export function jsonLines(stream: NodeJS.WritableStream, notes: NodeJS.WritableStream): Reporter {
  return {
    photo(photo_id, { kind, ...rest }) {
      stream.write(`${JSON.stringify({ photo_id, outcome: kind, ...rest })}\n`);
    },
    note: (text) => void notes.write(`${text}\n`),
    end({ withoutFace, bytesDone: _, ...totals }) {
      stream.write(`${JSON.stringify({ totals: { ...totals, without_face: withoutFace } })}\n`);
    },
  };
}

/**
 * For example `  ███░░░░░  120 of 400 photos · 1.2 of 3.8 GB · 3.1 MB/s · 1 min 46 s left · 8.3 per second · 431 faces`: what
 * matters most stands in the first 80 columns.
 */
export function progressText({ photos, done, bytes, bytesDone, faces }: Totals, seconds: number): string {
  const elapsed = Math.max(seconds, 0.001);
  const share = bytes > 0 ? bytesDone / bytes : done / Math.max(photos, 1);
  const filled = Math.round(share * BAR);
  const parts = [
    `  ${'█'.repeat(filled)}${'░'.repeat(BAR - filled)}  ${counted(done)} of ${counted(photos)} photos`,
    progressOfBytes(bytesDone, bytes),
    `${sizeText(bytesDone / elapsed)}/s`,
  ];
  if (share > 0) parts.push(`${durationText((elapsed * (1 - share)) / share)} left`);
  parts.push(`${(done / elapsed).toFixed(1)} per second`, `${counted(faces)} faces`);
  return parts.join(' · ');
}

const BAR = 8;

function progressOfBytes(done: number, all: number): string {
  const [doneText, allText] = [sizeText(done), sizeText(all)];
  const sameUnit = doneText.split(' ')[1] === allText.split(' ')[1];
  return `${sameUnit ? doneText.split(' ')[0] : doneText} of ${allText}`;
}

/** In decimal units, as file managers and cameras count. */
function sizeText(bytes: number): string {
  for (const [unit, size] of UNITS) if (bytes >= size) return `${(bytes / size).toFixed(1)} ${unit}`;
  return `${Math.round(bytes / 1000)} kB`;
}

const UNITS: [string, number][] = [
  ['TB', 1e12],
  ['GB', 1e9],
  ['MB', 1e6],
];

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
