import type { Client } from './database.ts';
import { readState } from './state.ts';
import { CHECKS, type Layout } from './verify-checks.ts';
import type { Context } from './walk.ts';

/**
 * Compares the database with what its schema promises. Reads only, in one snapshot.
 * @returns one finding a check; `damaged` rows are counted, with up to three examples (ids only).
 */
export async function verify(client: Client, { steps }: Context): Promise<Finding[]> {
  await client.query('begin isolation level repeatable read read only');
  try {
    const { version, recorded } = await readState(client, steps);
    const layout: Layout = version < 3 ? '2' : recorded.includes('0014_contract') ? '3' : 'beside';
    const { rows } = await client.query<{ table_name: string }>(
      `select relname as table_name from pg_class where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p')
       union all select 'faces.' || attname from pg_attribute where attrelid = to_regclass('faces') and attnum > 0`,
    );
    const tables = new Set(rows.map((row) => row.table_name));
    const findings: Finding[] = [];
    for (const { name, needs, minimum = 1, sql, values } of CHECKS) {
      if (version < minimum || !needs.every((table) => tables.has(table))) continue;
      const count = `select count(*) as damaged, (array_agg(example order by example))[1:3] as examples from (${sql}) as found(example)`;
      const { rows: found } = await client.query<{ damaged: string; examples: string[] | null }>(
        count,
        values?.(layout),
      );
      findings.push({ check: name, damaged: Number(found[0]!.damaged), examples: found[0]!.examples ?? [] });
    }
    return findings;
  } finally {
    await client.query('rollback');
  }
}

export interface Finding {
  check: string;
  damaged: number;
  examples: string[];
}
