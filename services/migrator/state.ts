import type { Client } from './database.ts';
import { readLedger } from './ledger.ts';
import { COLUMNS_OF_SCHEMA_1, readOlderTable, type OlderTable } from './older-table.ts';
import { schemaVersionOf, type Step } from './steps.ts';

/** Gathers what the commands decide on; changes nothing. */
export async function readState(client: Client, steps: Step[]): Promise<State> {
  const recorded = await readLedger(client);
  const { rows } = await client.query<StateRow>(STATE);
  const row = rows[0]!;
  const olderTable = await readOlderTable(client);
  return {
    recorded,
    version: recorded.length === 0 && olderTable ? 1 : schemaVersionOf(steps, new Set(recorded)),
    schema: row.schema,
    serverVersion: Number(row.server_version),
    embedded: row.embedded,
    role: row.role,
    mayCreate: row.may_create,
    mayHoldQueue: row.may_hold_queue,
    foreignTables: row.foreign_tables,
    pgvector: row.pgvector,
    olderTable,
    tableElsewhere: row.table_elsewhere,
    otherCopies: row.other_copies,
    facesDimension: row.faces_dimension ?? undefined,
    ownTables: row.own_tables,
    dependents: row.dependents,
    extras: (await client.query<State['extras'][number]>(EXTRAS, [COLUMNS_OF_SCHEMA_1])).rows,
    sessionsByModel: row.has_sessions
      ? (await client.query<State['sessionsByModel'][number]>(SESSIONS_BY_MODEL)).rows
      : [],
    databaseBytes: Number(row.database_bytes),
    made: { schema2: Number(row.made_schema_2), faces: Number(row.made_faces) },
    sortMemory: Number(row.sort_memory),
    walRoom: Math.max(0, Number(row.max_wal_bytes) - (row.sees_wal ? await walBytes(client) : 0)),
  };
}

/** Bigints come as text. */
interface StateRow {
  schema: string;
  server_version: string;
  database_bytes: string;
  made_schema_2: string;
  made_faces: string;
  max_wal_bytes: string;
  sort_memory: string;
  sees_wal: boolean;
  embedded: boolean;
  role: string;
  may_create: boolean;
  may_hold_queue: boolean;
  foreign_tables: State['foreignTables'];
  pgvector: State['pgvector'];
  table_elsewhere: State['tableElsewhere'];
  other_copies: State['otherCopies'];
  faces_dimension: number | null;
  has_sessions: boolean;
  own_tables: State['ownTables'];
  dependents: State['dependents'];
}

// Every name that some step gives a table, a view or a partition.
const TABLES = `(array['face_embeddings', 'faces', 'sessions', 'erasures', 'audit_log', 'face_copies', 'migration_progress',
  'migration_runs', 'jobs', 'job_photos', 'older_grants', 'schema_migrations', 'photos_written', 'faces_kept', 'sessions_kept', 'face_embeddings_v2',
  'face_embeddings_quarantine', 'face_embeddings_backup_v1', 'face_embeddings_journal', 'face_embeddings_classified',
  'face_embeddings_changes', 'face_embeddings_kept_v2'] || array(select 'faces_' || lpad(n::text, 2, '0') from generate_series(0, 63) n))`;

