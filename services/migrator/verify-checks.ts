import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Each `sql` gives one text for every thing that is wrong, and no row where all is well. */
export interface Check {
  name: string;
  /** Tables that it reads, and columns of `faces` that only newer ones have; without one of them it does not apply. */
  needs: string[];
  /** Schema version from which it applies. */
  minimum?: number;
  sql: string;
  /** Values of its parameters. */
  values?: (layout: Layout) => unknown[];
}

/** `beside`: schema 3 with the older API's table beside it; `3` without, as a fresh database has it. */
export type Layout = '2' | 'beside' | '3';

/** What the migrations make of each table; written and checked by tests/expected-schema.ts. */
export const EXPECTED_SCHEMA_FILE = join(import.meta.dirname, 'expected-schema.json');
const expectedSchema = JSON.parse(readFileSync(EXPECTED_SCHEMA_FILE, 'utf8')) as Record<Layout, string[]>;

/**
 * The parts of all tables, one text each, as expected-schema.json has them. Names of constraints and indexes do not
 * matter, nor do the length of vectors and an index's options; triggers count where they fire, partitions by their
 * parent. The quarantine has its columns as the field's table had them: by name alone.
 */
export const PARTS_OF_TABLES = `
  select c.relname || ': ' || part as part from pg_class c cross join lateral (
    select 'table' union all
    select case when relname = 'face_embeddings_quarantine' and attname not in ('reason', 'quarantined_at') then format('column %s', attname) else
      format('column %s %s', attname, regexp_replace(format_type(atttypid, atttypmod), 'vec(tor)?\\(.*', 'vec\\1'))
        || case when attnotnull then ' not null' else '' end || case when atthasdef or attidentity <> '' then ' default' else '' end end
      from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped union all
    select 'constraint ' || pg_get_constraintdef(oid) from pg_constraint where conrelid = c.oid and contype in ('p', 'u', 'c', 'f') union all
    select regexp_replace(pg_get_indexdef(indexrelid), '^CREATE (UNIQUE )?INDEX .* USING (.*?)( WITH \\(.*\\))?$', 'index \\1\\2')
      from pg_index where indrelid = c.oid and not exists (select from pg_constraint where conindid = indexrelid and contype in ('p', 'u')) union all
    select 'trigger ' || tgname from pg_trigger where tgrelid = c.oid and not tgisinternal and tgenabled in ('O', 'A')) parts(part)
  where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p') and not relispartition`;

