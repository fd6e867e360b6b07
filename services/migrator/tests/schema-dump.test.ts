import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { dumpFreshSchema, dumpSchema, SCHEMA_FILE } from '../../../scripts/generate/schema.ts';
import { purge } from '../purge.ts';
import { seedSchema1 } from './contents.ts';
import { createInstallation } from './installation.ts';

test('schema.sql matches what the migrations create in an empty database', async () => {
  assert.equal(
    await dumpFreshSchema(),
    await readFile(SCHEMA_FILE, 'utf8'),
    'regenerate it: node scripts/generate/schema.ts',
  );
});

test('a migrated database has the schema of a fresh one once contracted and purged, and schema 1 again after a rollback', async () => {
  await using fresh = await createInstallation();
  await using field = await createInstallation({ batchRows: 100 });
  await field.up({ to: 1 });
  const schema1 = await dumpSchema(field.pool);
  await seedSchema1(field, 30, 8);
  await field.up({ contract: true });
  await field.migrate((client, context) => purge(client, { days: 0 }, context));
  await fresh.up();
  assert.equal(await dumpSchema(field.pool), await dumpSchema(fresh.pool));

  await field.down(1);
  const fieldTable = (dump: string) =>
    dump
      .trim()
      .split('\n\n')
      .filter((part) => /face_embeddings/.test(part) && !/^CREATE (OR REPLACE FUNCTION|TRIGGER)/.test(part));
  assert.deepEqual(fieldTable(await dumpSchema(field.pool)), fieldTable(schema1).map(renamedKey));
});

/** A backup made anew on the way back has its own name for the primary key. */
function renamedKey(part: string): string {
  return part.replace('face_embeddings_pkey', 'face_embeddings_backup_v1_pkey');
}