// A halfvec's or vector's dimension is its type modifier.
const STATE = `
  select current_schema() as schema, current_setting('server_version_num') as server_version,
    pg_database_size(current_database()) as database_bytes,
    (select coalesce(sum(pg_total_relation_size(oid)), 0) from pg_class
      where oid in (to_regclass('face_embeddings_v2'), to_regclass('face_embeddings_quarantine'), to_regclass('idx_face_embeddings_session_photo'))) as made_schema_2,
    (select coalesce(sum(pg_total_relation_size(relid)), 0)
      from unnest(array[to_regclass('faces'), to_regclass('faces_kept')]) root, pg_partition_tree(root) where isleaf) as made_faces,
    pg_size_bytes(current_setting('max_wal_size')) as max_wal_bytes,
    pg_size_bytes(current_setting('maintenance_work_mem')) as sort_memory,
    has_function_privilege('pg_ls_waldir()', 'execute') as sees_wal,
    version() ~ 'emscripten|emcc|wasm' as embedded,
    quote_ident(current_user) as role, has_schema_privilege(current_schema(), 'create') as may_create,
    case when to_regnamespace('facepass_queue') is null then has_database_privilege(current_database(), 'create')
      else has_schema_privilege('facepass_queue', 'create') end as may_hold_queue,
    (select coalesce(json_agg(json_build_object('name', relname, 'owner', relowner::regrole) order by relname), '[]') from pg_class
      where relowner <> current_user::regrole and oid in (select to_regclass(name) from unnest(${TABLES}) name)) as foreign_tables,
    coalesce((select extversion from pg_extension where extname = 'vector'),
      (select default_version from pg_available_extensions where name = 'vector')) as pgvector,
    (select min(relnamespace::regnamespace::text) from pg_class
      where relname = 'face_embeddings' and relkind in ('r', 'p') and relpersistence <> 't' and not pg_table_is_visible(oid)) as table_elsewhere,
    (select coalesce(json_agg(relname order by relname), '[]') from pg_class
      where relnamespace = current_schema()::regnamespace and relkind in ('r', 'm') and starts_with(relname, 'face_embeddings') and relname <> all (${TABLES})
        and exists (select from pg_attribute where attrelid = pg_class.oid and not attisdropped
          and atttypid in (select oid from pg_type where typname in ('vector', 'halfvec')))
        and oid not in (select inhrelid from pg_inherits)) as other_copies,
    (select atttypmod from pg_attribute where attrelid = to_regclass('faces') and attname = 'embedding') as faces_dimension,
    to_regclass('sessions') is not null and to_regclass('erasures') is not null as has_sessions,
    (select coalesce(json_agg(name order by name), '[]') from unnest(${TABLES}) name
      where name <> 'face_embeddings' and to_regclass(name) is not null) as own_tables,
    (select coalesce(json_agg(distinct what), '[]') from (
      select 'foreign key ' || conname || ' of ' || conrelid::regclass from pg_constraint
        where confrelid = to_regclass('face_embeddings') and conrelid <> confrelid
      union all select 'view ' || ev_class::regclass from pg_depend join pg_rewrite on pg_rewrite.oid = objid
        where classid = 'pg_rewrite'::regclass and refobjid = to_regclass('face_embeddings') and ev_class <> refobjid
      union all select 'function ' || objid::regprocedure from pg_depend
        where classid = 'pg_proc'::regclass and refclassid = 'pg_class'::regclass and refobjid = to_regclass('face_embeddings')) d(what)
      where what <> 'view face_embeddings_classified') as dependents`;

/** The step after which face_embeddings is the table of schema 2; the version rises a step later. */
export const TABLES_CHANGED = '0007_schema_2';

const SESSIONS_BY_MODEL = `
  select model_id as model, count(*)::integer as sessions from sessions
  where photo_count > 0 and (expires_at is null or expires_at > now()) group by model_id order by model_id`;

