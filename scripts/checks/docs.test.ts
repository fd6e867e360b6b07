import assert from 'node:assert/strict';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '../..');
const isForeign = (path: string) => /(^|\/)(node_modules|dist|coverage|\.[a-z]+)$/.test(path);
const pages = new Map(
  globSync('**/*.md', { cwd: root, exclude: isForeign }).map((path) => [path, readFileSync(join(root, path), 'utf8')]),
);

test('every link between the documents leads to a file, and every anchor to a heading', () => {
  const links = [...pages].flatMap(([page, text]) => linksOf(text).map((target) => ({ page, target })));
  assert.ok(links.length > 200);
  assert.deepEqual(
    links.flatMap(({ page, target }) => breakOf(page, target)),
    [],
  );
});

test('detects a broken link', () => {
  assert.match(breakOf('README.md', 'docs/nothing.md').join(), /there is no docs\/nothing\.md/);
  assert.match(breakOf('README.md', 'docs/README.md#nothing').join(), /no heading #nothing/);
  assert.deepEqual(breakOf('docs/README.md', '../charts/facepass/README.md#values'), []);
  assert.deepEqual(
    linksOf('[a](b.md) ![c](d.png "title") `[no](link)` [e](https://example.com)\n```\n[no](link)\n```'),
    ['b.md', 'd.png'],
  );
});

test('no document waits for a figure: none has a placeholder left', () => {
  assert.deepEqual(
    [...pages].flatMap(([page, text]) => [...text.matchAll(/^.*@@.*$/gm)].map(([line]) => `${page}: ${line}`)),
    [],
  );
});

test('every npm script and project file named in a document exists', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const missing = [...pages].flatMap(([page, text]) => [
    ...[...text.matchAll(/npm run (?:--silent |-s )?([a-z][a-z:-]*[a-z])/g)].flatMap(([, name = '']) =>
      name in scripts ? [] : [`${page}: npm run ${name}`],
    ),
    ...[
      ...text.matchAll(
        /(?<![\w/.-])((?:scripts|services|models|charts|migrations|alerts|dashboards|docs)\/[\w/.-]+\.(?:ts|tsx|mjs|sh|py|sql|json|yaml|md))\b/g,
      ),
    ].flatMap(([, path = '']) =>
      [root, join(root, dirname(page)), join(root, 'docs')].some((folder) => existsSync(join(folder, path)))
        ? []
        : [`${page}: ${path}`],
    ),
  ]);
  assert.deepEqual(missing, []);
});

test('every facepass command in the documents, with its options, is one that the command line has', async () => {
  const named = [...pages].flatMap(([page, text]) => commandsOf(text).map((words) => ({ page, words })));
  assert.ok(named.length > 20);
  const help = new Map<string, string>();
  for (const { page, words } of named) {
    const command = words
      .slice(0, ['keys', 'release', 'erasures'].includes(words[0]!) ? 2 : 1)
      .filter((word) => /^[a-z]+$/.test(word));
    const name = command.join(' ');
    if (!help.has(name)) help.set(name, await helpOf(command));
    const options = words.flatMap((word) => /^(--[a-z-]+)/.exec(word)?.slice(1) ?? []);
    for (const option of options)
      assert.ok(`${help.get(name)} ${await helpOf([])}`.includes(option), `${page}: facepass ${name} has no ${option}`);
  }
});

