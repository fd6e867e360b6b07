import assert from 'node:assert/strict';
import { test } from 'node:test';
import { progressText, summaryText } from './progress.ts';

const totals = { photos: 1200, done: 300, indexed: 280, faces: 1431, withoutFace: 15, failed: 5 };

test('the progress line shows rate and time left', () => {
  assert.equal(progressText(totals, 60), '  300 of 1,200 photos · 1,431 faces · 5.0 per second · 3 min 0 s left');
  assert.equal(progressText({ ...totals, done: 0, faces: 0 }, 2), '  0 of 1,200 photos · 0 faces · 0.0 per second');
  assert.match(progressText({ ...totals, photos: 100_000 }, 60), /5 h 32 min left$/);
});

test('the summary counts every photo once', () => {
  const text = summaryText({ ...totals, photos: 300, unchanged: 40, seconds: 61.2 });
  assert.equal(
    text,
    '340 photos in 1 min 1 s: 280 indexed with 1,431 faces, 15 without faces, 5 failed, 40 unchanged since the last run.',
  );
});
