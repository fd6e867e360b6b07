import { dumpSchema } from '../../../scripts/generate/schema.ts';
import { textOf, vectorOf, type Installation } from './installation.ts';

/**
 * Fills schema 1 with `count` rows that `vectorOf` and their number decide: some null, some duplicate, some zero, some
 * not of length 1.
 */
export async function seedSchema1(installation: Installation, count: number, dimension: number): Promise<void> {
  const rows = Array.from({ length: count }, (_, n) => ({
    face_id: n,
    photo_id: n % 13 === 5 ? null : `photo-${n % (5 * Math.ceil(count * 0.16))}`,
    event_id: n % 3,
    session_id: n % 17 === 9 ? null : `00000000-0000-4000-8000-${String(n % 5).padStart(12, '0')}`,
    embedding: textOf(
      vectorOf(n % 19 === 7 ? 0 : n + 1, dimension).map((number) => (n % 2 === 0 ? number : number * 3)),
    ),
    confidence: n % 23 === 11 ? null : (n % 10) / 10,
    created_at: new Date(1_700_000_000_000 + n * 1000).toISOString(),
  }));
  await installation.query(
    `insert into face_embeddings (face_id, photo_id, event_id, session_id, embedding, confidence, created_at)
     select face_id, photo_id, event_id, session_id, embedding::vector, confidence, created_at
     from json_to_recordset($1) as r(face_id integer, photo_id text, event_id integer, session_id uuid, embedding text, confidence float8, created_at timestamptz)`,
    [JSON.stringify(rows)],
  );
}

/**
 * Schema and every row of every table, less when and how often a migration ran; two databases that answer the same are
 * the same.
 */
export async function everythingIn(
  installation: Installation,
): Promise<{ schema: string; rows: Record<string, string[]> }> {
  const tables = await installation.query(
    `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition and relname <> 'migration_runs' order by 1`,
  );
  const rows: Record<string, string[]> = {};
  for (const { name } of tables) {
    const found = await installation.query(
      `select (to_jsonb(t) - $1::text[])::text as row from "${name}" t order by 1`,
      [['made_at', 'started_at', 'quarantined_at', 'run_on', ...(name === 'schema_migrations' ? ['id'] : [])]],
    );
    rows[name] = found.map((each) => each.row);
  }
  return { schema: await dumpSchema(installation.pool), rows };
}
