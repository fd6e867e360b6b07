import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { QUEUE_SCHEMA, queueSchemaSql } from '@facepass/indexing/queue';

/** Writes the part of migration 0016 that makes the tables of pg-boss; a test compares the two. */
export const QUEUE_SCHEMA_FILE = join(import.meta.dirname, '../../migrations/parts/queue_of_pg_boss.sql');

if (import.meta.main) {
  writeFileSync(QUEUE_SCHEMA_FILE, queueSchemaSql());
  console.log(`wrote ${QUEUE_SCHEMA} to ${QUEUE_SCHEMA_FILE}`);
}
