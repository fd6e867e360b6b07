import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import sharp from 'sharp';
import { freePort } from '../services.ts';
import { childrenOf, facepass, isAlive, root, shell, startLocally, type LocalFacepass } from './local-facepass.ts';

// One story in the order a new user lives it; each test goes on from the one before.
const PARTY = 24;
const scratch = mkdtempSync(join(tmpdir(), 'facepass-'));
const data = join(scratch, 'data');
const samples = join(root, 'samples');
const withoutFace = join(root, 'node_modules/@vladmandic/face-api/demo/facemesh.png');
const selfie = join(scratch, 'selfie.jpg');
const party = join(scratch, 'party');
const environment: NodeJS.ProcessEnv = { ...process.env, FACEPASS_DATA: data, XDG_STATE_HOME: join(scratch, 'state') };
const skip = existsSync('/proc/self/stat') ? false : 'finds the processes in /proc, which only Linux has';

let local: LocalFacepass;

before(async () => {
  if (skip) return;
  await makeParty(PARTY);
  local = await startLocally(data, await freePort(0), environment);
});
afterEach((t) => {
  if (local && local.process.exitCode !== null && 'diagnostic' in t) t.diagnostic(local.output());
});
after(() => {
  if (local && local.process.exitCode === null) local.process.kill('SIGKILL');
  rmSync(scratch, { recursive: true, force: true });
});

test('the start prints an address, a key, and two commands that work as printed', { skip }, async (t) => {
  t.diagnostic(`the first start on empty data took ${local.secondsToReady.toFixed(1)} s`);
  assert.match(local.url, /^http:\/\/127\.0\.0\.1:\d+$/);
  assert.equal(local.commands.length, 2);
  const [index, search] = local.commands;
  const indexed = await shell(index ?? '', environment);
  assert.equal(indexed.code, 0, indexed.stderr);
  assert.equal(lines(indexed.stdout).filter(({ outcome }) => outcome === 'indexed').length, 6);
  const found = await shell(search ?? '', environment);
  assert.equal(found.code, 0, found.stderr);
  assert.match(found.stdout, /^ {2}1\.00 {2}sure {4}sample3\.jpg\n {2}0\.\d\d {2}sure {4}sample1\.jpg$/m);
});

test('the commands of the README are those, and its HTTP calls work as written', { skip }, async () => {
  const blocks = blocksOf('README.md');
  const commands = blocks
    .find((block) => block.startsWith('npx facepass index'))
    ?.trim()
    .split('\n');
  assert.deepEqual(
    commands,
    local.commands.map((command) => command.replace(/^FACEPASS_DATA=\S+ /, '')),
  );
  const calls = blocks.find((block) => block.includes('curl')) ?? '';
  const here = calls
    .replaceAll('http://127.0.0.1:8080', local.url)
    .replaceAll('./.facepass', data)
    .replaceAll('demo ', 'readme ')
    .replaceAll('index/demo', 'index/readme')
    .replaceAll('curl', 'curl -sS --fail-with-body -w "\\n"');
  const ended = await shell(`set -e\n${here}`, environment);
  assert.equal(ended.code, 0, ended.stdout + ended.stderr);
  const [indexed, found, erased] = lines(ended.stdout);
  assert.equal(indexed.photo_id, 'sample4.jpg');
  assert.equal(found.matches[0].photo_id, 'sample4.jpg');
  assert.equal(erased.embeddings_removed, indexed.faces_detected);
});

test('the commands of the tutorial work as written', { skip }, async () => {
  const [start, ...blocks] = blocksOf('docs/tutorial.md');
  assert.equal(start, './scripts/start\n');
  assert.ok(blocks.length >= 5);
  const here = blocks.join('').replaceAll('http://127.0.0.1:8080', local.url).replaceAll('./.facepass', data);
  const ended = await shell(`set -e\n${here}`, environment);
  assert.equal(ended.code, 0, ended.stdout + ended.stderr);
  assert.match(ended.stdout, /"photo_id":"sample2.jpg","outcome":"indexed"/);
  assert.match(ended.stdout, /^Session party: 6 photos with \d+ faces/m);
  assert.match(ended.stdout, /^ {2}1\.00 {2}sure {4}sample3\.jpg$/m);
  assert.match(ended.stdout, /^sample3\.jpg$/m, 'the copied photo');
  assert.match(ended.stdout, /"token":"[\w-]+\.[\w-]+\.[\w-]+"/);
  assert.match(ended.stdout, /Erased session "party": \d+ faces\./);
});

test('a face cut out of a photo finds that photo, and the matches can be copied', { skip }, async () => {
  const whole = await facepass(['search', join(samples, 'sample3.jpg'), '-s', 'demo', '--json'], environment);
  await cutFace(join(samples, 'sample3.jpg'), JSON.parse(whole.stdout).query.box);
  const found = await facepass(
    ['search', selfie, '-s', 'demo', '--json', '--from', samples, '--copy-to', join(scratch, 'mine')],
    environment,
  );
  assert.equal(found.code, 0, found.stderr);
  const { matches, query } = JSON.parse(found.stdout);
  assert.equal(query.faces_detected, 1);
  assert.equal(matches[0].photo_id, 'sample3.jpg');
  assert.deepEqual(
    readdirSync(join(scratch, 'mine')).sort(),
    matches.map(({ photo_id }: { photo_id: string }) => photo_id).sort(),
  );
  assert.deepEqual(readFileSync(join(scratch, 'mine/sample3.jpg')), readFileSync(join(samples, 'sample3.jpg')));
});

