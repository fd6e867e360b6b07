import type { Client } from './database.ts';
import { readLedger } from './ledger.ts';
import { schemaVersionOf, type Step } from './steps.ts';

/** Gathers what the commands decide on; changes nothing. */
export async function readState(client: Client, steps: Step[]): Promise<State> {
  const recorded = await readLedger(client);
  const { rows } = await client.query(STATE);
  const row = rows[0];
  const version = schemaVersionOf(steps, new Set(recorded));
  return {
    recorded,
    version: recorded.length === 0 && row.field_columns !== null ? 1 : version,
    schema: row.schema,
    serverVersion: Number(row.server_version),
    serverIsEmbedded: row.is_embedded,
    pgvector: row.pgvector,
    olderTable: row.field_columns === null ? undefined : { columns: row.field_columns, dimension: row.field_dimension, bytes: Number(row.field_bytes) },
    facesDimension: row.faces_dimension ?? undefined,
    databaseBytes: Number(row.database_bytes),
  };
}

// A halfvec's or vector's dimension is its type modifier.
const STATE = `
  select current_schema() as schema, current_setting('server_version_num') as server_version,
    version() like '%emscripten%' or version() like '%wasm%' as is_embedded,
    pg_database_size(current_database()) as database_bytes,
    coalesce((select extversion from pg_extension where extname = 'vector'),
      (select default_version from pg_available_extensions where name = 'vector')) as pgvector,
    (select json_agg(attname) from pg_attribute where attrelid = to_regclass('face_embeddings') and attnum > 0 and not attisdropped) as field_columns,
    (select atttypmod from pg_attribute where attrelid = to_regclass('face_embeddings') and attname = 'embedding') as field_dimension,
    pg_total_relation_size(to_regclass('face_embeddings')) as field_bytes,
    (select atttypmod from pg_attribute where attrelid = to_regclass('faces') and attname = 'embedding') as faces_dimension`;

export interface State {
  /** Names of the steps in the ledger, oldest first. */
  recorded: string[];
  /** 0: empty database; 1: what the field has, also before the first run; 2, 3: ours. */
  version: number;
  schema: string;
  /** As 160014. */
  serverVersion: number;
  /** PGlite: one backend for every client, so a session's lock keeps nobody out. */
  serverIsEmbedded: boolean;
  /** Version of the extension installed here, else of the one that would be; null: none on this server. */
  pgvector: string | null;
  /** The table of schemas 1 and 2, where it is. */
  olderTable: { columns: string[]; dimension: number; bytes: number } | undefined;
  /** Length of the vectors in `faces`, where it is. */
  facesDimension: number | undefined;
  databaseBytes: number;
}
