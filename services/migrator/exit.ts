import { ConfigurationError } from '@facepass/runtime/environment';
import { messageOf } from '@facepass/runtime/errors';

/** What a Kubernetes Job's podFailurePolicy tells apart; numbers of sysexits.h. */
export const EXIT = {
  done: 0,
  /** An unexpected fault of the migrator or of the database. */
  failed: 1,
  /** EX_USAGE: the command line is wrong. */
  usage: 64,
  /** EX_DATAERR: the database's contents forbid it, or `verify` found damage; retrying will not help. */
  data: 65,
  /** EX_TEMPFAIL: locked, unreachable, or told to stop; a retry resumes where it stopped. */
  retry: 75,
  /** EX_CONFIG: the environment is wrong; retrying will not help. */
  configuration: 78,
} as const;

/** The migrator refuses or gives up; the message says what, why, and what to do. */
export class Refusal extends Error {
  override name = 'Refusal';
  readonly exitCode: number;
  constructor(exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/**
 * The exit code of an error: our own errors carry it, PostgreSQL's are told apart by SQLSTATE, sockets' by their code.
 */
export function exitCodeOf(error: unknown): number {
  if (error instanceof Refusal || error instanceof ConfigurationError) return error.exitCode;
  const code = (error as { code?: string }).code ?? '';
  if (isStatementTimeout(error)) return EXIT.configuration;
  if (RETRIABLE.test(code) || CONNECTION_LOST.test(messageOf(error))) return EXIT.retry;
  if (NOT_ALLOWED.test(code) || TLS_REFUSED.test(`${code} ${messageOf(error)}`)) return EXIT.configuration;
  if (/^(22|23)/.test(code)) return EXIT.data;
  return EXIT.failed;
}

/**
 * Whether a statement ran into statement_timeout. PostgreSQL has one SQLSTATE for that and for an administrator's
 * cancel; only the text tells them apart. Where lc_messages is another language it does not, and both count as a
 * cancel.
 */
export function isStatementTimeout(error: unknown): boolean {
  const { code, message } = error as { code?: string; message?: string };
  return code === '57014' && /statement timeout/.test(message ?? '');
}

/**
 * Connection exceptions, serialisation and deadlock, out of resources, administrator's stop or cancel, lock not
 * available.
 */
const RETRIABLE = /^(08|40|53|57P|55P03|57014|ECONN|EPIPE|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)/;
const CONNECTION_LOST = /connection terminated|timeout expired|connection error/i;
/** Wrong password, role or database; missing privilege. */
const NOT_ALLOWED = /^(28|3D000|42501)/;
/** OpenSSL's names of what is wrong with a certificate, and a server without TLS. */
const TLS_REFUSED = /CERT|SELF_SIGNED|ISSUER|LEAF_SIGNATURE|does not support SSL/;
