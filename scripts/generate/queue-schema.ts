import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { QUEUE_SCHEMA, queueSchemaSql } from '@facepass/indexing/queue';

/**
 * Writes the part of migration 0016 that makes the tables of pg-boss; with `--check` it changes nothing and fails where
 * that part is another. Once 0016 has been released, another schema of pg-boss needs a step of its own.
 */
export const QUEUE_SCHEMA_FILE = join(import.meta.dirname, '../../migrations/parts/queue_of_pg_boss.sql');

if (import.meta.main) {
  const schema = queueSchemaSql();
  if (!process.argv.includes('--check')) writeFileSync(QUEUE_SCHEMA_FILE, schema);
  else if (readFileSync(QUEUE_SCHEMA_FILE, 'utf8') !== schema) {
    console.error(`${QUEUE_SCHEMA_FILE} is not the schema ${QUEUE_SCHEMA} of the pinned pg-boss`);
    process.exitCode = 1;
  }
}