export const CHECKS: Check[] = [
  {
    name: 'schema_version() matches the ledger',
    needs: ['schema_migrations'],
    minimum: 2,
    sql: `select 'schema_version() is ' || schema_version()
      where schema_version() <> case when exists (select from schema_migrations where name = '0012_schema_3') then 3 else 2 end`,
  },
  {
    name: 'tables of the schema exist, with their columns, constraints, indexes and triggers',
    needs: [],
    minimum: 2,
    sql: `select part from json_array_elements_text($1) part
      where to_regclass(split_part(part, ':', 1)) is not null or part like '%: table' and part not like 'face\\_embeddings\\_quarantine:%'
      except (${PARTS_OF_TABLES})`,
    values: (layout) => [JSON.stringify(expectedSchema[layout])],
  },
  {
    name: 'sessions have the right photo and face counts',
    needs: ['faces', 'sessions'],
    sql: `select coalesce(s.session_id, f.session_id) from sessions s
      full join (select session_id, count(distinct photo_id) as photos, count(*) as faces from faces group by session_id) f using (session_id)
      where (s.photo_count, s.face_count) is distinct from (f.photos, f.faces)
        and (s.face_count, s.expires_at) is distinct from (0, '-infinity')`,
  },
  {
    name: 'vectors of faces have length 1',
    needs: ['faces'],
    sql: `select format('%s/%s/%s', session_id, photo_id, face_index) from faces where not l2_norm(embedding) between 0.995 and 1.005`,
  },
  {
    name: 'vectors of further models have length 1',
    needs: ['faces', 'faces.other_embedding'],
    sql: `select format('%s/%s/%s', session_id, photo_id, face_index) from faces where not l2_norm(other_embedding) between 0.995 and 1.005`,
  },
  {
    name: 'vectors of schema 2 have length 1',
    needs: ['face_embeddings'],
    minimum: 2,
    sql: `select format('%s/%s', session_id, photo_id) from face_embeddings where not vector_norm(embedding) between 0.995 and 1.005`,
  },
  {
    name: 'face_embeddings and faces are in sync',
    needs: ['faces', 'face_embeddings', 'face_embeddings_changes'],
    minimum: 3,
    sql: `select format('%s/%s: %s', session_id, photo_id, difference) from mirror_differences()`,
  },
  {
    name: 'every row of the backup is served or in quarantine',
    needs: ['face_embeddings_backup_v1', 'face_embeddings', 'face_embeddings_quarantine'],
    sql: `select 'backup row ' || b.id from face_embeddings_backup_v1 b
      where not exists (select from face_embeddings_quarantine q where q.id = b.id)
        and not exists (select from face_embeddings f where f.session_id = b.session_id::text and f.photo_id = b.photo_id)`,
  },
  {
    name: 'every row of the backup is served or in quarantine (after contraction)',
    needs: ['face_embeddings_backup_v1', 'faces', 'face_embeddings_quarantine'],
    sql: `select 'backup row ' || b.id from face_embeddings_backup_v1 b
      where not exists (select from face_embeddings_quarantine q where q.id = b.id)
        and not exists (select from faces f where f.session_id = b.session_id::text and f.photo_id = b.photo_id)`,
  },
  {
    name: 'backups have the count and hash they were sealed with',
    needs: ['face_copies', 'face_embeddings_backup_v1'],
    sql: `select format('%s: %s rows, sealed with %s%s', c.table_name, now.row_count, c.row_count,
        case when now.content_hash <> c.content_hash then '; hash differs' else '' end)
      from face_copies c, (
        select count(*) as row_count, coalesce(sum(field_row_hash(b.id, face_id, photo_id, event_id, session_id, embedding, confidence, created_at)), 0) as content_hash
        from face_embeddings_backup_v1 b, face_copies sealed
        where sealed.table_name = 'face_embeddings_backup_v1' and b.id <= sealed.sealed_up_to) now
      where c.table_name = 'face_embeddings_backup_v1' and (now.row_count, now.content_hash) <> (c.row_count, c.content_hash)`,
  },
  {
    name: 'constraints are valid',
    needs: [],
    sql: `select format('%s of %s', conname, conrelid::regclass) from pg_constraint
      where connamespace = current_schema()::regnamespace and not convalidated`,
  },
  {
    name: 'every face exists once',
    needs: ['faces'],
    sql: `select t.name from (values ('faces')) t(name) where not exists (
        select from pg_constraint where conrelid = to_regclass(t.name) and contype = 'p'
          and pg_get_constraintdef(oid) = 'PRIMARY KEY (session_id, photo_id, face_index)')
      union all select format('%s/%s/%s', session_id, photo_id, face_index) from faces group by session_id, photo_id, face_index having count(*) > 1`,
  },
  {
    name: 'every photo exists once in schema 2',
    needs: ['face_embeddings'],
    minimum: 2,
    sql: `select 'unique (photo_id, session_id)' where not exists (
        select from pg_constraint where conrelid = to_regclass('face_embeddings') and contype = 'u'
          and pg_get_constraintdef(oid) = 'UNIQUE (photo_id, session_id)')
      union all select format('%s/%s', session_id, photo_id) from face_embeddings group by session_id, photo_id having count(*) > 1`,
  },
  {
    name: 'indexes are valid',
    needs: [],
    sql: `select indexrelid::regclass::text from pg_index join pg_class on pg_class.oid = indexrelid
      where relnamespace = current_schema()::regnamespace and not (indisvalid and indisready and indislive)`,
  },
  {
    name: 'faces has 64 partitions and no approximate index',
    needs: ['faces'],
    sql: `select count(*) || ' partitions' from pg_inherits where inhparent = to_regclass('faces') having count(*) <> 64
      union all select indexrelid::regclass::text from pg_index
        join pg_class i on i.oid = indexrelid join pg_am on pg_am.oid = i.relam
        where (indrelid = to_regclass('faces') or indrelid in (select inhrelid from pg_inherits where inhparent = to_regclass('faces')))
          and amname <> 'btree'`,
  },
  {
    name: 'erasure reaches every table that holds vectors',
    needs: ['face_copies'],
    minimum: 2,
    sql: `select relname::text from pg_class
      where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p') and not relispartition
        and exists (select from pg_attribute where attrelid = pg_class.oid and attnum > 0 and not attisdropped
          and atttypid in (select oid from pg_type where typname in ('vector', 'halfvec')))
        and relname not in (select table_name from face_copies)
        and relname <> case when schema_version() = 3 then 'faces' else 'face_embeddings' end`,
  },
  {
    name: 'security definer functions are not executable by everyone',
    needs: [],
    minimum: 2,
    sql: `select oid::regprocedure::text from pg_proc
      where pronamespace = current_schema()::regnamespace and prosecdef and has_function_privilege('public', oid, 'execute')
        and not exists (select from pg_depend where classid = 'pg_proc'::regclass and objid = pg_proc.oid and deptype = 'e')`,
  },
  {
    name: 'the catalogue lists only tables that exist',
    needs: ['face_copies'],
    sql: `select table_name::text from face_copies where to_regclass(quote_ident(table_name)) is null`,
  },
];
