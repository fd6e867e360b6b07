import { ApiProblem } from '@facepass/indexing/errors';
import type * as z from 'zod';

/**
 * Parses `value` with `schema`.
 * @throws ApiProblem invalid_parameter that names every field and the rule it breaks
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

/**
 * Merges the parameters of path, query and `form`.
 * @throws ApiProblem invalid_parameter if one is given twice
 */
export function parametersOf(
  { query, params }: { query: object; params: object },
  form: object = {},
): Record<string, unknown> {
  const given = [query, params, form].flatMap(Object.keys);
  const twice = given.find((name, at) => given.indexOf(name) !== at);
  if (twice !== undefined) throw fieldProblem(twice, 'must be given once');
  return { ...query, ...params, ...form };
}

/** Makes an `invalid_parameter` problem that names the field and the rule. */
export function fieldProblem(name: string, rule: string): ApiProblem {
  const field = name.slice(0, 100);
  return new ApiProblem('invalid_parameter', `${field}: ${rule}`, { errors: [{ field, rule }] });
}

function fieldErrors(issue: z.core.$ZodIssue) {
  const path = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys
      .slice(0, 8)
      .map((key) => ({ field: [path, key.slice(0, 100)].filter(Boolean).join('.'), rule: 'is unknown' }));
  }
  return [{ field: path || 'body', rule: issue.message }];
}
