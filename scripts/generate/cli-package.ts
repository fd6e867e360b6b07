import { execFileSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { rolldown } from 'rolldown';

const ROOT = join(import.meta.dirname, '../..');
/** As deep as services/cli/doctor, from where the doctor looks for models/. */
const BUNDLE = 'lib/cli/bundle';

/**
 * Packs the command line as an npm package that needs nothing of the clone: all code in it is bundled, with the licence
 * of each package that went in.
 * @param destination folder that the tarball is written to
 * @returns the tarball's path
 */
export async function packCommandLine(destination: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'facepass-pack-'));
  try {
    const packages = await bundle(join(folder, BUNDLE));
    const { version, license } = JSON.parse(readFileSync(join(ROOT, 'services/cli/package.json'), 'utf8'));
    const manifest = {
      name: 'facepass',
      version,
      description: 'Index a folder of photos and find every photo of a person by a selfie.',
      license,
      type: 'module',
      bin: { facepass: 'facepass.js' },
      engines: { node: '>=24' },
    };
    for (const place of ['', BUNDLE])
      writeFileSync(join(folder, place, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    writeFileSync(join(folder, 'facepass.js'), LAUNCHER, { mode: 0o755 });
    writeFileSync(join(folder, 'README.md'), README);
    writeFileSync(join(folder, 'THIRD-PARTY-NOTICES.txt'), noticesOf(packages));
    for (const name of ['LICENSE', 'NOTICE']) cpSync(join(ROOT, name), join(folder, name));
    for (const name of globSync('models/*/manifest.json', { cwd: ROOT })) cpSync(join(ROOT, name), join(folder, name));
    mkdirSync(destination, { recursive: true });
    const packed = execFileSync('npm', ['pack', '--silent', '--pack-destination', resolve(destination)], {
      cwd: folder,
      encoding: 'utf8',
    });
    return join(resolve(destination), packed.trim().split('\n').at(-1)!);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Bundles the command line and returns the folders of the packages that went in. */
async function bundle(directory: string): Promise<string[]> {
  await using build = await rolldown({
    input: join(ROOT, 'services/cli/main.ts'),
    platform: 'node',
    logLevel: 'silent',
  });
  const { output } = await build.write({ dir: directory, format: 'esm' });
  const modules = output.flatMap((part) => (part.type === 'chunk' ? part.moduleIds : []));
  const packages = modules.map((path) => /^.*\/node_modules\/(@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0]);
  return [...new Set(packages.filter((path) => path !== undefined))].sort();
}

function noticesOf(packages: string[]): string {
  const notices = packages.map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const files = readdirSync(folder).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file));
    const texts = files.map((file) => readFileSync(join(folder, file), 'utf8').trim());
    return [`${name} ${version} (${license})`, ...texts].join('\n\n');
  });
  return `${notices.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

const LAUNCHER = `#!/usr/bin/env node
if (Number(process.versions.node.split('.')[0]) < 24) {
  console.error(\`facepass needs Node 24; this is \${process.version}.\`);
  process.exit(1);
}
await import('./${BUNDLE}/main.js');
`;

const README = `# facepass

The command line of Facepass, a self-hosted face search for event photos. It needs Node 24 and nothing else.

    export FACEPASS_URL=https://faces.example.com FACEPASS_API_KEY=…
    facepass index photos/ --session wedding
    facepass search selfie.jpg --session wedding

\`facepass --help\` lists the commands.
`;

if (import.meta.main) console.log(await packCommandLine(process.argv[2] ?? '.'));
