import { relative } from 'node:path';
import type { TestEvent } from 'node:test/reporters';

/** What a run tells of one test file, a line of JSON each: that a test of it failed, or the seconds that it took. */
export interface FileResult {
  file: string;
  failed?: true;
  seconds?: number;
}

/** A reporter of node:test that writes a FileResult per line. */
export default async function* fileResults(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const failed = new Set<string>();
  const lineOf = ({ file, ...result }: FileResult) =>
    `${JSON.stringify({ file: relative(process.cwd(), file), ...result })}\n`;
  for await (const { type, data } of events) {
    if ((type !== 'test:summary' && type !== 'test:fail') || data.file === undefined) continue;
    if (type === 'test:summary') yield lineOf({ file: data.file, seconds: data.duration_ms / 1000 });
    else if (!failed.has(data.file)) {
      failed.add(data.file);
      yield lineOf({ file: data.file, failed: true });
    }
  }
}
