import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { breachesOf, importsOf, type SourceFile } from './checks/import-rule.ts';

const root = join(import.meta.dirname, '..');

test('every import follows the rule', () => {
  const files = globSync(['services/**/*.{ts,tsx}', 'models/**/*.ts'], {
    cwd: root,
    exclude: (path) => /(^|\/)(node_modules|dist)$/.test(path),
  }).map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
  assert.ok(files.length > 20);
  assert.deepEqual(breachesOf(files, dependenciesOfFolders()), []);
});

test('detects each kind of breach', () => {
  const dependencies = new Map([
    ['services/api', ['pg', 'jose', 'zod']],
    ['services/indexing', ['pg']],
    ['services/contracts', []],
    ['services/inference', ['sharp']],
  ]);
  const breachOf = (...files: [path: string, text: string][]) =>
    breachesOf(
      files.map(([path, text]): SourceFile => ({ path, text })),
      dependencies,
    );
  const cases: [RegExp, ...[string, string][]][] = [
    [/reaches into services\/inference/, ['services/api/app.ts', "import { a } from '../inference/faces.ts';"]],
    [/services\/contracts may not/, ['services/contracts/http.ts', "export * from '@facepass/runtime/logger';"]],
    [/services\/api may not/, ['services/api/app.ts', "const cli = await import('@facepass/cli/main');"]],
    [/does not list/, ['services/api/image.ts', "import sharp from 'sharp';"]],
    [/imports upwards/, ['services/api/db/faces.ts', "import { search } from '../routes/search.ts';"]],
    [/imports upwards/, ['services/api/routes/search.ts', "import { app } from '../app.ts';"]],
    [/pg, whose place is/, ['services/api/keys.ts', "import pg from 'pg';"]],
    [/sharp, whose place is/, ['services/inference/seeing/faces.ts', "import sharp from 'sharp';"]],
    [
      /imports from serving; seeing may not/,
      ['services/inference/seeing/faces.ts', "import { Pool } from '../serving/pool.ts';"],
    ],
    [
      /imports from observe; decide may not/,
      ['services/operator/decide/decide.ts', "import type { Pod } from '../observe/pair.ts';"],
    ],
    [
      /imports reconcile.ts, which no room may/,
      ['services/operator/decide/decide.ts', "import { a } from '../reconcile.ts';"],
    ],
    [/the room attic has no place/, ['services/operator/attic/a.ts', "import { a } from '../decide/decide.ts';"]],
    [
      /jose has 2 importers/,
      ['services/api/a.ts', "import 'jose';"],
      ['services/api/b.ts', "import * as jose from 'jose';"],
    ],
    [
      /a circle of imports: services\/api\/a.ts → services\/api\/b.ts → services\/api\/a.ts/,
      ['services/api/a.ts', "import './b.ts';"],
      ['services/api/b.ts', "import {\n  a,\n} from './a.ts';"],
    ],
    [
      /a circle of imports/,
      ['services/api/a.ts', "import './b.ts';"],
      ['services/api/b.ts', "import type { A } from './a.ts';"],
    ],
    [/has no place/, ['services/shared/a.ts', "import 'node:fs';"]],
  ];
  for (const [expected, ...files] of cases) assert.match(breachOf(...files).join('\n'), expected);
  assert.deepEqual(
    breachOf(
      ['services/indexing/db/faces.ts', "import pg from 'pg';"],
      ['services/indexing/db/pool.ts', "import pg from 'pg';"],
    ),
    [],
  );
  assert.deepEqual(breachOf(['services/api/app.test.ts', "import { a } from '../inference/faces.ts';"]), []);
});

test('imports are found in all their forms', () => {
  const text =
    "import a, { type B } from 'a';\nimport 'b';\nimport type { C } from 'c';\nexport {\n  d,\n} from 'd';\nexport * from 'e';\nconst f = await import('f');\n// import from 'g'\nconst text = `x from 'h'`;";
  const found = importsOf({ path: 'x.ts', text }).map(({ specifier, typeOnly }) =>
    typeOnly ? `type ${specifier}` : specifier,
  );
  assert.deepEqual(found, ['a', 'b', 'type c', 'd', 'e', 'f']);
});

function dependenciesOfFolders(): Map<string, string[]> {
  const manifests = globSync(['services/*/package.json', 'models/package.json'], { cwd: root });
  return new Map(
    manifests.map((path) => {
      const manifest = JSON.parse(readFileSync(join(root, path), 'utf8'));
      const rootManifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
      // The converter of models/ and the console's build run in the repository only, never in an image.
      const fromRoot = ['models', 'services/console'].includes(dirname(path))
        ? Object.keys(rootManifest.devDependencies)
        : [];
      return [
        dirname(path),
        [...Object.keys(manifest.dependencies ?? {}), ...Object.keys(manifest.devDependencies ?? {}), ...fromRoot],
      ];
    }),
  );
}