test('all servers listen on this machine only, and only the owner can read the data', { skip }, () => {
  const sockets = new Set([...childrenOf(local.process.pid).values()].flatMap(socketsOf));
  const own = listeningSockets().filter(({ inode }) => sockets.has(inode));
  assert.equal(own.length, 3, 'the API, its metrics, and those of inference');
  for (const { address } of own) assert.match(address, /^0100007F:/);
  assert.equal(statSync(data).mode & 0o077, 0);
  assert.equal(statSync(join(data, 'development.json')).mode & 0o077, 0);
});

test('a second start on the same data fails and gives the address of the first', { skip }, async () => {
  await assert.rejects(
    startLocally(data, await freePort(0), environment),
    new RegExp(`Facepass is already running on .*: ${local.url} \\(process ${local.process.pid}\\)`),
  );
});

test('doctor finds no fault, and names one that is there', { skip }, async () => {
  assert.equal((await facepass(['doctor'], environment)).code, 0);
  const wrongKey = await facepass(['doctor', '--api-key', 'a-key-that-nobody-gave-out'], environment);
  assert.equal(wrongKey.code, 1);
  assert.match(wrongKey.stdout, /Invalid API key\. \(api_key_invalid\)\n.*API_KEYS/);
  const wrongAddress = await facepass(['doctor', '--url', `http://127.0.0.1:${await freePort(0)}`], environment);
  assert.match(wrongAddress.stdout, /ECONNREFUSED.*\n.*correct --url/);
});

test('problems have their exit codes', { skip }, async () => {
  const away = `http://127.0.0.1:${await freePort(0)}`;
  assert.equal((await facepass(['search', selfie, '-s', 'nobody'], environment)).code, 5);
  assert.equal((await facepass(['search', withoutFace, '-s', 'demo'], environment)).code, 6);
  assert.equal((await facepass(['search', selfie, '-s', 'demo', '--url', away], environment)).code, 3);
  assert.equal(
    (await facepass(['erase', '-s', 'demo', '--yes', '--api-key', 'a-key-that-nobody-gave-out'], environment)).code,
    4,
  );
  assert.equal((await facepass(['erase', '-s', 'demo'], environment)).code, 2);
  assert.equal((await facepass(['search', selfie, '-s', 'demo', '--threshold', '2'], environment)).code, 2);
});

test('after a kill of inference a search gets 503, then succeeds again', { skip }, async () => {
  process.kill(childrenOf(local.process.pid).get('services/inference/main.ts') ?? 0, 'SIGKILL');
  const refused = await search();
  assert.equal(refused.status, 503);
  assert.equal(refused.body.code, 'inference_unavailable');
  assert.ok(refused.retryAfter);
  while ((await search()).status !== 200) await delay(100);
  assert.match(local.output(), /inference was killed by SIGKILL; restarting it\./);
});

test('an index run that is killed repeatedly loses and duplicates nothing', { skip }, async () => {
  for (const killAfterLines of [2, 3, 5]) {
    const killed = await facepass(['index', party, '-s', 'killed'], environment, { killAfterLines });
    assert.equal(killed.code, null);
  }
  const last = await facepass(['index', party, '-s', 'killed'], environment);
  assert.equal(last.code, 0, last.stderr);
  const { totals } = lines(last.stdout).at(-1) ?? {};
  assert.ok(totals.unchanged >= 2 + 3 + 5 - 3, `${totals.unchanged} were not sent again`);
  const whole = await facepass(['index', party, '-s', 'once'], environment);
  assert.equal(whole.code, 0, whole.stderr);
  const [killedStatus, onceStatus] = await Promise.all([statusOf('killed'), statusOf('once')]);
  assert.equal(onceStatus.photo_count, PARTY);
  assert.deepEqual(
    [killedStatus.photo_count, killedStatus.face_count],
    [onceStatus.photo_count, onceStatus.face_count],
  );
});

test(
  'when the starter is killed during indexing, its services end and the next start has all acknowledged photos',
  { skip },
  async () => {
    const services = [...childrenOf(local.process.pid).values()];
    assert.equal(services.length, 3);
    const indexing = facepass(['index', party, '-s', 'crash', '--parallel', '2'], environment);
    while ((await statusOf('crash')).photo_count < 5) await delay(20);
    local.process.kill('SIGKILL');
    while (services.some(isAlive)) await delay(20);
    local = await startLocally(data, Number(new URL(local.url).port), environment);
    const ended = await indexing;
    assert.deepEqual(
      lines(ended.stdout).filter(({ outcome }) => outcome === 'failed'),
      [],
    );
    assert.equal(ended.code, 0, ended.stderr);
    assert.deepEqual((await statusOf('crash')).face_count, (await statusOf('once')).face_count);
  },
);

