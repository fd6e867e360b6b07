import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { IMAGES, packagesOf, packagesOfThePages } from '../generate/docs/packages.ts';

const root = join(import.meta.dirname, '../..');
const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8').replaceAll('\\\n', ' ');

/** Each asks for notices at most, but for libvips and libheif, which are files of their own (docs/licences.md). */
const ACCEPTED = [
  'MIT',
  'Apache-2.0',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'BlueOak-1.0.0',
  'OFL-1.1',
  'PSF-2.0',
  'Unlicense',
  'CC0-1.0',
  'Zlib',
  'MIT-0',
];
const ACCEPTED_FOR: Record<string, string> = {
  '@img/sharp-libvips-linux-x64': 'LGPL-3.0-or-later',
  'libheif-js': 'LGPL-3.0',
};

test('every package in the images and in the pages has a licence that we accept', () => {
  const packages = [...Object.values(IMAGES).flatMap(packagesOf), ...packagesOfThePages()];
  assert.ok(packages.length > 300);
  const refused = packages.filter(
    ({ name, licence }) =>
      ACCEPTED_FOR[name] !== licence &&
      !licence
        .replaceAll(/[()]/g, '')
        .split(/ AND /)
        .every((part) => part.split(' OR ').some((one) => ACCEPTED.includes(one))),
  );
  assert.deepEqual(
    refused.map(({ name, licence }) => `${name}: ${licence}`),
    [],
  );
});

test('the packages listed for an image are those that the Dockerfile installs, and it copies the notices', () => {
  const installed = [
    ...dockerfile.matchAll(/^FROM sources AS (\w+)-dependencies\nRUN .*?npm ci [^&\n]*--omit=dev ([^&\n]*)/gm),
  ];
  const workspaces = Object.fromEntries(
    installed.map(([, image = '', options = '']) => [
      image,
      [...options.matchAll(/-w (\S+)/g)].map(([, workspace]) => workspace),
    ]),
  );
  assert.deepEqual(workspaces, IMAGES);
  assert.match(
    dockerfile,
    /^FROM \S+ AS runtime\n(?:(?!FROM).*\n)*COPY LICENSE NOTICE THIRD-PARTY-NOTICES\.txt \.\/$/m,
  );
  for (const image of Object.keys(IMAGES)) assert.match(dockerfile, new RegExp(`^FROM runtime AS ${image}$`, 'm'));
});

test('the only weights in an image are those of the pack that the page names', () => {
  const models = /^FROM sources AS models\n([^]*?)^FROM/m.exec(dockerfile)?.[1] ?? '';
  assert.match(
    models,
    /node models\/prepare\.ts &&|node models\/prepare\.ts +&&/,
    'prepare.ts without --pack makes sface only',
  );
  assert.deepEqual([...dockerfile.matchAll(/^COPY --from=models (\S+)/gm)].map(([, path]) => path).sort(), [
    '/app/models',
    '/app/samples',
    '/manifests/models',
    '/manifests/models',
    '/manifests/models',
  ]);
});

test('the notices hold the licence text of each package that the pages bundle, and of the weights', () => {
  const notices = readFileSync(join(root, 'THIRD-PARTY-NOTICES.txt'), 'utf8');
  for (const { name, path } of [
    ...packagesOfThePages(),
    { name: '@vladmandic/face-api', path: 'node_modules/@vladmandic/face-api' },
  ]) {
    if (!existsSync(join(root, path))) continue;
    const file = readdirSync(join(root, path)).find((one) => /^licen[cs]e(\.|$)/i.test(one)) ?? '';
    const holder = /^.*copyright.*$/im.exec(readFileSync(join(root, path, file), 'utf8'))?.[0].trim() ?? '';
    assert.ok(holder.length > 10 && notices.includes(holder), `${name}: ${holder}`);
  }
});
