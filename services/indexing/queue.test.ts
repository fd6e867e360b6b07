import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { QUEUE_SCHEMA_FILE } from '../../scripts/generate/queue-schema.ts';
import { queueSchemaSql } from './queue.ts';

test('migration 0016 makes the tables that the pinned pg-boss works on', async () => {
  assert.equal(
    queueSchemaSql(),
    await readFile(QUEUE_SCHEMA_FILE, 'utf8'),
    'another schema of pg-boss needs a migration step of its own',
  );
});
