import { Problem } from '@facepass/client';
import { fileProblem } from './file-problem.ts';

/** Exit codes of `facepass`; docs/command-line.md lists them. */
export const EXIT = {
  done: 0,
  /** Some photos were not indexed, or `doctor` found a fault. */
  incomplete: 1,
  usage: 2,
  unavailable: 3,
  keyRefused: 4,
  unknown: 5,
  refused: 6,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends the command; the message says what to do. */
export class Failure extends Error {
  override name = 'Failure';
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** The message and exit code for `error`. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof Problem) return new Failure(exitCodeOf(error), describe(error));
  if (error instanceof Error && 'path' in error && typeof error.path === 'string')
    return new Failure(EXIT.usage, `${error.path} ${fileProblem(error)}.`);
  if (error instanceof Error && 'code' in error && typeof error.code === 'string')
    return new Failure(EXIT.usage, error.message);
  throw error;
}

function exitCodeOf({ status, isTransient }: Problem): ExitCode {
  if (isTransient || status >= 500) return EXIT.unavailable;
  if (status === 401 || status === 403) return EXIT.keyRefused;
  return status === 404 ? EXIT.unknown : EXIT.refused;
}

function describe(problem: Problem): string {
  if (problem.code === 'network')
    return `${problem.message.replace(/\.$/, '')} (${reasonOf(problem.cause)}).\nRun \`facepass doctor\` to find the cause.`;
  const fields = Array.isArray(problem.members['errors'])
    ? problem.members['errors'].map(({ field, rule }) => `\n  ${field}: ${rule}`).join('')
    : '';
  const request = problem.requestId ? `, request ${problem.requestId}` : '';
  return `${problem.message}${fields} (${problem.code}${request})`;
}

/** The innermost cause of a failed fetch, such as `connect ECONNREFUSED 127.0.0.1:8080`. */
export function reasonOf(error: unknown): string {
  let innermost = error;
  while (innermost instanceof Error && innermost.cause instanceof Error) innermost = innermost.cause;
  return innermost instanceof Error
    ? innermost.message || String('code' in innermost ? innermost.code : innermost.name)
    : '';
}
