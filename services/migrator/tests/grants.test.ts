import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { createInstallation } from './installation.ts';

test('who may use the older table may use it at every schema, and may not use its backup', async () => {
  await using installation = await createInstallation();
  const role = `facepass_test_${randomBytes(4).toString('hex')}`;
  const may = async (table: string) =>
    (await installation.query(`select array(select p from unnest(array['select', 'insert', 'update', 'delete']) p where has_table_privilege($1, $2, p)) as granted`, [role, table]))[0].granted;
  await installation.up({ to: 1 });
  await installation.query(`create role ${role}; grant select, insert, delete on face_embeddings to ${role}`);
  try {
    await installation.up();
    assert.deepEqual(await may('face_embeddings'), ['select', 'insert', 'delete']);
    for (const copy of ['face_embeddings_backup_v1', 'face_embeddings_quarantine', 'faces']) assert.deepEqual(await may(copy), [], copy);
    await installation.down(1);
    assert.deepEqual(await may('face_embeddings'), ['select', 'insert', 'delete']);
  } finally {
    await installation.query(`drop owned by ${role}; drop role ${role}`);
  }
});
