import { modelPacksVariable, readModels } from '@facepass/contracts/model-pack';
import {
  ConfigurationError,
  integerVariable,
  logLevelVariable,
  portVariable,
  readEnvironment,
} from '@facepass/runtime/environment';
import { postgresConnection, postgresVariables, type PostgresConnection } from '@facepass/runtime/postgres';
import * as z from 'zod';
import { messageOf } from '@facepass/runtime/errors';

const text = z.string();

/** All variables of the migrator, in the order of docs/configuration.md. */
export const migratorEnvironment = z.object({
  ...postgresVariables({
    role: 'A role that may create tables.',
    url: 'URL of PostgreSQL, with a role that may create tables; instead of POSTGRES_*.',
  }),
  DATABASE_CONNECT_TIMEOUT_MS: integerVariable(1, 600_000).default(5000).describe('Maximum wait for a connection.'),
  MODEL_PACK: text
    .regex(/^[a-z0-9-]+$/, 'must be the name of a folder in models/')
    .default('sface')
    .describe('Model pack; it determines the length of the vectors.'),
  MODEL_PACKS: modelPacksVariable
    .optional()
    .describe(
      'Model packs instead, where several are served. If it is set, a migration is refused while sessions have a model that none of them makes.',
    ),
  ALLOW_UNSERVED_MODELS: text
    .regex(/^[a-z0-9-]+(,[a-z0-9-]+)*$/, 'must be model ids such as sface-3, separated by commas')
    .transform((models) => models.split(','))
    .optional()
    .describe('Models that sessions may have although no pack of MODEL_PACKS makes them.'),
  MODELS_DIRECTORY: text.default('models').describe('Folder with the packs’ manifests.'),
  LEGACY_MODEL_ID: text
    .regex(/^[a-z0-9-]{1,64}$/, 'must be a model id such as arcface-1')
    .optional()
    .describe('Model of the vectors in a database older than schema 3.'),
  ALLOW_PGVECTOR_VERSION: text
    .regex(/^\d+\.\d+(\.\d+)?$/, 'must be a version such as 0.8.0')
    .optional()
    .describe('Accept exactly this pgvector version although it is older than 0.8.4.'),
  MIGRATION_LOCK_TIMEOUT_MS: integerVariable(1, 600_000)
    .default(5000)
    .describe('Maximum wait of a statement for a table lock; then the step is retried.'),
  MIGRATION_LOCK_ATTEMPTS: integerVariable(1, 1000)
    .default(30)
    .describe('Maximum number of attempts of a step that waits for a lock; then exit code 75.'),
  MIGRATION_STATEMENT_TIMEOUT_MS: integerVariable(1000, 86_400_000)
    .default(3_600_000)
    .describe('Maximum duration of one statement; index builds take longest.'),
  MIGRATION_WAIT_MS: integerVariable(0, 86_400_000)
    .default(3_600_000)
    .describe('Maximum wait for another migrator to finish; then exit code 75.'),
  MIGRATION_BATCH_ROWS: integerVariable(1, 100_000).default(1000).describe('Number of rows moved in one transaction.'),
  MIGRATION_PAUSE_MS: integerVariable(0, 60_000)
    .default(0)
    .describe('Pause between two batches, to reduce the load on the service.'),
  DATABASE_FREE_BYTES: integerVariable(0, Number.MAX_SAFE_INTEGER)
    .optional()
    .describe(
      'Free space of the database’s volume, which PostgreSQL does not report. The migrator refuses to begin if ' +
        'it needs more.',
    ),
  METRICS_PORT: portVariable
    .optional()
    .describe('Port of /metrics, /livez and /readyz while the migrator runs. Default: none.'),
  LOG_LEVEL: logLevelVariable.default('info').describe('Minimum log level.'),
});

/**
 * Reads the environment and the model pack's manifest.
 * @throws ConfigurationError that names every invalid variable, or the missing or malformed manifest
 */
export async function readConfig(environment: NodeJS.ProcessEnv = process.env): Promise<MigratorConfig> {
  const values = readEnvironment(migratorEnvironment, environment);
  return {
    connection: { ...postgresConnection(values), connectionTimeoutMillis: values.DATABASE_CONNECT_TIMEOUT_MS },
    ...(await readPacks(values)),
    allowUnserved: values.ALLOW_UNSERVED_MODELS ?? [],
    legacyModelId: values.LEGACY_MODEL_ID,
    allowedPgvectorVersion: values.ALLOW_PGVECTOR_VERSION,
    lockTimeoutMs: values.MIGRATION_LOCK_TIMEOUT_MS,
    lockAttempts: values.MIGRATION_LOCK_ATTEMPTS,
    statementTimeoutMs: values.MIGRATION_STATEMENT_TIMEOUT_MS,
    waitMs: values.MIGRATION_WAIT_MS,
    batchRows: values.MIGRATION_BATCH_ROWS,
    pauseMs: values.MIGRATION_PAUSE_MS,
    freeBytes: values.DATABASE_FREE_BYTES,
    metricsPort: values.METRICS_PORT,
    logLevel: values.LOG_LEVEL,
  };
}

async function readPacks({
  MODELS_DIRECTORY,
  MODEL_PACK,
  MODEL_PACKS,
}: z.infer<typeof migratorEnvironment>): Promise<Pick<MigratorConfig, 'pack' | 'served'>> {
  try {
    const models = await readModels(MODELS_DIRECTORY, MODEL_PACKS ?? [MODEL_PACK]);
    const [{ pack, modelId }] = models;
    return {
      pack: { name: pack.name, modelId, dimension: pack.embedding_size },
      served: MODEL_PACKS && models.map((model) => model.modelId),
    };
  } catch (error) {
    throw new ConfigurationError(
      `Invalid configuration:\n  ${MODEL_PACKS ? 'MODEL_PACKS' : 'MODEL_PACK'}: ${messageOf(error)}`,
    );
  }
}

export interface MigratorConfig {
  connection: PostgresConnection;
  pack: { name: string; modelId: string; dimension: number };
  /** Models that are served; undefined where nobody tells, and nothing is compared. */
  served: string[] | undefined;
  /** Models that sessions may have although they are not served. */
  allowUnserved: string[];
  /** Id of the model of the vectors in schemas 1 and 2. */
  legacyModelId: string | undefined;
  allowedPgvectorVersion: string | undefined;
  lockTimeoutMs: number;
  lockAttempts: number;
  statementTimeoutMs: number;
  waitMs: number;
  batchRows: number;
  pauseMs: number;
  freeBytes: number | undefined;
  metricsPort: number | undefined;
  logLevel: string;
}
