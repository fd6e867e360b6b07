import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { breakingChanges, type OpenApiDocument } from './breaking-changes.ts';

const ROOT = join(import.meta.dirname, '../..');
const current = (): OpenApiDocument => JSON.parse(readFileSync(join(ROOT, 'docs/openapi.json'), 'utf8'));
const lastRelease = releases()[0];

const promises: [name: string, read: () => OpenApiDocument][] = [
  // A clone without tags, as a build machine makes it, still has the baseline.
  ['the baseline', () => JSON.parse(readFileSync(join(ROOT, 'services/client/baseline.openapi.json'), 'utf8'))],
  ...(lastRelease
    ? [
        [lastRelease, () => JSON.parse(git('show', `${lastRelease}:docs/openapi.json`))] satisfies [
          string,
          () => OpenApiDocument,
        ],
      ]
    : []),
];
for (const [name, read] of promises) {
  test(`no client written for ${name} is broken without a new major version`, () => {
    const major = (document: OpenApiDocument) => document.info.version.split('.')[0];
    if (major(read()) === major(current())) assert.deepEqual(breakingChanges(read(), current()), []);
  });
}

test('an unchanged document breaks nothing', () => {
  assert.deepEqual(breakingChanges(current(), current()), []);
});

test('reports removed things that clients rely on', () => {
  const search = (document: any) => document.paths['/api/v1/search'].post;
  const schemas = (document: any) => document.components.schemas;
  const cases: [RegExp, (document: any) => void][] = [
    [/GET \/health is gone/, (document) => delete document.paths['/health'].get],
    [/matches is gone/, (document) => delete schemas(document).SearchAnswer.properties.matches],
    [
      /matches\[\]: similarity may be absent now/,
      (document) => schemas(document).Match.required.splice(schemas(document).Match.required.indexOf('similarity'), 1),
    ],
    [
      /photo_count may be string now/,
      (document) => (schemas(document).SessionStatus.properties.photo_count.type = 'string'),
    ],
    [
      /no longer takes multipart\/form-data/,
      (document) => delete search(document).requestBody.content['multipart/form-data'],
    ],
    [
      /threshold became required/,
      (document) => search(document).requestBody.content['multipart/form-data'].schema.required.push('threshold'),
    ],
    [/no longer answers 200/, (document) => delete search(document).responses['200']],
    [
      /search_access may be sometimes now/,
      (document) => schemas(document).Settings.properties.search_access.enum.push('sometimes'),
    ],
  ];
  for (const [expected, change] of cases) {
    const changed = structuredClone(current());
    change(changed);
    assert.match(breakingChanges(current(), changed).join('\n'), expected);
  }
});

test('additions break nothing', () => {
  const grown: any = structuredClone(current());
  grown.paths['/api/v2/search'] = grown.paths['/api/v1/search'];
  grown.components.schemas.SearchAnswer.properties.hint = { type: 'string' };
  grown.components.schemas.SearchAnswer.required.push('hint');
  grown.paths['/api/v1/search'].post.requestBody.content['multipart/form-data'].schema.properties.hint = {
    type: 'string',
  };
  assert.deepEqual(breakingChanges(current(), grown), []);
});

/** Tags of releases, the newest first; none outside a clone. */
function releases(): string[] {
  try {
    return git('tag', '--list', 'v*', '--sort=-version:refname').split('\n').filter(Boolean);
  } catch {
    return [];
  }
}

function git(...args: string[]): string {
  return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}