test('an erased session is empty, and indexing the folder again fills it', { skip }, async () => {
  const erased = await facepass(['erase', '-s', 'once', '--yes', '--json'], environment);
  assert.equal(JSON.parse(erased.stdout).deleted, true);
  assert.equal((await statusOf('once')).indexed, false);
  assert.equal((await facepass(['erase', '-s', 'killed', '--photo', '0.jpg', '--yes'], environment)).code, 0);
  assert.equal((await facepass(['index', party, '-s', 'killed'], environment)).code, 0);
  assert.equal((await statusOf('killed')).photo_count, PARTY - 1, 'what was erased by itself stays erased');
  assert.equal((await facepass(['index', party, '-s', 'once'], environment)).code, 0);
  assert.equal((await statusOf('once')).photo_count, PARTY);
});

test('Ctrl-C stops everything and leaves nothing behind', { skip }, async () => {
  const processes = [...childrenOf(local.process.pid).values()];
  local.process.kill('SIGINT');
  assert.equal(await endOf(local), 0, local.output());
  assert.deepEqual(processes.map(isAlive), [false, false, false]);
  assert.equal(existsSync(join(data, 'run')), false);
  const socket = createConnection(Number(new URL(local.url).port), '127.0.0.1');
  await assert.rejects(once(socket, 'connect'), /ECONNREFUSED/);
  assert.deepEqual(
    readdirSync(data).filter((name) => name.endsWith('-journal')),
    [],
  );
});

test('the next start keeps the key and the photos, and closing the terminal stops it too', { skip }, async (t) => {
  const key = local.apiKey;
  local = await startLocally(data, await freePort(0), environment);
  t.diagnostic(`the next start took ${local.secondsToReady.toFixed(1)} s`);
  assert.equal(local.apiKey, key);
  const found = await facepass(['search', selfie, '-s', 'demo', '--json'], environment);
  assert.equal(JSON.parse(found.stdout).matches[0].photo_id, 'sample3.jpg');
  const processes = [...childrenOf(local.process.pid).values()];
  local.process.stdout?.destroy();
  local.process.stderr?.destroy();
  local.process.kill('SIGHUP');
  assert.equal(await endOf(local), 0);
  assert.deepEqual(processes.map(isAlive), [false, false, false]);
});

/** The command blocks of a document. */
function blocksOf(path: string): string[] {
  return [...readFileSync(join(root, path), 'utf8').matchAll(/^```sh\n([^`]*)^```/gm)].map(([, block = '']) => block);
}

/** Photos of one to four faces, all different, small enough for quick analysis. */
async function makeParty(count: number): Promise<void> {
  mkdirSync(party);
  for (let i = 0; i < count; i++) {
    const photo = sharp(join(samples, `sample${1 + (i % 6)}.jpg`)).resize(600 + 8 * i);
    await photo.jpeg().toFile(join(party, `${i}.jpg`));
  }
}

async function cutFace(photo: string, box: { x: number; y: number; width: number; height: number }): Promise<void> {
  const { width, height } = await sharp(photo).metadata();
  const left = Math.max(0, Math.round(box.x - box.width * 0.4));
  const top = Math.max(0, Math.round(box.y - box.height * 0.4));
  await sharp(photo)
    .extract({
      left,
      top,
      width: Math.min(width - left, Math.round(box.width * 1.8)),
      height: Math.min(height - top, Math.round(box.height * 1.8)),
    })
    .jpeg()
    .toFile(selfie);
}

async function endOf({ process: starter }: LocalFacepass): Promise<number | null> {
  if (starter.exitCode === null) await once(starter, 'exit');
  return starter.exitCode;
}

async function search() {
  const form = new FormData();
  form.append('session_id', 'demo');
  form.append('image', new Blob([readFileSync(selfie)]));
  const response = await fetch(`${local.url}/api/v1/search`, { method: 'POST', body: form });
  return {
    status: response.status,
    retryAfter: response.headers.get('Retry-After'),
    body: (await response.json()) as { code?: string },
  };
}

async function statusOf(session: string) {
  const status = await facepass(['status', '-s', session, '--json'], environment);
  const answer = JSON.parse(status.stdout);
  assert.equal(status.code, answer.indexed ? 0 : 5, status.stderr);
  return answer;
}

function lines(text: string) {
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** Listening TCP sockets; addresses in hexadecimal, least significant byte first. */
function listeningSockets(): { address: string; inode: string }[] {
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((path) => {
    const rows = readFileSync(path, 'utf8').trim().split('\n').slice(1);
    return rows
      .map((row) => row.trim().split(/\s+/))
      .filter((fields) => fields[3] === '0A')
      .map((fields) => ({ address: fields[1] ?? '', inode: fields[9] ?? '' }));
  });
}

function socketsOf(processId: number): string[] {
  const directory = `/proc/${processId}/fd`;
  return readdirSync(directory).flatMap(
    (name) => /^socket:\[(\d+)\]$/.exec(readlinkSync(`${directory}/${name}`))?.[1] ?? [],
  );
}