test('the files and functions that the architecture names are in the code', () => {
  const files = globSync('{services,scripts}/**/*.ts', {
    cwd: root,
    exclude: (path) => /(^|\/)node_modules$/.test(path),
  });
  const code = files.map((path) => readFileSync(join(root, path), 'utf8')).join('\n');
  const text = (pages.get('docs/architecture.md') ?? '').replaceAll(/^```[^]*?^```/gm, '');
  const names = [...text.matchAll(/`([^`\n]+)`/g)].map(([, name = '']) => name);
  const missingFiles = names.filter(
    (name) => /^[\w/-]+\.ts$/.test(name) && !files.some((path) => path.endsWith(`/${name}`)),
  );
  assert.deepEqual(
    missingFiles.filter((name) => !files.includes(name)),
    [],
  );
  const functions = names.filter((name) => /^[a-z]+[A-Z]\w*$/.test(name));
  assert.ok(functions.length > 8);
  assert.deepEqual(
    functions.filter((name) => !code.includes(`function ${name}`)),
    [],
  );
});

test('the index of the documents has each page once, under one of the four kinds', () => {
  const index = pages.get('docs/README.md') ?? '';
  const kinds = index
    .split(/^## /m)
    .slice(1)
    .map((section) => section.split('\n')[0]);
  assert.deepEqual(
    kinds.map((kind) => kind?.split(': ')[1]),
    ['tutorial', 'how-to', 'reference', 'explanation'],
  );
  const listed = linksOf(index).map((target) => normalize(join('docs', target.split('#')[0]!)));
  const ofOneIndex = /^docs\/(errors|decisions|runbooks)\//;
  const expected = [...pages.keys()].filter(
    (page) => page.startsWith('docs/') && !ofOneIndex.test(page) && page !== 'docs/README.md',
  );
  assert.deepEqual(
    expected.filter((page) => !listed.includes(page)),
    [],
    'pages that the index lacks',
  );
  const own = listed.filter(
    (page) => page.startsWith('docs/') && page.endsWith('.md') && page !== 'docs/observability.md',
  );
  assert.deepEqual(
    own.filter((page, place) => own.indexOf(page) !== place),
    [],
    'pages under two kinds',
  );
});

test(
  'every command block of the README is run by a test',
  { skip: spawnSync('helm', ['version']).error && 'needs helm' },
  () => {
    const blocks = [...(pages.get('README.md') ?? '').matchAll(/^```sh\n([^`]*)^```/gm)].map(([, block = '']) =>
      block.trim(),
    );
    const byOthers = [
      /^\.\/scripts\/start$/,
      /^npx facepass index .*\nnpx facepass search .*$/,
      /^key=.*\nurl=.*\nphoto=[^]*curl -X DELETE [^\n]*$/,
    ];
    const left = blocks.filter((block) => !byOthers.some((known) => known.test(block)));
    assert.equal(left.length, 1, `scripts/local/tests/first-run.test.ts runs the others: ${left}`);
    const rendered = execFileSync(
      'sh',
      ['-c', left[0]!.replace('helm install', 'helm template --kube-version 1.31').replace('--wait --timeout 5m', '')],
      { cwd: root, encoding: 'utf8', maxBuffer: 1e8 },
    );
    for (const kind of ['Deployment', 'Job', 'Service', 'StatefulSet'])
      assert.match(rendered, new RegExp(`^kind: ${kind}$`, 'm'));
  },
);

/** Targets inside the repository; what stands in code is no link. */
function linksOf(text: string): string[] {
  const prose = text.replaceAll(/^```[^]*?^```/gm, '').replaceAll(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)(?: "[^"]*")?\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target));
}

function breakOf(page: string, target: string): string[] {
  const [path = '', anchor] = target.split('#');
  const file = path ? normalize(join(dirname(page), decodeURIComponent(path))) : page;
  if (!existsSync(join(root, file))) return [`${page}: there is no ${relative('', file)}`];
  if (anchor === undefined || !file.endsWith('.md')) return [];
  return anchorsOf(pages.get(file) ?? '').includes(anchor) ? [] : [`${page}: ${file} has no heading #${anchor}`];
}

/** As GitHub makes them of headings, and those set by hand. */
function anchorsOf(text: string): string[] {
  const headings = [...text.replaceAll(/^```[^]*?^```/gm, '').matchAll(/^#{1,6} +(.+?) *$/gm)].map(([, heading = '']) =>
    slugOf(heading),
  );
  return [...headings, ...[...text.matchAll(/<a id="([^"]+)">/g)].map(([, id = '']) => id)];
}

function slugOf(heading: string): string {
  const text = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
  return text.replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(' ', '-');
}

/** The words behind `facepass` where it stands in code with a command. */
function commandsOf(text: string): string[][] {
  const code = [...text.matchAll(/^```(?:sh)?\n([^]*?)^```|`([^`\n]+)`/gm)].flatMap(([, block, inline]) =>
    (block ?? inline ?? '').split('\n'),
  );
  return code
    .flatMap((line) => [...line.matchAll(/(?:^|npx |\$ )facepass ((?:--url \S+ )?[a-z]+\b.*)$/g)])
    .map(([, rest = '']) => rest.replace(/^--url \S+ /, '').split(/\s+/))
    .filter(([word]) => word !== 'COMMAND');
}

async function helpOf(command: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    join(root, 'services/cli/main.ts'),
    ...command,
    '--help',
  ]).catch((error) => {
    throw new Error(`facepass ${command.join(' ')} is no command: ${error.stderr}`);
  });
  return stdout;
}
