import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';
import { TIMEOUT_DEFAULTS } from '@facepass/contracts/timeouts';
import { ConfigurationError, integerVariable, portVariable, readEnvironment } from '@facepass/runtime/environment';
import { modelPacksVariable } from '@facepass/contracts/model-pack';
import { postgresMistakes, postgresVariables } from '@facepass/runtime/postgres';
import * as z from 'zod';
import { EXIT, Failure } from '../failures.ts';
import { fileProblem } from '../file-problem.ts';
import type { Finding } from './finding.ts';

const text = z.string().optional();
const milliseconds = integerVariable(0, 86_400_000).optional();
const timeouts = Object.fromEntries(Object.keys(TIMEOUT_DEFAULTS).map((name) => [name, milliseconds])) as Record<
  keyof typeof TIMEOUT_DEFAULTS,
  typeof milliseconds
>;

/**
 * The variables of the services that tell `doctor` what to check on their host; docs/configuration.md lists all.
 */
const variables = z.object({
  ...postgresVariables({ role: 'Role of the API.', url: 'PostgreSQL.' }),
  ALLOW_PGVECTOR_VERSION: text,
  REDIS_URL: text,
  INFERENCE_ADDRESS: text,
  INFERENCE_TLS_CA: text,
  INFERENCE_TLS_CERT: text,
  INFERENCE_TLS_KEY: text,
  MODEL_PACK: text,
  MODEL_PACKS: modelPacksVariable.optional(),
  MODELS_DIRECTORY: text,
  MODEL_WEIGHTS_DIRECTORY: text,
  MODEL_LICENCE_ACCEPTED: text,
  API_KEYS_FILE: text,
  HOST: text,
  PORT: portVariable.optional(),
  METRICS_PORT: portVariable.optional(),
  ...timeouts,
});

export type Settings = z.infer<typeof variables>;

/**
 * Reads the environment of the services: the variables of this process and, if given, an env file as systemd and Compose
 * read it.
 * @returns the settings, or the finding that they are invalid
 * @throws Failure if the env file is unreadable
 */
export function readSettings(environment: NodeJS.ProcessEnv, envFile?: string): Settings | Finding {
  const given = { ...environment, ...(envFile ? readEnvFile(envFile) : {}) };
  const known = Object.fromEntries(
    Object.entries(given).filter(([name]) => name.replace(/_FILE$/, '') in variables.shape || name in variables.shape),
  );
  try {
    const settings = readEnvironment(variables, known);
    const mistakes = settings.DATABASE_URL || settings.POSTGRES_HOST ? postgresMistakes(settings) : [];
    if (mistakes.length > 0) throw new ConfigurationError(['Invalid configuration:', ...mistakes].join('\n'));
    return settings;
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    const mend = /EACCES/.test(error.message)
      ? 'Let the user that runs the service read the file.'
      : 'Correct the variable; docs/configuration.md has its rule.';
    return {
      what: 'settings of the services',
      fault: error.message
        .split('\n')
        .slice(1)
        .map((line) => line.trim())
        .join('; '),
      mend,
    };
  }
}

/** The folder of model packs beside this command line. */
export const OWN_MODELS = fileURLToPath(new URL('../../../models', import.meta.url));

function readEnvFile(path: string): NodeJS.ProcessEnv {
  try {
    return parseEnv(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new Failure(EXIT.usage, `${path} ${fileProblem(error)}.`);
  }
}
