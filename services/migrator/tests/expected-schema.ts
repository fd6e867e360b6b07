import { writeFile } from 'node:fs/promises';
import { EXPECTED_SCHEMA_FILE, PARTS_OF_TABLES, type Layout } from '../verify-checks.ts';
import { createInstallation, type Installation } from './installation.ts';

/**
 * What the migrations make of the field's database at each layout, as `verify` expects it. The backup has what the
 * field's table had.
 */
export async function makeExpectedSchema(): Promise<string> {
  await using installation = await createInstallation();
  await installation.up({ to: 1 });
  const expected = {} as Record<Layout, string[]>;
  await installation.up({ to: 2 });
  expected['2'] = await partsOf(installation);
  await installation.up();
  expected.beside = await partsOf(installation);
  await using fresh = await createInstallation();
  await fresh.up();
  expected['3'] = await partsOf(fresh);
  return `${JSON.stringify(expected, null, 2)}\n`;
}

async function partsOf(installation: Installation): Promise<string[]> {
  const rows = await installation.query(
    `select part from (${PARTS_OF_TABLES}) parts where part not like 'face\\_embeddings\\_backup%' order by part collate "C"`,
  );
  return rows.map((row) => row.part);
}

if (import.meta.main) await writeFile(EXPECTED_SCHEMA_FILE, await makeExpectedSchema());
