import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../services.ts';
import { ENDS, forget, outdate, randomNumbers, start } from './small-clone.ts';

// Minutes of work, hundreds of megabytes: npm run test:install, by night.
const root = join(import.meta.dirname, '../../..');
const MEGABYTE = 1_000_000;
const LARGEST_INSTALL = 600 * MEGABYTE;
/** What npm downloads; a machine without Node 24 gets that as well. */
const LARGEST_DOWNLOAD = 200 * MEGABYTE;
const LARGEST_NODE = 55 * MEGABYTE;
const MOMENTS = Number(process.env['FACEPASS_TEST_INSTALL_MOMENTS'] ?? 10);

const scratch = mkdtempSync(join(tmpdir(), 'facepass-install-'));
const clone = join(scratch, 'clone');
/** As on a machine that has another Node: without the one of this clone. */
const environment: NodeJS.ProcessEnv = {
  ...process.env,
  PATH: (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => !folder.startsWith(join(root, 'node_modules')))
    .join(delimiter),
  NODE_V8_COVERAGE: '',
  npm_config_cache: join(scratch, 'npm'),
};

before(() => copyClone(clone));
after(() => rmSync(scratch, { recursive: true, force: true, maxRetries: 3 }));

test('a start from nothing stays within the disk and the download that the README names', async (t) => {
  await using registry = await countingRegistry();
  const startedMs = performance.now();
  await startAndStop({ npm_config_registry: registry.url, npm_config_replace_registry_host: 'always' });
  t.diagnostic(`ready and stopped after ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
  const onDisk = bytesOf(clone);
  const node = registry.bytesOf(/^\/node-(bin-)?\w+-\w+(\/|$)/);
  const packages = registry.bytesOf(/./) - node;
  t.diagnostic(
    `on disk ${megabytes(onDisk)} MB; downloaded ${megabytes(packages)} MB and Node's ${megabytes(node)} MB`,
  );
  assert.ok(onDisk <= LARGEST_INSTALL, `${megabytes(onDisk)} MB on disk`);
  assert.ok(packages <= LARGEST_DOWNLOAD, `${megabytes(packages)} MB downloaded`);
  assert.ok(node <= LARGEST_NODE, `${megabytes(node)} MB for Node`);
  for (const name of ['@tensorflow/tfjs', '@vladmandic/face-api', '@bufbuild/buf', 'typescript', 'oxfmt', 'oxlint'])
    assert.equal(existsSync(join(clone, 'node_modules', name)), false, name);
});

test('a start that was ended at any moment of its install is mended by the next', async (t) => {
  const seed = Number(process.env['FACEPASS_TEST_SEED'] ?? Date.now() % 100_000);
  t.diagnostic(`FACEPASS_TEST_SEED=${seed}`);
  const random = randomNumbers(seed);
  forget(clone);
  const startedMs = performance.now();
  await install();
  const lengthMs = performance.now() - startedMs;
  for (let moment = 0; moment < MOMENTS; moment++) {
    const [how, end] = Object.entries(ENDS)[moment % 3]!;
    const afterMs = Math.round(random() * lengthMs);
    const isFirst = moment % 2 === 0;
    await t.test(`${isFirst ? 'the first install' : 'a later install'}: ${how} after ${afterMs} ms`, async () => {
      if (isFirst) forget(clone);
      else outdate(clone);
      const { process: starter, ended } = start(clone, ['--help'], environment);
      await Promise.race([delay(afterMs), ended]);
      if (starter.exitCode === null) end(starter.pid);
      await startAndStop();
      await ended;
    });
  }
});

test('two first starts at once both work', async () => {
  forget(clone);
  await Promise.all([startAndStop(), startAndStop()]);
});

/** A copy of what git has and would take, with the models of this clone: they come from elsewhere than npm. */
function copyClone(folder: string): void {
  const listed = execFileSync('git', ['ls-files', '-z', '-co', '--exclude-standard'], { cwd: root, encoding: 'utf8' });
  for (const path of [
    ...listed.split('\0').filter(Boolean),
    'models/sface/detector.onnx',
    'models/sface/recogniser.onnx',
  ]) {
    if (!existsSync(join(root, path))) continue;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    cpSync(join(root, path), join(folder, path), { recursive: true, verbatimSymlinks: true });
  }
}

async function install(): Promise<void> {
  const { code, output } = await start(clone, ['--help'], environment).ended;
  assert.equal(code, 0, output);
}

/** Starts Facepass on empty data, waits until it is ready, stops it. */
async function startAndStop(variables: NodeJS.ProcessEnv = {}): Promise<void> {
  const data = mkdtempSync(join(scratch, 'data-'));
  const { process: starter, ended } = start(clone, ['--data', data, '--port', String(await freePort(0))], {
    ...environment,
    ...variables,
  });
  let output = '';
  const ready = new Promise<void>((resolve) =>
    starter.stdout?.on('data', (text) => (output += text).includes('Ctrl-C stops it.') && resolve()),
  );
  const failed = ended.then((end) => assert.fail(`./scripts/start ended: ${end.output}`));
  await Promise.race([ready, failed]);
  starter.kill('SIGINT');
  await failed.catch(() => undefined);
  assert.equal((await ended).code, 0, (await ended).output);
}

function bytesOf(folder: string): number {
  return Number(execFileSync('du', ['-sk', folder], { encoding: 'utf8' }).split('\t')[0]) * 1024;
}

function megabytes(bytes: number): string {
  return (bytes / MEGABYTE).toFixed(1);
}

/** A registry on this machine that asks the configured one, and counts the bytes of its answers. */
async function countingRegistry() {
  const upstream = execFileSync('npm', ['config', 'get', 'registry'], { cwd: root, encoding: 'utf8' }).trim();
  const answered = new Map<string, number>();
  const server = http.createServer(forward).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  /** As it comes, compressed or not. */
  function forward(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? '/';
    const { host: _, ...headers } = request.headers;
    const address = new URL(`.${path}`, upstream);
    const { request: send } = address.protocol === 'https:' ? https : http;
    send(address, { headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.on('data', (bytes: Buffer) => answered.set(path, (answered.get(path) ?? 0) + bytes.length));
      answer.pipe(response);
    })
      .on('error', () => response.destroy())
      .end();
  }

  return {
    url,
    bytesOf: (paths: RegExp) =>
      [...answered].filter(([path]) => paths.test(path)).reduce((sum, [, bytes]) => sum + bytes, 0),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
