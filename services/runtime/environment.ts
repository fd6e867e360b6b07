import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { messageOf } from './errors.ts';

/** Invalid configuration; the message names every bad variable and the rule it breaks. */
export class ConfigurationError extends Error {
  override name = 'ConfigurationError';
  /** sysexits.h EX_CONFIG: a restart will not help. */
  readonly exitCode = 78;
}

/**
 * Reads the variables of `schema` from `environment`, once, when a process starts. A variable may come from a mounted
 * file instead (`NAME_FILE=/path`). Empty values count as absent.
 * @throws ConfigurationError that lists all mistakes, including unknown `FACEPASS_*` names. It never repeats values,
 * because they may be secret.
 */
export function readEnvironment<Schema extends z.ZodObject>(
  schema: Schema,
  environment: NodeJS.ProcessEnv = process.env,
): z.infer<Schema> {
  const mistakes: string[] = [];
  const values: Record<string, string> = {};
  for (const name of Object.keys(schema.shape)) {
    try {
      const value = readVariable(name, environment);
      if (value !== undefined) values[name] = value;
    } catch (error) {
      mistakes.push(messageOf(error));
    }
  }
  for (const name of Object.keys(environment)) {
    if (name.startsWith('FACEPASS_') && !(name.replace(/_FILE$/, '') in schema.shape) && !FOR_TESTS.test(name))
      mistakes.push(`${name}: unknown variable`);
  }
  const parsed = schema.safeParse(values);
  for (const issue of parsed.error?.issues ?? [])
    mistakes.push(`${issue.path.join('.') || 'configuration'}: ${issue.message}`);
  if (mistakes.length > 0 || !parsed.success)
    throw new ConfigurationError(`Invalid configuration:\n  ${mistakes.join('\n  ')}`);
  return parsed.data;
}

/** Variables of the tests and scripts, which a service started by them inherits. */
const FOR_TESTS = /^FACEPASS_TEST_/;

function readVariable(name: string, environment: NodeJS.ProcessEnv): string | undefined {
  const direct = environment[name] || undefined;
  const path = environment[`${name}_FILE`];
  if (!path) return direct;
  if (direct) throw new Error(`${name}: set it or ${name}_FILE, not both`);
  try {
    return readFileSync(path, 'utf8').trim() || undefined;
  } catch (error) {
    throw new Error(`${name}_FILE: ${messageOf(error)}`);
  }
}

/** `true`/`false`, `1`/`0`, `yes`/`no`, `on`/`off`. */
export const booleanVariable = z.stringbool();

/** A whole number in a range. */
export function integerVariable(minimum: number, maximum: number) {
  return z.coerce.number('must be a number').int('must be a whole number').min(minimum).max(maximum);
}

/** A number in a range. */
export function numberVariable(minimum: number, maximum: number) {
  return z.coerce.number('must be a number').min(minimum).max(maximum);
}

export const portVariable = integerVariable(0, 65_535);
export const logLevelVariable = z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']);
