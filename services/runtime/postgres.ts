import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { parseIntoClientConfig } from 'pg-connection-string';
import * as z from 'zod';
import { messageOf } from './errors.ts';
import { booleanVariable, ConfigurationError, integerVariable } from './environment.ts';

const text = z.string();

/** The variables of the database connection; `role` and `url` are their descriptions in the reference. */
export function postgresVariables({ role, url }: { role: string; url: string }) {
  return {
    DATABASE_URL: text
      .regex(/^postgres(ql)?:\/\/.+/, 'must be postgres://user:password@host:port/database')
      .optional()
      .describe(url),
    POSTGRES_HOST: text.optional().describe('Host of PostgreSQL.'),
    POSTGRES_PORT: integerVariable(1, 65_535).default(5432).describe('Port of PostgreSQL.'),
    POSTGRES_DB: text.default('facepass').describe('Database name.'),
    POSTGRES_USER: text.default('facepass').describe(role),
    POSTGRES_PASSWORD: text.optional().describe('Password of that role.'),
    POSTGRES_SSL: booleanVariable
      .default(false)
      .describe('TLS with a verified certificate; `sslmode=verify-full` in DATABASE_URL does the same.'),
    POSTGRES_SSL_CA_FILE: text
      .optional()
      .describe('Certificate authorities for that, instead of the system’s; requires TLS by either of the two.'),
  };
}

export type PostgresVariables = z.infer<z.ZodObject<ReturnType<typeof postgresVariables>>>;

/** Address and options of PostgreSQL for the driver, including further parameters of DATABASE_URL. */
export interface PostgresConnection {
  host?: string | undefined;
  port?: number | undefined;
  database?: string | undefined;
  user?: string | undefined;
  password?: string | undefined;
  ssl?: boolean | ConnectionOptions | undefined;
  /** Replaces the other fields. */
  connectionString?: string;
  connectionTimeoutMillis?: number;
}

/**
 * The connection that the variables describe.
 * @throws ConfigurationError that names every wrong variable; it never repeats values, because they are secret
 */
export function postgresConnection(variables: PostgresVariables): PostgresConnection {
  const { connection, mistakes } = readPostgres(variables);
  if (mistakes.length > 0) throw new ConfigurationError(`Invalid configuration:\n  ${mistakes.join('\n  ')}`);
  return connection;
}

/** The mistakes in the variables, one sentence each. */
export function postgresMistakes(variables: PostgresVariables): string[] {
  return readPostgres(variables).mistakes;
}

function readPostgres(variables: PostgresVariables): { connection: PostgresConnection; mistakes: string[] } {
  const mistakes: string[] = [];
  const attempt = <Result>(name: string, read: () => Result): Result | undefined => {
    try {
      return read();
    } catch (error) {
      mistakes.push(`${name}: ${messageOf(error)}`);
      return undefined;
    }
  };
  const { DATABASE_URL: url, POSTGRES_HOST: host, POSTGRES_SSL_CA_FILE: caFile } = variables;
  if (!url && !host) mistakes.push('DATABASE_URL: set it or POSTGRES_HOST');
  if (url && host) mistakes.push('DATABASE_URL: set it or POSTGRES_HOST, not both');
  const ca = caFile && attempt('POSTGRES_SSL_CA_FILE', () => readFileSync(caFile, 'utf8'));
  const address: PostgresConnection = url ? (attempt('DATABASE_URL', () => parseUrl(url)) ?? {}) : addressOf(variables);
  const isReadable = mistakes.length === 0;
  const ssl = isReadable ? attempt('POSTGRES_SSL', () => tlsOf(address.ssl, variables.POSTGRES_SSL, ca)) : undefined;
  return { connection: { ...address, ...(ssl !== undefined && { ssl }) }, mistakes };
}

function addressOf(variables: PostgresVariables): PostgresConnection {
  return {
    host: variables.POSTGRES_HOST,
    port: variables.POSTGRES_PORT,
    database: variables.POSTGRES_DB,
    user: variables.POSTGRES_USER,
    password: variables.POSTGRES_PASSWORD,
  };
}

/**
 * A `#`, `/` or `?` in the password ends the host where it stands: `user:12#x@host` would be the host `user`. libpq
 * reads such a URL alike; it names no rule either.
 */
function parseUrl(url: string): PostgresConnection {
  const isCutShort = /#|^\w+:\/\/[^/?]*(\/[^?]*@|\?[^/]*@)/.test(url);
  if (isCutShort) throw new Error(`${URL_RULE}; ${ESCAPES}`);
  try {
    return parseIntoClientConfig(withPlainMode(url)) as PostgresConnection;
  } catch (error) {
    const { code, path } = error as NodeJS.ErrnoException;
    if (path) throw new Error(`${path} cannot be read: ${code}`);
    throw new Error(/uselibpqcompat|sslmode/.test(`${error}`) ? messageOf(error) : `${URL_RULE}; ${ESCAPES}`);
  }
}

const URL_RULE = 'must be postgres://user:password@host:port/database';
const ESCAPES = 'in the password write # as %23, / as %2F, ? as %3F, @ as %40 and % as %25';

/** The parser takes all of these for verify-full, and warns of it at each start. */
function withPlainMode(url: string): string {
  if (/[?&]uselibpqcompat=true(&|$)/.test(url)) return url;
  return url.replace(/([?&]sslmode=)(prefer|require|verify-ca)(?=&|$)/, '$1verify-full');
}

/**
 * The driver lets an `sslmode` of the URL replace all other settings of TLS: a certificate authority set beside it was
 * lost, and a server it had signed was refused.
 */
function tlsOf(byUrl: PostgresConnection['ssl'], required: boolean, ca: string | undefined): PostgresConnection['ssl'] {
  const options = typeof byUrl === 'object' ? byUrl : {};
  const isUnverified = options.rejectUnauthorized === false;
  if (required && byUrl === false) throw new Error('contradicts DATABASE_URL, which turns TLS off');
  if (required && isUnverified && !ca) throw new Error('contradicts DATABASE_URL, whose sslmode verifies nothing');
  if (ca && !required && !byUrl)
    throw new Error('must be true, or DATABASE_URL must have sslmode=verify-full, if POSTGRES_SSL_CA_FILE is set');
  if (ca) return { ...options, ca, rejectUnauthorized: true };
  return required ? options : byUrl;
}

/** Why a connection failed, in one line. The driver hides the reason if a host has several addresses. */
export function connectionFault(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const all = error instanceof AggregateError && error.errors.length > 0 ? (error.errors as Error[]) : [error];
  return [...new Set(all.map(({ message, name }) => message || name))].join('; ');
}
