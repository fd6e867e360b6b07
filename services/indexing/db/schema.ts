import { acceptsPgvector, LEAST_PGVECTOR, SCHEMA_VERSIONS } from '@facepass/contracts/database';
import { queryRows, type Pool } from './pool.ts';

export interface SchemaJudgement {
  /** 0: not migrated. */
  version: number;
  /** How the migrator's last run ended: its exit code; null where that is not known. */
  lastRun: number | null;
  /** Why the database cannot serve this API, or null. `permanent` means that waiting will not help. */
  fault: { reason: string; permanent: boolean } | null;
}

interface Requirements {
  /** Lengths of the vectors of the models that are served. */
  embeddingSizes: readonly number[];
  allowedPgvectorVersion: string | undefined;
}

/**
 * Whether the database's schema, pgvector and vectors are those of this API.
 * @throws ApiProblem database_unavailable
 */
export async function judgeSchema(
  pool: Pool,
  { embeddingSizes, allowedPgvectorVersion }: Requirements,
): Promise<SchemaJudgement> {
  const [found] = await queryRows<Facts>(pool, FACTS, []);
  if (!found?.migrated)
    return {
      version: 0,
      lastRun: null,
      fault: { reason: 'the database is not migrated: run the migrator', permanent: false },
    };
  const [schema] = await queryRows<{ version: number; last_run: number | null }>(
    pool,
    found.records_runs ? VERSION_AND_RUN : VERSION,
    [],
  );
  const version = schema?.version ?? 0;
  const fault =
    pgvectorFaultOf(found.pgvector ?? '0', allowedPgvectorVersion) ?? schemaFaultOf(found, version, embeddingSizes);
  return { version, lastRun: schema?.last_run ?? null, fault };
}

function pgvectorFaultOf(pgvector: string, allowedByName: string | undefined): SchemaJudgement['fault'] {
  if (acceptsPgvector(pgvector, allowedByName)) return null;
  return {
    reason: `pgvector ${pgvector} is older than ${LEAST_PGVECTOR}; ALLOW_PGVECTOR_VERSION does not name it`,
    permanent: true,
  };
}

function schemaFaultOf(
  { dimension, takes_others }: Facts,
  version: number,
  embeddingSizes: readonly number[],
): SchemaJudgement['fault'] {
  if (version < SCHEMA_VERSIONS.least || version > SCHEMA_VERSIONS.most) {
    return {
      reason: `the schema has version ${version}, this API needs ${SCHEMA_VERSIONS.least} to ${SCHEMA_VERSIONS.most}`,
      permanent: false,
    };
  }
  const other = embeddingSizes.find((size) => size !== dimension);
  if (other !== undefined && !takes_others) {
    return {
      reason: `the database holds vectors of ${dimension} dimensions only, a model pack makes ${other}: run the migrator`,
      permanent: false,
    };
  }
  return null;
}

interface Facts {
  migrated: boolean;
  /** Whether this role may read how the migrator's runs ended: it was granted later than the rest. */
  records_runs: boolean;
  pgvector: string | null;
  dimension: number | null;
  /** Whether vectors of other lengths have their column. */
  takes_others: boolean;
}

/** pgvector keeps the dimension of a column in its type modifier. */
const FACTS = `
  select to_regprocedure('schema_version()') is not null as migrated,
         (select extversion from pg_extension where extname = 'vector') as pgvector,
         (select atttypmod from pg_attribute where attrelid = to_regclass('faces') and attname = 'embedding') as dimension,
         exists (select from pg_attribute where attrelid = to_regclass('faces') and attname = 'other_embedding') as takes_others,
         coalesce(has_table_privilege(to_regclass('migration_runs'), 'select'), false) as records_runs`;
const VERSION = 'select schema_version() as version, null as last_run';
const VERSION_AND_RUN =
  'select schema_version() as version, (select exit_code from migration_runs order by id desc limit 1) as last_run';
