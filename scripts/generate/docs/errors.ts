import { PROBLEMS, type ProblemCode } from '@facepass/indexing/errors';
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

Every problem is an \`application/problem+json\` document (RFC 9457). \`type\` is the page of the code (\`/docs/errors/<code>\` of
the running service, here \`docs/errors/<code>.md\`). \`instance\` is the request id, also in \`X-Request-Id\` and in the log.
\`code\` is stable: compare it, not \`title\` or \`detail\`. \`status\` is the HTTP status.
\`invalid_parameter\` adds \`errors[{field, rule}]\`, and \`no_face\` adds \`rejected[{box, reason}]\`. 429 and 503 carry
\`Retry-After\`. \`npm run gen:docs\` generates these pages from the table in the API.
`;

function row(code: ProblemCode): string {
  const { status, title } = PROBLEMS[code];
  return `| <a id="${code}"></a>[\`${code}\`](errors/${code}.md) | ${status} | ${title} |`;
}

function page(code: ProblemCode, calls: string[]): string {
  const { status, title, fix, cause } = PROBLEMS[code];
  const retried = status === 429 || status === 503;
  return `# ${code}

**${status}: ${title}.** [All codes](../errors.md)

## Cause
${cause}

## Fix
${fix}${retried ? RETRIED : ''}

## Where
${calls.length > 0 ? `These calls can answer with it: ${calls.map((call) => `\`${call}\``).join(', ')}.` : 'Any path can answer with it.'}
Prometheus counts it: \`facepass_problems_total{code="${code}"}\`.
`;
}

const RETRIED = `

The answer carries \`Retry-After\`. \`facepass index\` and the console wait that long by themselves, and so does the TypeScript
client with its \`patientFetch\`.`;

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
