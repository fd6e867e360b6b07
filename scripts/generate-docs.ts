import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type * as z from 'zod';
import { apiEnvironment } from '../services/api/config.ts';
import { PROBLEMS } from '../services/api/errors.ts';
import { openApiDocument } from '../services/api/openapi.ts';
import api from '../services/api/package.json' with { type: 'json' };
import { inferenceEnvironment } from '../services/inference/config.ts';
import { migratorEnvironment } from '../services/migrator/config.ts';

/**
 * Writes what the schemas of the services already say: .env.example, docs/configuration.md, docs/errors.md and
 * docs/openapi.json. With `--check` it changes nothing and fails when a file differs.
 */
const root = join(import.meta.dirname, '..');

const services = [
  { title: 'API', start: 'node services/api/main.ts', schema: apiEnvironment },
  { title: 'Inference server', start: 'node services/inference/main.ts', schema: inferenceEnvironment },
  { title: 'Migrator', start: 'node services/migrator/main.ts up', schema: migratorEnvironment },
];

function generateDocs(check: boolean): void {
  const generated = {
    '.env.example': exampleEnvironment(),
    'docs/configuration.md': configurationPage(),
    'docs/errors.md': errorsPage(),
    'docs/openapi.json': `${JSON.stringify(openApiDocument({ version: api.version, legacy: false }), null, 2)}\n`,
  };
  for (const [path, content] of Object.entries(generated)) {
    if (read(path) === content) continue;
    if (check) {
      console.error(`${path} differs from the schemas: run npm run gen:docs`);
      process.exitCode = 1;
    } else {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), content);
      console.log(`wrote ${path}`);
    }
  }
}

function exampleEnvironment(): string {
  const seen = new Set<string>();
  const sections = services.map(({ title, start, schema }) => {
    const variables = variablesOf(schema).filter(({ name }) => !seen.has(name));
    for (const { name } of variables) seen.add(name);
    const lines = variables.map(({ name, value, description }) => `# ${description}\n#${name}=${value}\n`);
    return [`# ---- ${title}: ${start}\n`, ...lines].join('\n');
  });
  return ['# Made from the schemas of the services by npm run gen:docs. Every NAME may come from a file instead: NAME_FILE=/path.\n', ...sections].join('\n');
}

function configurationPage(): string {
  const sections = services.map(({ title, start, schema }) => {
    const rows = variablesOf(schema).map(({ name, value, description }) => `| \`${name}\` | ${value ? `\`${value}\`` : ''} | ${description.replaceAll('|', '\\|')} |`);
    return `## ${title}\n\n\`${start}\`\n\n| Variable | Default | Meaning |\n|---|---|---|\n${rows.join('\n')}\n`;
  });
  return `${CONFIGURATION_INTRODUCTION}\n${sections.join('\n')}`;
}

const CONFIGURATION_INTRODUCTION = `# Configuration

Each process reads its environment once, at its start. What is wrong is listed in one message, by name and never by value, and ends the
process with exit code 78; an unknown \`FACEPASS_*\` variable counts as wrong. Every variable may come from a file instead: \`NAME_FILE=/path\`.
Empty values count as absent. Traces follow the standard \`OTEL_*\` variables. This page and \`.env.example\` are made from the services’ schemas by \`npm run gen:docs\`.
`;

function errorsPage(): string {
  const rows = Object.entries(PROBLEMS).map(([code, [status, title, advice]]) => `| <a id="${code}"></a>\`${code}\` | ${status} | ${title} | ${advice} |`);
  return `${ERRORS_INTRODUCTION}\n| Code | Status | Meaning | What to do |\n|---|---|---|---|\n${rows.join('\n')}\n`;
}

const ERRORS_INTRODUCTION = `# Problem codes

Every refusal is \`application/problem+json\` (RFC 9457): \`type\` (the page of the code, served at \`/docs/errors/<code>\`), \`title\`, \`status\`, \`detail\`,
\`instance\` (the request id, also in \`X-Request-Id\` and in the log) and \`code\`, which is stable and is what a client should compare.
\`invalid_parameter\` adds \`errors[{field, rule}]\`, \`no_face\` adds \`rejected[{box, reason}]\`; 429 and 503 carry \`Retry-After\`.
This page is made from the table in the API by \`npm run gen:docs\`.
`;

function variablesOf(schema: z.ZodObject): { name: string; value: string; description: string }[] {
  return Object.entries(schema.shape).map(([name, field]) => {
    const { description } = field as z.ZodType;
    if (!description) throw new Error(`${name} has no description`);
    return { name, value: defaultOf(field as z.ZodType), description };
  });
}

function defaultOf(field: z.ZodType): string {
  const { def } = field as { def: { type: string; defaultValue?: unknown } };
  return def.type === 'default' ? String(def.defaultValue).replace(`${root}/`, '') : '';
}

function read(path: string): string | null {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch {
    return null;
  }
}

generateDocs(process.argv.includes('--check'));
