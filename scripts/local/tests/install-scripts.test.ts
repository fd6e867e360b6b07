import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../../..');
const readJson = (path: string) => JSON.parse(readFileSync(join(root, path), 'utf8'));

/** `allowScripts` is nothing to npm 9 and 10: this is what each script does where they run it. */
const SCRIPTS: Record<string, string> = {
  '@bufbuild/buf': 'finds its executable in the optional dependency that the lock file pins',
  '@scarf/scarf': 'reports nothing: scarfSettings in package.json',
  'core-js': 'prints a banner at most',
  node: "wanted: installs Node's executable, an npm package, from the registry",
  'onnxruntime-node': 'ends at once: onnxruntime-node-install=skip in .npmrc',
  protobufjs: 'compares version numbers',
};

test('every package with an install script is one that is known to download nothing but packages, and npm is told whether to run it', () => {
  const { packages } = readJson('package-lock.json') as { packages: Record<string, { hasInstallScript?: boolean }> };
  const withScript = Object.entries(packages).filter(([, { hasInstallScript }]) => hasInstallScript);
  const names = new Set(withScript.map(([place]) => place.split('node_modules/').at(-1)));
  assert.deepEqual([...names].sort(), Object.keys(SCRIPTS).sort());
  const { allowScripts } = readJson('package.json');
  assert.deepEqual(allowScripts, Object.fromEntries(Object.keys(SCRIPTS).map((name) => [name, name === 'node'])));
});

test('onnxruntime-node is told to download nothing, by the one way that every npm hands on', () => {
  assert.equal(
    execFileSync('npm', ['config', 'get', 'onnxruntime-node-install'], { cwd: root, encoding: 'utf8' }).trim(),
    'skip',
  );
});

test('@scarf/scarf reports to nobody where npm runs its script', async () => {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    response.end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { SCARF_ANALYTICS, SCARF_NO_ANALYTICS, DO_NOT_TRACK, ...environment } = process.env;
    const script = spawn(process.execPath, [join(root, 'node_modules/@scarf/scarf/report.js')], {
      env: { ...environment, INIT_CWD: root, SCARF_LOCAL_PORT: String((server.address() as AddressInfo).port) },
      stdio: 'ignore',
    });
    const [code] = await once(script, 'exit');
    assert.deepEqual([code, requests], [0, []]);
  } finally {
    server.close();
  }
});
