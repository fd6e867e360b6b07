import { relative } from 'node:path';
import type { TestEvent } from 'node:test/reporters';

const SHOWN = 25;

/** A reporter of node:test that ends with the files that took longest, in seconds: where a slow run is to be mended. */
export default async function* slowestFiles(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const files: { file: string; seconds: number }[] = [];
  for await (const { type, data } of events) {
    if (type !== 'test:summary' || data.file === undefined) continue;
    files.push({ file: relative(process.cwd(), data.file), seconds: data.duration_ms / 1000 });
  }
  if (files.length < 2) return;
  yield `\n== the slowest of ${files.length} test files\n`;
  for (const { file, seconds } of files.toSorted((a, b) => b.seconds - a.seconds).slice(0, SHOWN))
    yield `${seconds.toFixed(0).padStart(5)} s  ${file}\n`;
}
