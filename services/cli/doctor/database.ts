import { acceptsPgvector, LEAST_PGVECTOR, SCHEMA_VERSIONS } from '@facepass/contracts/database';
import { connectionFault, postgresConnection } from '@facepass/runtime/postgres';
import { withDatabase, type Client } from '../database.ts';
import { mendOf, type Finding } from './finding.ts';
import type { Settings } from './settings.ts';

const PATIENCE_MS = 5000;

/**
 * Checks the database as the API will use it: reachable, of a supported version, migrated, writable, and with vectors of
 * as many numbers as each of `dimensions`.
 */
export async function examineDatabase(settings: Settings, dimensions: readonly number[]): Promise<Finding[]> {
  const connection = postgresConnection(settings);
  const { host, port, database } = connection;
  const name = `database ${database} at ${host}${port ? `:${port}` : ''}`;
  const patienceMs = { connect: PATIENCE_MS, query: PATIENCE_MS };
  try {
    const facts = await withDatabase(connection, { applicationName: 'facepass-doctor', patienceMs }, readFacts);
    return [
      ...judge(facts, dimensions, settings.ALLOW_PGVECTOR_VERSION).map((finding) => ({ ...finding, what: name })),
      clockOf(facts),
    ];
  } catch (error) {
    return [{ what: name, fault: connectionFault(error), mend: connectionMend(error as Error) }];
  }
}

function connectionMend(error: Error & { code?: string }): string {
  return (
    mendOf(`${error.code} ${connectionFault(error)}`, [
      [/^28P01|password/i, 'Correct the password in DATABASE_URL or POSTGRES_PASSWORD.'],
      [/^28|no pg_hba/i, 'Correct the user in DATABASE_URL, create that role, or let pg_hba.conf admit it.'],
      [/^3D000/, 'Create the database, or correct its name in DATABASE_URL.'],
      [
        /^42501/,
        'Grant the role its rights: node services/migrator/main.ts up --grant-to ROLE, as the owner of the tables.',
      ],
      [/^53300/, 'Raise max_connections of PostgreSQL, or lower DATABASE_POOL_SIZE of the API.'],
      [/^(57P03|55000)/, 'Wait: PostgreSQL is starting up or shutting down.'],
      [/ENOTFOUND|EAI_AGAIN/, 'Correct the host in DATABASE_URL: DNS does not know it.'],
      [/^EACCES/, 'Let this user reach the socket of PostgreSQL, or connect over TCP.'],
      [/SSL|certificate/i, 'Set POSTGRES_SSL and POSTGRES_SSL_CA_FILE to match the server.'],
      [
        /ECONNREFUSED|ENOENT|ETIMEDOUT|EHOSTUNREACH|timeout/i,
        'Start PostgreSQL, open the network to it, or correct DATABASE_URL.',
      ],
    ]) ?? 'See the log of PostgreSQL.'
  );
}

interface Facts {
  server: number;
  pgvector: string | null;
  offered: string | null;
  schema: number;
  dimension: number | null;
  takes_others: boolean;
  writable: boolean;
  granted: boolean;
  clock_ms: number;
}

async function readFacts(client: Client): Promise<Facts> {
  const { rows } = await client.query<Facts & { migrated: boolean }>(FACTS);
  const facts = rows[0]!;
  if (!facts.migrated) return { ...facts, schema: 0 };
  const { rows: versions } = await client.query<{ version: number }>('select schema_version() as version');
  return { ...facts, schema: versions[0]!.version };
}

const FACTS = `
  select current_setting('server_version_num')::integer as server,
         (select extversion from pg_extension where extname = 'vector') as pgvector,
         (select default_version from pg_available_extensions where name = 'vector') as offered,
         to_regprocedure('schema_version()') is not null as migrated,
         (select atttypmod from pg_attribute where attrelid = to_regclass('faces') and attname = 'embedding') as dimension,
         exists (select from pg_attribute where attrelid = to_regclass('faces') and attname = 'other_embedding') as takes_others,
         not pg_is_in_recovery() and not current_setting('transaction_read_only')::boolean as writable,
         coalesce(has_table_privilege(to_regclass('faces'), 'select, insert') and has_table_privilege(to_regclass('sessions'), 'insert'), true) as granted,
         (extract(epoch from clock_timestamp()) * 1000)::float8 as clock_ms`;

/** All faults, in the order to fix them; one finding without a fault if there is none. */
function judge(
  { server, pgvector, offered, schema, dimension: stored, takes_others, writable, granted }: Facts,
  dimensions: readonly number[],
  allowedPgvector: string | undefined,
): Omit<Finding, 'what'>[] {
  const faults: Omit<Finding, 'what'>[] = [];
  const fault = (fault: string, mend: string) => void faults.push({ fault, mend });
  if (server < 160_000)
    fault(`PostgreSQL ${Math.floor(server / 10_000)} is older than 16`, 'Upgrade PostgreSQL to 16 or newer.');
  if (pgvector === null && offered === null)
    fault('the server has no pgvector', `Install pgvector ${LEAST_PGVECTOR} or newer on the database server.`);
  else if (!acceptsPgvector(pgvector ?? offered!, allowedPgvector)) {
    fault(
      `pgvector ${pgvector ?? offered} is older than ${LEAST_PGVECTOR}`,
      `Install pgvector ${LEAST_PGVECTOR} or newer on the database server, then run: alter extension vector update.`,
    );
  }
  if (!writable)
    fault(
      'it is read-only',
      'Point DATABASE_URL to the primary; a standby or default_transaction_read_only rejects every index call.',
    );
  const { least, most } = SCHEMA_VERSIONS;
  if (schema < least)
    fault(
      schema === 0 ? 'it is not migrated' : `its schema has version ${schema}, this release needs ${least}`,
      'Run the migration: node services/migrator/main.ts up.',
    );
  if (schema > most)
    fault(
      `its schema has version ${schema}, this release knows ${most}`,
      'Run the newer release, or take the schema back with its migrator (docs/MIGRATION_GUIDE.md).',
    );
  const other = dimensions.find((dimension) => dimension !== stored);
  if (stored !== null && other !== undefined && !takes_others) {
    fault(
      `it holds vectors of ${stored} dimensions only, the model pack makes ${other}`,
      'Run the migration: node services/migrator/main.ts up. Or set MODEL_PACK to the pack that made them.',
    );
  }
  if (!granted)
    fault(
      'the role may not read and write the tables',
      'Grant it the rights: node services/migrator/main.ts up --grant-to ROLE, as the owner of the tables.',
    );
  return faults.length > 0 ? faults : [{}];
}

/** Erasures and expiry use the database's clock, tokens the API's. */
function clockOf({ clock_ms }: Facts): Finding {
  const secondsApart = Math.abs(clock_ms - Date.now()) / 1000;
  if (secondsApart <= 60) return { what: 'clock of the database' };
  return {
    what: 'clock of the database',
    fault: `it and this machine are ${Math.round(secondsApart)} s apart`,
    mend: 'Synchronise both clocks with NTP.',
  };
}
