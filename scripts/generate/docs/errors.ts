import { PROBLEMS, type ProblemCode } from '../../../services/api/errors.ts';
import { openApiDocument } from '../../../services/api/openapi.ts';

/** The list of the codes, and a page for each, by their paths. */
export function errorPages(): Record<string, string> {
  const codes = Object.keys(PROBLEMS) as ProblemCode[];
  const calls = callsByCode();
  const pages = codes.map((code): [string, string] => [`docs/errors/${code}.md`, page(code, calls.get(code) ?? [])]);
  return {
    'docs/errors.md': `${INTRODUCTION}\n| Code | Status | Meaning |\n|---|---|---|\n${codes.map(row).join('\n')}\n`,
    ...Object.fromEntries(pages),
  };
}

const INTRODUCTION = `# Problem codes

Every refusal is \`application/problem+json\` (RFC 9457): \`type\` (the page of the code, \`/docs/errors/<code>\` of the running service, here \`docs/errors/<code>.md\`), \`title\`, \`status\`, \`detail\`,
\`instance\` (the request id, also in \`X-Request-Id\` and in the log) and \`code\`, which is stable and is what a client should compare.
\`invalid_parameter\` adds \`errors[{field, rule}]\`, \`no_face\` adds \`rejected[{box, reason}]\`; 429 and 503 carry \`Retry-After\`.
These pages are made from the table in the API by \`npm run gen:docs\`.
`;

function row(code: ProblemCode): string {
  const [status, title] = PROBLEMS[code];
  return `| <a id="${code}"></a>[\`${code}\`](errors/${code}.md) | ${status} | ${title} |`;
}

function page(code: ProblemCode, calls: string[]): string {
  const [status, title, advice, cause] = PROBLEMS[code];
  return `# ${code}

**${status}: ${title}.** [All codes](../errors.md)

## Cause
${cause}

## Fix
${advice}${status === 429 || status === 503 ? '\n\nThe answer carries `Retry-After`. `facepass index` and the console wait as long by themselves, the TypeScript client with its `patientFetch`.' : ''}

## Where
${calls.length > 0 ? `Answered by ${calls.map((call) => `\`${call}\``).join(', ')}.` : 'Answered on any path.'}
Prometheus counts it: \`facepass_problems_total{code="${code}"}\`.
`;
}

/** The responses of the OpenAPI document name their codes in their descriptions. */
function callsByCode(): Map<string, string[]> {
  const calls = new Map<string, string[]>();
  const { paths = {} } = openApiDocument({ version: '0', legacy: false });
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(
      operations as Record<string, { responses?: Record<string, { description?: string }> }>,
    )) {
      for (const { description = '' } of Object.values(operation.responses ?? {})) {
        for (const [, code = ''] of description.matchAll(/`(\w+)`:/g))
          calls.set(code, [...(calls.get(code) ?? []), `${method.toUpperCase()} ${path}`]);
      }
    }
  }
  return calls;
}