// Triggers of ours are told by their functions.
const EXTRAS = `
  select what, format(fix, quote_ident(name)) as fix from (
    select 'the foreign key ' || conname as what, conname as name, 'alter table face_embeddings drop constraint %s' as fix from pg_constraint where conrelid = older and contype = 'f'
    union all select 'the constraint ' || conname, conname, 'alter table face_embeddings drop constraint %s' from pg_constraint where conrelid = older and contype in ('c', 'x')
    union all select 'the column ' || attname, attname, 'alter table face_embeddings drop column %s' from pg_attribute
      where attrelid = older and attnum > 0 and not attisdropped and attname <> all ($1)
    union all select 'row level security', '', 'alter table face_embeddings disable row level security' from pg_class where oid = older and relrowsecurity
    union all select 'the policy ' || polname, polname, 'drop policy %s on face_embeddings' from pg_policy where polrelid = older
    union all select 'the rule ' || rulename, rulename, 'drop rule %s on face_embeddings' from pg_rewrite where ev_class = older and ev_type <> '1'
    union all select 'the trigger ' || tgname, tgname, 'drop trigger %s on face_embeddings' from pg_trigger join pg_proc on pg_proc.oid = tgfoid
      where tgrelid = older and not tgisinternal and proname not in ('note_field_write', 'note_photos_written', 'refuse_truncate')
    union all select 'membership of the publication ' || pubname, pubname, 'alter publication %s drop table only face_embeddings' from pg_publication_rel join pg_publication on pg_publication.oid = prpubid where prrelid = older
    union all select 'the child table ' || inhrelid::regclass, '', format('alter table %s no inherit face_embeddings', inhrelid::regclass) from pg_inherits where inhparent = older
    union all select 'the parent ' || inhparent::regclass, '', format('alter table face_embeddings no inherit %s', inhparent::regclass) from pg_inherits where inhrelid = older
    union all select 'privileges on the column ' || attname, attname,
        format('revoke all (%%s) on face_embeddings from %s', (select string_agg(distinct case when grantee = 0 then 'public' else grantee::regrole::text end, ', ') from aclexplode(attacl)))
      from pg_attribute where attrelid = older and attacl is not null and attnum > 0 and not attisdropped
  ) extras(what, name, fix) order by what collate "C"`.replaceAll('older', `to_regclass('face_embeddings')`);

async function walBytes(client: Client): Promise<number> {
  return Number((await client.query<{ bytes: string }>(WAL_BYTES)).rows[0]!.bytes);
}

const WAL_BYTES = 'select coalesce(sum(size), 0) as bytes from pg_ls_waldir()';

export interface State {
  /** Names of the steps in the ledger, oldest first. */
  recorded: string[];
  /** 0: empty database; 1: what the field has, also before the first run; 2, 3: ours. */
  version: number;
  schema: string;
  /** As 160014. */
  serverVersion: number;
  /** PGlite: one backend for all connections. */
  embedded: boolean;
  /**
   * The migrator's role, quoted where it must be; whether it may create in the schema, and which of our tables another
   * one owns.
   */
  role: string;
  mayCreate: boolean;
  /** Whether the role may make the schema of the job queue, or create in the one that is there. */
  mayHoldQueue: boolean;
  foreignTables: { name: string; owner: string }[];
  /** Version of the extension installed here, else of the one that would be; null: none on this server. */
  pgvector: string | null;
  /** The table of schemas 1 and 2, where it is. */
  olderTable: OlderTable | undefined;
  /** A schema off the search path that has a face_embeddings. */
  tableElsewhere: string | null;
  /** Tables beside face_embeddings that hold vectors too and are none of ours. */
  otherCopies: string[];
  /** Length of the vectors in `faces`, where it is. */
  facesDimension: number | undefined;
  /** How many sessions have which model; none before schema 3. */
  sessionsByModel: { model: string; sessions: number }[];
  /** Tables that have the name of one of ours. */
  ownTables: string[];
  /** What hangs on face_embeddings and would go on meaning the old table when that becomes the backup. */
  dependents: string[];
  /** What face_embeddings has beyond schema 1 and the table of schema 2 would not have; `fix` takes it away. */
  extras: { what: string; fix: string }[];
  databaseBytes: number;
  /**
   * Bytes that an unfinished migration has written of schema 2 and of `faces`; of these also what a way back kept
   * aside.
   */
  made: { schema2: number; faces: number };
  /** Bytes by which the write-ahead log may grow; all of max_wal_size where the role may not look. */
  walRoom: number;
  /** maintenance_work_mem */
  sortMemory: number;
}
