import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { DEFAULT_PACK, prepareConsole, preparePack, prepareSamples } from '../prepare.ts';
import { freePort } from '../services.ts';
import { facepass, root, startLocally } from './local-facepass.ts';
import { cannotTrace, readTraces, tracer, type Traces } from './trace.ts';

// Libraries stay silent where CI is set, and the build machine sets it: these processes run as a user's would.
const { CI, ORT_DISABLE_TELEMETRY, ...unsupervised } = process.env;
const scratch = mkdtempSync(join(tmpdir(), 'facepass-quiet-'));
const home = join(scratch, 'home');
// ./scripts/test has its processes write their coverage into the clone. Node hands the variable on to children whose
// environment lacks it, so it must be set, and empty.
const common: NodeJS.ProcessEnv = { ...unsupervised, HOME: home, XDG_CACHE_HOME: '', NODE_V8_COVERAGE: '' };
const environment: NodeJS.ProcessEnv = {
  ...common,
  FACEPASS_DATA: join(scratch, 'data'),
  XDG_STATE_HOME: join(scratch, 'state'),
};
mkdirSync(home);
before(() => {
  // What a first start derives it makes with npm, which writes where npm does.
  preparePack(DEFAULT_PACK, () => undefined);
  prepareSamples(() => undefined);
  prepareConsole(() => undefined);
});
after(() => rmSync(scratch, { recursive: true, force: true }));

/** With a bucket the start runs an indexer; nothing listens at its address. */
const BUCKET = {
  S3_BUCKET: 'photos',
  S3_ENDPOINT: 'http://127.0.0.1:9',
  S3_ACCESS_KEY_ID: 'key',
  S3_SECRET_ACCESS_KEY: 'secret',
};

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|\[::1\]|\[::ffff:127\.\d+\.\d+\.\d+\]):(\d+)$/;
/** Port of DNS: a name was looked up. */
const DNS = '53';

function assertQuiet({ addresses, sockets, written }: Traces, name: string): void {
  const called = [...addresses].filter((address) => LOOPBACK.exec(address)?.[2] === DNS || !LOOPBACK.test(address));
  assert.deepEqual(called, [], `${name} calls nobody but what it is configured for`);
  const foreignSockets = [...sockets].filter((path) => !path.startsWith(scratch) && !/nscd|^$|facepass-/.test(path));
  assert.deepEqual(foreignSockets, [], `${name} connects to its own sockets only`);
  const allowed = [`${tmpdir()}/`, '/dev/', '/proc/', join(root, 'node_modules/.cache/')];
  const strays = [...written].filter(
    (path) => path.startsWith(home) || !allowed.some((place) => path.startsWith(place)),
  );
  assert.deepEqual(strays, [], `${name} writes only into its data directory and ${tmpdir()}`);
  assert.deepEqual(readdirSync(home), [], `${name} leaves the home folder empty`);
}

test(
  'a start with database, migration, inference, API and indexer, and the command line beside it, call nobody and write nowhere else',
  { skip: cannotTrace },
  async () => {
    const traces = [join(scratch, 'start.trace')];
    const withIndexer = { ...environment, ...BUCKET };
    const local = await startLocally(join(scratch, 'data'), await freePort(0), withIndexer, tracer(traces[0]!));
    try {
      const samples = samplesOf(local.commands[0]!);
      const commands = [
        ['index', samples, '--session', 'quiet'],
        ['search', join(samples, 'sample1.jpg'), '--session', 'quiet'],
        ['status', '--session', 'quiet'],
        ['sessions'],
        ['jobs', 'list', '--session', 'quiet'],
        ['forget', join(samples, 'sample1.jpg'), '--session', 'quiet', '--preview'],
        ['doctor'],
        ['erase', '--session', 'quiet', '--yes'],
      ];
      for (const [position, command] of commands.entries()) {
        const trace = join(scratch, `command-${position}.trace`);
        const { code, stderr } = await facepass(command, environment, { tracer: tracer(trace) });
        if (command[0] !== 'doctor') assert.equal(code, 0, `facepass ${command.join(' ')}: ${stderr}`);
        traces.push(trace);
      }
    } finally {
      local.process.kill('SIGINT');
      await once(local.process, 'exit');
    }
    const seen = readTraces(traces);
    assert.ok(
      seen.addresses.size > 0 && seen.sockets.size > 0 && seen.written.size > 0,
      'the trace sees what is there',
    );
    assertQuiet(seen, 'Facepass');
  },
);

test('an operator calls nobody but its cluster and writes nothing', { skip: cannotTrace }, async () => {
  const asked = Promise.withResolvers<void>();
  const cluster = createServer((_request, response) => {
    response.writeHead(503).end();
    asked.resolve();
  }).listen(0, '127.0.0.1');
  await once(cluster, 'listening');
  const { port } = cluster.address() as AddressInfo;
  const trace = join(scratch, 'operator.trace');
  try {
    const kubeconfig = join(scratch, 'kubeconfig');
    writeFileSync(kubeconfig, kubeconfigFor(`http://127.0.0.1:${port}`));
    const [strace, ...args] = [...tracer(trace), process.execPath, join(root, 'services/operator/main.ts')];
    const operator = spawn(strace!, args, {
      env: { ...common, KUBECONFIG: kubeconfig, POD_NAMESPACE: 'quiet', HOST: '127.0.0.1', METRICS_PORT: '0' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [operator.stdout, operator.stderr]) stream.on('data', (text) => (output += text));
    const ended = once(operator, 'exit').then(() => assert.fail(`the operator ended by itself: ${output}`));
    await Promise.race([asked.promise, ended]);
    operator.kill('SIGTERM');
    await ended.catch(() => undefined);
  } finally {
    cluster.closeAllConnections();
    cluster.close();
  }
  const seen = readTraces([trace]);
  assert.ok(seen.addresses.has(`127.0.0.1:${port}`), 'the trace sees the calls to the cluster');
  assertQuiet(seen, 'the operator');
});

/** The folder in the command that the start recommends. */
function samplesOf(command: string): string {
  const folder = / index (\S+)/.exec(command)?.[1] ?? '';
  const path = existsSync(folder) ? folder : join(root, folder);
  assert.ok(existsSync(path), `the start names an existing folder: ${command}`);
  return path;
}

function kubeconfigFor(server: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'quiet', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'quiet', user: { token: 'quiet' } }],
    contexts: [{ name: 'quiet', context: { cluster: 'quiet', user: 'quiet' } }],
    'current-context': 'quiet',
  });
}
