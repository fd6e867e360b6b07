import type { Response } from 'express';
import type * as z from 'zod';
import { ApiProblem } from './errors.ts';

/**
 * `value` as `schema` has it.
 * @throws ApiProblem invalid_parameter naming every field and the rule it breaks
 */
export function validated<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.flatMap(fieldErrors);
  throw new ApiProblem(
    'invalid_parameter',
    errors
      .map(({ field, rule }) => `${field}: ${rule}`)
      .join('; ')
      .slice(0, 1000),
    { errors },
  );
}

function fieldErrors(issue: z.core.$ZodIssue) {
  const path = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys
      .slice(0, 8)
      .map((key) => ({ field: [path, key.slice(0, 100)].filter(Boolean).join('.'), rule: 'is not known' }));
  }
  return [{ field: path || 'body', rule: issue.message }];
}

/** Aborted when the client leaves before its answer is complete. */
export function clientSignal(response: Response): AbortSignal {
  const controller = new AbortController();
  response.once('close', () => response.writableFinished || controller.abort());
  return controller.signal;
}
