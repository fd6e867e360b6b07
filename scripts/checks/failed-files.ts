import { relative } from 'node:path';
import type { TestEvent } from 'node:test/reporters';

/** A reporter of node:test that writes each file with a failed test once, a line each. */
export default async function* failedFiles(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const named = new Set<string>();
  for await (const { type, data } of events) {
    if (type !== 'test:fail' || data.file === undefined || named.has(data.file)) continue;
    named.add(data.file);
    yield `${relative(process.cwd(), data.file)}\n`;
  }
}
