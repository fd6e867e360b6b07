import type { Client } from './database.ts';
import { readLedger } from './ledger.ts';
import { schemaVersionOf, type Step } from './steps.ts';

/** Gathers what the commands decide on; changes nothing. */
export async function readState(client: Client, steps: Step[]): Promise<State> {
  const recorded = await readLedger(client);
  const { rows } = await client.query(STATE);
  const row = rows[0];
  return {
    recorded,
    version: recorded.length === 0 && row.older_columns ? 1 : schemaVersionOf(steps, new Set(recorded)),
    schema: row.schema,
    serverVersion: Number(row.server_version),
    embedded: row.embedded,
    role: row.role,
    mayCreate: row.may_create,
    foreignTables: row.foreign_tables,
    pgvector: row.pgvector,
    olderTable: row.older_columns ? { columns: row.older_columns, dimension: row.older_dimension, sequence: row.older_sequence, ...(await sizeOf(client)) } : undefined,
    facesDimension: row.faces_dimension ?? undefined,
    ownTables: row.own_tables,
    dependents: row.dependents,
    databaseBytes: Number(row.database_bytes),
    made: { schema2: Number(row.made_schema_2), faces: Number(row.made_faces) },
    sortMemory: Number(row.sort_memory),
    walRoom: Math.max(0, Number(row.max_wal_bytes) - (row.sees_wal ? await walBytes(client) : 0)),
  };
}

const TABLES = `array['face_embeddings', 'faces', 'sessions', 'erasures', 'audit_log', 'face_copies', 'migration_progress',
  'face_embeddings_quarantine', 'face_embeddings_backup_v1']`;

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
    (select coalesce(json_agg(json_build_object('name', relname, 'owner', relowner::regrole) order by relname), '[]') from pg_class
      where relowner <> current_user::regrole and oid in (select to_regclass(name) from unnest(${TABLES}) name)) as foreign_tables,
    coalesce((select extversion from pg_extension where extname = 'vector'),
      (select default_version from pg_available_extensions where name = 'vector')) as pgvector,
    (select json_agg(attname) from pg_attribute where attrelid = to_regclass('face_embeddings') and attnum > 0 and not attisdropped) as older_columns,
    (select atttypmod from pg_attribute where attrelid = to_regclass('face_embeddings') and attname = 'embedding') as older_dimension,
    (select objid::regclass from pg_depend where classid = 'pg_class'::regclass and refobjid = to_regclass('face_embeddings') and deptype = 'a'
      and refobjsubid = (select attnum from pg_attribute where attrelid = refobjid and attname = 'id')) as older_sequence,
    (select atttypmod from pg_attribute where attrelid = to_regclass('faces') and attname = 'embedding') as faces_dimension,
    (select coalesce(json_agg(name order by name), '[]') from unnest(${TABLES}) name
      where name <> 'face_embeddings' and to_regclass(name) is not null) as own_tables,
    (select coalesce(json_agg(distinct what), '[]') from (
      select 'foreign key ' || conname || ' of ' || conrelid::regclass from pg_constraint
        where confrelid = to_regclass('face_embeddings') and conrelid <> confrelid
      union all select 'view ' || ev_class::regclass from pg_depend join pg_rewrite on pg_rewrite.oid = objid
        where classid = 'pg_rewrite'::regclass and refobjid = to_regclass('face_embeddings') and ev_class <> refobjid) d(what)
      where what <> 'view face_embeddings_classified') as dependents`;

async function sizeOf(client: Client): Promise<{ rows: number; bytes: number; idBytes: number }> {
  const { rows } = await client.query(`
    select count(*) as rows, pg_table_size('face_embeddings') as bytes,
      coalesce(avg(coalesce(octet_length(photo_id), 0) + coalesce(octet_length(session_id::text), 0)), 0) as id_bytes from face_embeddings`);
  return { rows: Number(rows[0].rows), bytes: Number(rows[0].bytes), idBytes: Number(rows[0].id_bytes) };
}

async function walBytes(client: Client): Promise<number> {
  return Number((await client.query('select coalesce(sum(size), 0) as bytes from pg_ls_waldir()')).rows[0].bytes);
}

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
  /** The migrator's role, quoted where it must be; whether it may create in the schema, and which of our tables another one owns. */
  role: string;
  mayCreate: boolean;
  foreignTables: { name: string; owner: string }[];
  /** Version of the extension installed here, else of the one that would be; null: none on this server. */
  pgvector: string | null;
  /** The table of schemas 1 and 2, where it is; bytes without its indexes; idBytes: of a row's photo and session as text; sequence: what its `id` owns, as `serial` makes it. */
  olderTable: { columns: string[]; dimension: number; sequence: string | null; rows: number; bytes: number; idBytes: number } | undefined;
  /** Length of the vectors in `faces`, where it is. */
  facesDimension: number | undefined;
  /** Tables that have the name of one of ours. */
  ownTables: string[];
  /** What hangs on face_embeddings and would go on meaning the old table when that becomes the backup. */
  dependents: string[];
  databaseBytes: number;
  /** Bytes that an unfinished migration has written of schema 2 and of `faces`; of these also what a way back kept aside. */
  made: { schema2: number; faces: number };
  /** Bytes by which the write-ahead log may grow; all of max_wal_size where the role may not look. */
  walRoom: number;
  /** maintenance_work_mem */
  sortMemory: number;
}
