import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import openapiTypescript, { astToString, type OpenAPI3 } from 'openapi-typescript';
import ts from 'typescript';

const DOCUMENT = join(import.meta.dirname, '../../docs/openapi.json');
const GENERATED = join(import.meta.dirname, 'gen/openapi.ts');

/** The types of every call of `docs/openapi.json`, as TypeScript; binary fields are `Blob`. */
async function generateTypes(): Promise<string> {
  const document = JSON.parse(await readFile(DOCUMENT, 'utf8')) as OpenAPI3;
  const blob = ts.factory.createTypeReferenceNode('Blob');
  const types = await openapiTypescript(document, {
    transform: (schema) => (schema.format === 'binary' ? blob : undefined),
  });
  return `// Made from docs/openapi.json by npm run gen:client.\n${astToString(types)}`;
}

if (import.meta.main) {
  const types = await generateTypes();
  if (!process.argv.includes('--check')) await writeFile(GENERATED, types);
  else if ((await readFile(GENERATED, 'utf8')) !== types) {
    console.error('services/client/gen/openapi.ts is not what docs/openapi.json says: run npm run gen:client');
    process.exitCode = 1;
  }
}
