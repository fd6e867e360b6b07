import assert from 'node:assert/strict';
import { test } from 'node:test';
import { progressText, summaryText } from './progress.ts';

const totals = {
  photos: 1200,
  done: 300,
  bytes: 4_800_000_000,
  bytesDone: 1_200_000_000,
  indexed: 280,
  faces: 1431,
  withoutFace: 15,
  failed: 5,
};

test('the progress line shows a bar, bytes, rates and the time left', () => {
  assert.equal(
    progressText(totals, 60),
    '  ██░░░░░░  300 of 1,200 photos · 1.2 of 4.8 GB · 20.0 MB/s · 3 min 0 s left · 5.0 per second · 1,431 faces',
  );
  assert.equal(
    progressText({ ...totals, done: 0, bytesDone: 0, faces: 0 }, 2),
    '  ░░░░░░░░  0 of 1,200 photos · 0 kB of 4.8 GB · 0 kB/s · 0.0 per second · 0 faces',
  );
  assert.match(progressText({ ...totals, bytes: 400e9 }, 60), /of 400\.0 GB .* 5 h 32 min left/);
});

test('the time left counts bytes: one large photo takes as long as many small ones', () => {
  assert.match(progressText({ ...totals, photos: 2, done: 1, bytes: 100e6, bytesDone: 10e6 }, 10), / 1 min 30 s left/);
});

test('the summary counts every photo once', () => {
  const text = summaryText({ ...totals, photos: 300, unchanged: 40, seconds: 61.2 });
  assert.equal(
    text,
    '340 photos in 1 min 1 s: 280 indexed with 1,431 faces, 15 without faces, 5 failed, 40 unchanged since the last run.',
  );
});
