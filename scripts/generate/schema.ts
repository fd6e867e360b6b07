import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { createTestDatabase } from '../checks/test-database.ts';

/**
 * The tables, functions and triggers of a database as SQL, in an order that only names decide; the same on PostgreSQL
 * 16 and the embedded
 * 18. pg_dump cannot be it: it refuses newer servers, and the embedded database has none. Partitions are told in one
 * line.
 */
export async function dumpSchema(client: pg.Client | pg.Pool): Promise<string> {
  const { rows } = await client.query(
    `select part from (${PARTS}) as parts(place, name, part) order by place, name collate "C"`,
  );
  return `${rows.map((row) => row.part.trimEnd()).join('\n\n')}\n`;
}

const OURS = `n.nspname = current_schema() and not exists (select from pg_depend d where d.objid = o.oid and d.deptype = 'e')`;

const PARTS = `
  select 1, c.relname, format(E'create table %s (\\n%s\\n)%s;', c.relname,
    (select string_agg(line, E',\\n' order by place, line collate "C") from (
      select attnum::integer as place, format('  %s %s%s%s', attname, format_type(atttypid, atttypmod),
        case when attnotnull then ' not null' else '' end,
        case when attidentity <> '' then ' generated always as identity' else coalesce(' default ' || pg_get_expr(adbin, adrelid), '') end) as line
      from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum
      where attrelid = c.oid and attnum > 0 and not attisdropped
      union all
      select 10000, format('  constraint %s %s', conname, pg_get_constraintdef(oid)) from pg_constraint
      where conrelid = c.oid and contype in ('p', 'u', 'c', 'f')) lines),
    coalesce(' partition by ' || pg_get_partkeydef(c.oid), ''))
  from pg_class c join pg_namespace n on n.oid = c.relnamespace cross join lateral (select c.oid) o
  where c.relkind in ('r', 'p') and not c.relispartition and ${OURS}
  union all
  select 2, c.relname, format('-- %s has %s partitions: %s', c.relname, count(*), string_agg(distinct coalesce(array_to_string(p.reloptions, ', '), 'no options'), '; '))
  from pg_inherits join pg_class c on c.oid = inhparent join pg_class p on p.oid = inhrelid join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'p' and n.nspname = current_schema() group by c.relname
  union all
  select 3, i.relname, pg_get_indexdef(i.oid) || ';' || case when indisvalid then '' else ' -- INVALID' end
  from pg_index join pg_class i on i.oid = indexrelid join pg_class t on t.oid = indrelid join pg_namespace n on n.oid = i.relnamespace
  where n.nspname = current_schema() and not t.relispartition
    and not exists (select from pg_constraint where conindid = i.oid and contype in ('p', 'u'))
  union all
  select 4, format('%s(%s)', p.proname, pg_get_function_identity_arguments(p.oid)), pg_get_functiondef(p.oid) || ';'
    || case when has_function_privilege('public', p.oid, 'execute') then '' else E'\\n-- not executable by public' end
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace cross join lateral (select p.oid) o
  where p.prokind = 'f' and ${OURS}
  union all
  select 5, tgname || ' ' || tgrelid::regclass, pg_get_triggerdef(t.oid) || ';'
  from pg_trigger t join pg_class c on c.oid = tgrelid join pg_namespace n on n.oid = c.relnamespace
  where not tgisinternal and n.nspname = current_schema() and not c.relispartition
  union all
  select 6, viewname, format(E'create view %s as\\n%s', viewname, definition) from pg_views where schemaname = current_schema()`;

/** What a fresh database looks like after `migrator up`, as schema.sql holds it. */
export async function dumpFreshSchema(): Promise<string> {
  await using database = await createTestDatabase();
  const root = join(import.meta.dirname, '../..');
  const migrated = spawnSync(process.execPath, [join(root, 'services/migrator/main.ts'), 'up'], {
    env: {
      ...process.env,
      DATABASE_URL: database.url,
      MODEL_PACK: 'sface',
      MODELS_DIRECTORY: join(root, 'models'),
      LOG_LEVEL: 'warn',
    },
    encoding: 'utf8',
  });
  if (migrated.status !== 0) throw new Error(`the migrator failed:\n${migrated.stdout}${migrated.stderr}`);
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    return HEADER + (await dumpSchema(client)).replaceAll(/halfvec\(\d+\)/g, 'halfvec(:dimension)');
  } finally {
    await client.end();
  }
}

const HEADER = `-- What “migrator up” makes of an empty database; :dimension is the model pack's. Written by scripts/generate/schema.ts, checked by a test.\n\n`;

export const SCHEMA_FILE = join(import.meta.dirname, '../../schema.sql');

if (import.meta.main) {
  const dumped = await dumpFreshSchema();
  if (!process.argv.includes('--check')) writeFileSync(SCHEMA_FILE, dumped);
  else if (readFileSync(SCHEMA_FILE, 'utf8') !== dumped) {
    process.stderr.write('schema.sql is not what the migrations make; run: node scripts/generate/schema.ts\n');
    process.exitCode = 1;
  }
}
