import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { modelPackManifest, type ModelPack } from '@facepass/contracts/model-pack';
import { IMAGES, packagesOf, packagesOfThePages, type Package } from './packages.ts';

const root = join(import.meta.dirname, '../../..');

/** docs/licences.md, and the notices that go with what is shipped without a licence file of its own. */
export function licencePages(): Record<string, string> {
  return { 'docs/licences.md': licencesPage(), 'THIRD-PARTY-NOTICES.txt': notices() };
}

function licencesPage(): string {
  const packs = globSync('models/*/manifest.json', { cwd: root })
    .sort()
    .map((path) => modelPackManifest.parse(JSON.parse(readFileSync(join(root, path), 'utf8'))));
  const images = Object.entries(IMAGES).map(
    ([image, workspaces]) => `| \`facepass-${image}\` | ${byLicence(packagesOf(workspaces))} |`,
  );
  const pages = packagesOfThePages().map(({ name, version, licence }) => `| \`${name}\` ${version} | ${licence} |`);
  return `${INTRODUCTION}
## Model weights

| Pack | File | Licence | From | In the images |
|---|---|---|---|---|
${packs.flatMap(rowsOf).join('\n')}

${WEIGHTS}
## In the pages

Bundled into the console and the guest page; their notices are in [THIRD-PARTY-NOTICES.txt](../THIRD-PARTY-NOTICES.txt).

| Package | Licence |
|---|---|
${pages.join('\n')}

## Packages in the images

By licence, as \`npm ci --omit=dev\` installs them for Linux on x64; each keeps its own licence file below \`/app/node_modules\`.

| Image | |
|---|---|
${images.join('\n')}

${PACKAGES}`;
}

const INTRODUCTION = `# Licences of what is shipped

Facepass itself is Apache-2.0 ([LICENSE](../LICENSE), [NOTICE](../NOTICE)). This page is made from the model manifests and the lock file by \`npm run gen:docs\`; a test compares it with what the Dockerfile copies, and
refuses a licence that is not on its list. It is no legal advice.
`;

const WEIGHTS = `Only \`sface\` is in the images; the other packs are fetched or brought by whoever uses them, and \`arcface\` loads only when its licence is accepted by name. Licences of weights say nothing about the photos they were trained on:
the cards ([sface](../models/sface/README.md), [mobilefacenet](../models/mobilefacenet/README.md), [arcface](../models/arcface/README.md)) tell what is known of them.

## Sample photos

\`sample1.jpg\` to \`sample6.jpg\` come from the npm package @vladmandic/face-api (MIT, photos by its author). The console shows them under "Try it with sample photos", and the API image carries two for its smoke test.
`;

const PACKAGES = `\`@img/sharp-libvips-*\` is libvips with its libraries, under LGPL-3.0-or-later: it is a shared library of its own, which you may replace by yours in \`/app/node_modules/@img\`. Its sources: https://github.com/lovell/sharp-libvips.
\`libheif-js\` is libheif with libde265 as WebAssembly, under LGPL-3.0: a file of its own that the inference server loads unchanged, which you may replace by yours in \`/app/node_modules/libheif-js/libheif-wasm\`. Its sources: https://github.com/catdad-experiments/libheif-js.
The base image, Node and Debian's packages, carries its licences in \`/usr/share/doc\` and Node's \`LICENSE\`.
`;

function rowsOf({ name, detector, landmarks, recogniser }: ModelPack): string[] {
  return [detector, landmarks, recogniser]
    .filter((file) => file !== undefined)
    .map(
      ({ file, licence, source }) =>
        `| \`${name}\` | \`${file}\` | ${licence} | ${source} | ${name === 'sface' ? 'yes' : 'no'} |`,
    );
}

function byLicence(packages: Package[]): string {
  const groups = new Map<string, string[]>();
  for (const { licence, name } of packages) groups.set(licence, [...(groups.get(licence) ?? []), name]);
  const named = [...groups]
    .sort(([, left], [, right]) => right.length - left.length)
    .map(
      ([licence, names]) =>
        `**${licence}**: ${names.length > 12 ? `${names.length} packages` : names.map((one) => `\`${one}\``).join(', ')}`,
    );
  return named.join('<br>');
}

/** What a bundle or a converted file lost on its way: the licence texts of its sources. */
function notices(): string {
  const weights = ['@vladmandic/face-api'].map((name) => ({
    name,
    version: JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')).version,
    path: join('node_modules', name),
    of: 'model weights (detector, landmarks) and sample photos',
  }));
  const pages = packagesOfThePages().map((one) => ({ ...one, of: 'console and guest page' }));
  const entries = [...weights, ...pages].map(
    ({ name, version, path, of }) =>
      `${'='.repeat(100)}\n${name} ${version}, in: ${of}\n${'='.repeat(100)}\n\n${licenceText(path)}\n`,
  );
  return `Facepass carries parts of the following works, whose own licence files are not beside them.\nMade from the installed packages by npm run gen:docs.\n\n${WEIGHTS_NOTICE}\n${entries.join('\n')}`;
}

const WEIGHTS_NOTICE = `The recogniser SFace of the model pack sface comes from the OpenCV Zoo (https://github.com/opencv/opencv_zoo), Apache License 2.0, whose text is
in the file LICENSE. It was converted; the bytes differ from the original. The detector YuNet, from the same place, is under the MIT License,
Copyright (c) 2020 Shiqi Yu; it was converted, too:

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the "Software"), to
deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense,
and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN
THE SOFTWARE.\n`;

function licenceText(path: string): string {
  const folder = existsSync(join(root, path)) ? join(root, path) : join(root, dirname(path), basename(path));
  const file = readdirSync(folder).find((name) => /^licen[cs]e(\.|$)/i.test(name));
  if (!file) throw new Error(`${path} has no licence file`);
  return readFileSync(join(folder, file), 'utf8').replaceAll('\r\n', '\n').trim();
}
