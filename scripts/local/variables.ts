/** Variables that a start sets itself: it refuses them instead of ignoring them. The value says what to do. */
const REFUSED: Record<string, string> = {
  API_KEYS_FILE: 'a start has a development key of its own; add others with API_KEYS',
  INFERENCE_ADDRESS: 'a start runs its own inference server',
  INFERENCE_LISTEN: 'a start runs its own inference server',
  MODELS_DIRECTORY: 'a start uses models/ of the clone; set MODEL_PACK or MODEL_WEIGHTS_DIRECTORY',
  METRICS_PORT: 'each process of a start takes a free port for its metrics',
  METRICS_PORT_FILE: 'each process of a start takes a free port for its metrics',
  PORT_FILE: 'use --port',
};

/** Of the caller’s environment, what concerns other programs and not the services. */
const WITHHELD = /^(FACEPASS_(URL|API_KEY|DATA)|PG[A-Z]+|NODE_OPTIONS|PORT|HOST)$/;
const DATABASE = /^(DATABASE_URL|POSTGRES_[A-Z_]+)(_FILE)?$/;

export interface GivenVariables {
  /** The caller’s environment without what concerns other programs. */
  services: NodeJS.ProcessEnv;
  /** The variables of a PostgreSQL of the caller’s, or null: the embedded database serves. */
  database: NodeJS.ProcessEnv | null;
}

/**
 * Sorts the environment of a start.
 * @throws Error that names each variable that a start cannot honour, and what to do instead
 */
export function readVariables(environment: NodeJS.ProcessEnv): GivenVariables {
  const given = Object.entries(environment).filter(([, value]) => value);
  const mistakes = given.flatMap(([name]) => (REFUSED[name] ? [`${name}: ${REFUSED[name]}`] : []));
  if (mistakes.length > 0)
    throw new Error(`./scripts/start cannot use these variables; unset them:\n  ${mistakes.join('\n  ')}`);
  const ofDatabase = given.filter(([name]) => DATABASE.test(name));
  const namesServer = ofDatabase.some(([name]) => /^(DATABASE_URL|POSTGRES_HOST)(_FILE)?$/.test(name));
  if (ofDatabase.length > 0 && !namesServer)
    throw new Error(
      `${ofDatabase.map(([name]) => name).join(', ')}: set DATABASE_URL or POSTGRES_HOST too, or unset ` +
        `${ofDatabase.length === 1 ? 'it' : 'them'} to use the embedded database.`,
    );
  return {
    services: Object.fromEntries(given.filter(([name]) => !WITHHELD.test(name) && !DATABASE.test(name))),
    database: namesServer ? Object.fromEntries(ofDatabase) : null,
  };
}

/** Limits of a trial: camera files of 24 to 100 megapixels are usual, nobody else sends one, and the machine may be busy. */
export const TRIAL_LIMITS = {
  MAX_IMAGE_BYTES: '50000000',
  MAX_IMAGE_WIDTH: '12288',
  MAX_IMAGE_HEIGHT: '12288',
  INFERENCE_TIMEOUT_MS: '120000',
  INFERENCE_IMAGE_TIMEOUT_MS: '120000',
  DATABASE_CONNECT_TIMEOUT_MS: '10000',
  DATABASE_STATEMENT_TIMEOUT_MS: '30000',
};
