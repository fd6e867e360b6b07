import { once } from 'node:events';
import { createConnection } from 'node:net';
import { join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { renderUnicodeCompact } from 'uqr';
import { openDataDirectory, type DataDirectory } from './data-directory.ts';
import { choosePack, prepareConsole, preparePack, prepareSamples } from './prepare.ts';
import { runProgram, Service, type Program } from './processes.ts';
import { networkAddresses } from './network.ts';
import { freePort, localPrograms, type LocalPrograms } from './services.ts';
import { readVariables } from './variables.ts';

/**
 * Runs Facepass on this machine until `signal`: prepares models and pages, starts the services, says how to use them,
 * and stops them.
 * @throws Error if a service does not start or cannot be kept running, after stopping everything
 */
export async function startFacepass(options: {
  data: string;
  port: number;
  /** Let other devices of the network in. */
  onNetwork: boolean;
  signal: AbortSignal;
  say: (line: string) => void;
}): Promise<void> {
  const { port: wishedPort, onNetwork, signal, say } = options;
  const given = readVariables(process.env);
  using data = await openDataDirectory(options.data);
  refuseVectorsOfRemovedPack(data);
  const [first, ...alsoServed] = process.env['MODEL_PACKS']?.split(',') ?? [];
  const make = (pack: string) => (process.env['MODEL_WEIGHTS_DIRECTORY'] ? undefined : preparePack(pack, say));
  const asked = first || process.env['MODEL_PACK'];
  const modelPack = choosePack({ asked, kept: data.development.model_pack }, make, say);
  for (const pack of alsoServed) make(pack);
  prepareSamples(say);
  prepareConsole(say);
  const port = await freePort(wishedPort, onNetwork ? '0.0.0.0' : undefined);
  if (port !== wishedPort) say(`Port ${wishedPort} is in use; using ${port}.`);
  const programs = await localPrograms(data, given, { port, modelPack, onNetwork });
  const failure = Promise.withResolvers<never>();
  const services: Service[] = [];
  const keep = (program: Program) => {
    const service = new Service(program, say);
    services.unshift(service);
    void service.failed.then(failure.reject);
  };
  const stopped = once(signal, 'abort');
  try {
    await Promise.race([failure.promise, stopped, bringUp(programs, keep, signal, say)]);
    if (!signal.aborted) {
      data.announce(programs.url, modelPack);
      console.log(welcome(programs, data, onNetwork ? networkAddresses() : null));
      await Promise.race([failure.promise, stopped]);
    }
  } finally {
    say('Stopping ...');
    for (const service of services) await service.stop(STOP_PATIENCE_MS);
    say(
      given.database
        ? `Stopped. The faces are in your PostgreSQL, keys and logs in ${shortPath(data.path)}.`
        : `Stopped. The data are in ${shortPath(data.path)}.`,
    );
  }
}

/** Earlier versions did not store the pack and always used `dlib`, which is gone. @throws Error for such data */
function refuseVectorsOfRemovedPack({ path, development: { url, model_pack } }: DataDirectory): void {
  if (url === undefined || model_pack !== undefined) return;
  throw new Error(
    `${path} was indexed with the model pack dlib, which Facepass no longer includes. Its faces are not comparable with ` +
      `those of another pack. Start with another directory (--data DIR) and index the photos again, or delete ${path}.`,
  );
}

const STOP_PATIENCE_MS = 15_000;
const START_PATIENCE_MS = 120_000;

/** Starts the services. The models load while the database opens; the API starts after the migration. */
async function bringUp(
  programs: LocalPrograms,
  keep: (program: Program) => void,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<void> {
  keep(programs.inference);
  if (programs.database) {
    say('Opening the database ...');
    keep(programs.database);
    await until('the database', signal, () => canConnect(programs.databaseSocket));
  }
  if (signal.aborted) return;
  say(programs.database ? 'Migrating its schema ...' : 'Migrating the schema of your PostgreSQL ...');
  await runProgram(programs.migration, signal);
  if (signal.aborted) return;
  keep(programs.api);
  if (programs.indexer) keep(programs.indexer);
  say('Loading the models ...');
  await until('inference', signal, () => isReady(programs.inferenceReadiness));
  await until('the API', signal, () => isReady(`${programs.url}/readyz`));
}

async function until(what: string, signal: AbortSignal, holds: () => Promise<boolean>): Promise<void> {
  const giveUpAt = Date.now() + START_PATIENCE_MS;
  while (!signal.aborted && !(await holds())) {
    if (Date.now() > giveUpAt)
      throw new Error(`${what} was not ready after ${START_PATIENCE_MS / 1000} s; see its log.`);
    await delay(50);
  }
}

async function canConnect(path: string): Promise<boolean> {
  const socket = createConnection(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

const SAMPLES = 'samples';

function welcome({ url, api, database }: LocalPrograms, data: DataDirectory, addresses: string[] | null): string {
  const facepass =
    data.path === join(root, '.facepass') ? 'npx facepass' : `FACEPASS_DATA=${quoted(data.path)} npx facepass`;
  return `
Facepass is ready.

  Console     ${url}/#key=${data.development.api_key}
  API key     ${data.development.api_key}   (development only; stored in ${shortPath(data.path)})
  API docs    ${url}/docs
  Database    ${database ? 'embedded, for trials' : 'your PostgreSQL'}
  Limits      ${limitsText(api.environment)}
${addresses ? networkText(addresses, url, data.development.api_key) : ''}
In a second terminal, in ${process.cwd() === root ? 'this directory' : root}:

  ${facepass} index ${SAMPLES} --session demo
  ${facepass} search ${SAMPLES}/sample3.jpg --session demo

Press Ctrl-C to stop.`;
}

/** What this start takes beyond the defaults of an installation. */
function limitsText({ MAX_IMAGE_BYTES: bytes, MAX_IMAGE_WIDTH: width, MAX_IMAGE_HEIGHT: height }: NodeJS.ProcessEnv) {
  const own = `${Number(bytes) / 1e6} MB and ${counted(width)} × ${counted(height)} pixels per photo`;
  return `${own}; the defaults of an installation are 10 MB and 4,096 × 4,096`;
}

function counted(number: string | undefined): string {
  return Number(number).toLocaleString('en');
}

/** The addresses for phones, the warning that belongs to them, and the QR code of the guests’ page. */
function networkText([address, ...others]: string[], url: string, key: string): string {
  if (!address) return '\nThis machine has no address on a network: no other device can reach it.\n';
  const base = `http://${address}:${new URL(url).port}`;
  const more = others.length > 0 ? `\n  Other addresses of this machine: ${others.join(', ')}.` : '';
  return `
WARNING: every device on this network can reach Facepass, unencrypted. Without the key it can search every session
whose name it knows; with the key it can index and erase. Use --host only on a network that you trust.

  For guests  ${base}/s/demo
  Console     ${base}/#key=${key}${more}

Scan this code with a phone on the same network, once the session demo has photos:

${renderUnicodeCompact(`${base}/s/demo`, { border: 2 }).replaceAll(/^/gm, '  ')}
`;
}

const root = join(import.meta.dirname, '../..');

function quoted(path: string): string {
  return /^[\w/.-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

function shortPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short || '.';
}
