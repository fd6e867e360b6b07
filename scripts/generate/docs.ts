import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type * as z from 'zod';
import { apiEnvironment } from '../../services/api/config.ts';
import { openApiDocument } from '../../services/api/openapi.ts';
import api from '../../services/api/package.json' with { type: 'json' };
import { indexerEnvironment } from '../../services/indexer/config.ts';
import { inferenceEnvironment } from '../../services/inference/config.ts';
import { migratorEnvironment } from '../../services/migrator/config.ts';
import { operatorEnvironment } from '../../services/operator/config.ts';
import { errorPages } from './docs/errors.ts';
import { licencePages } from './docs/licences.ts';
import { metricsPage } from './docs/metrics.ts';

/**
 * Writes what the schemas of the services already say: .env.example, docs/configuration.md, docs/errors.md and a page
 * for each code, docs/metrics.md, docs/licences.md with the notices, and docs/openapi.json. With `--check` it changes
 * nothing and fails when a file differs.
 */
const root = join(import.meta.dirname, '../..');

const services = [
  { title: 'API', start: 'node services/api/main.ts', schema: apiEnvironment },
  { title: 'Indexer', start: 'node services/indexer/main.ts', schema: indexerEnvironment },
  { title: 'Inference server', start: 'node services/inference/main.ts', schema: inferenceEnvironment },
  { title: 'Migrator', start: 'node services/migrator/main.ts up', schema: migratorEnvironment },
  { title: 'Operator', start: 'node services/operator/main.ts', schema: operatorEnvironment },
];

async function generateDocs(check: boolean): Promise<void> {
  const generated: Record<string, string> = {
    '.env.example': exampleEnvironment(),
    'docs/configuration.md': configurationPage(),
    ...errorPages(),
    ...licencePages(),
    'docs/metrics.md': await metricsPage(),
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
  removeForsaken(new Set(Object.keys(generated)), check);
}

/** Pages of codes that are no more. */
function removeForsaken(generated: Set<string>, check: boolean): void {
  for (const path of globSync('docs/errors/*.md', { cwd: root }).filter((one) => !generated.has(one))) {
    if (!check) {
      rmSync(join(root, path));
      continue;
    }
    console.error(`${path} is the page of no code: run npm run gen:docs`);
    process.exitCode = 1;
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
  return [
    '# Made from the schemas of the services by npm run gen:docs. Every NAME may come from a file instead: NAME_FILE=/path.\n',
    ...sections,
  ].join('\n');
}

function configurationPage(): string {
  const sections = services.map(({ title, start, schema }) => {
    const rows = variablesOf(schema).map(
      ({ name, value, description }) =>
        `| \`${name}\` | ${value ? `\`${value}\`` : ''} | ${description.replaceAll('|', '\\|')} |`,
    );
    return `## ${title}\n\n\`${start}\`\n\n| Variable | Default | Meaning |\n|---|---|---|\n${rows.join('\n')}\n`;
  });
  return `${CONFIGURATION_INTRODUCTION}\n${sections.join('\n')}`;
}

const CONFIGURATION_INTRODUCTION = `# Configuration

Each process reads its environment once, at its start. What is wrong is listed in one message, by name and never by value, and ends the
process with exit code 78; an unknown \`FACEPASS_*\` variable counts as wrong. Every variable may come from a file instead: \`NAME_FILE=/path\`.
Empty values count as absent. Traces follow the standard \`OTEL_*\` variables. This page and \`.env.example\` are made from the services’ schemas by \`npm run gen:docs\`.
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

await generateDocs(process.argv.includes('--check'));
