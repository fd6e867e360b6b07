import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from './logger.ts';

test('keys, images, vectors and what PostgreSQL repeats of a row never reach the log', () => {
  const lines: string[] = [];
  const logger = createLogger('painter', 'info', { write: (line) => void lines.push(line) });
  const refused = Object.assign(new Error('new row violates check constraint'), {
    detail: 'Failing row contains (party, one, [0.123,0.456])',
    where: 'SQL 0.123',
  });
  logger.error(
    {
      err: refused,
      request: { image: '0.123', authorization: 'Bearer 0.123', 'x-api-key': '0.123' },
      face: { embedding: [0.123] },
    },
    'request',
  );
  assert.equal(lines.length, 1);
  assert.doesNotMatch(lines[0] ?? '', /0\.123/);
  const line = JSON.parse(lines[0] ?? '') as Record<string, { stack?: string; message?: string }>;
  assert.match(line['err']?.stack ?? '', /logger\.test/);
  assert.equal(line['err']?.message, 'new row violates check constraint');
  assert.deepEqual([line['service'], line['level']], ['painter', 'error']);
});
