import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

/**
 * compose.yaml on real containers, by the commands of docs/how-to/run-on-one-host.md and of
 * docs/how-to/back-up-and-restore.md. FACEPASS_TEST_COMPOSE is the command (`docker compose`, `podman compose`), TAG the
 * tag of images that are there, FACEPASS_TEST_COMPOSE_OVERRIDE further files, separated by commas
 * (compose.podman.yaml). It needs the port 8080.
 */
const compose = process.env['FACEPASS_TEST_COMPOSE'];
const skip = compose ? false : 'set FACEPASS_TEST_COMPOSE to the command of compose (npm run test:compose)';
const root = join(import.meta.dirname, '../..');
const pages = ['run-on-one-host', 'back-up-and-restore']
  .map((name) => readFileSync(join(root, `docs/how-to/${name}.md`), 'utf8'))
  .join('\n');
const folder = mkdtempSync(join(tmpdir(), 'facepass-compose-'));
const key = randomBytes(24).toString('hex');
const URL = 'http://127.0.0.1:8080';
const SERVICES = 'postgres redis migration inference api indexer';

/** Runs commands of the pages: `docker compose` is the compose of this machine, on a project of its own. */
async function run(commands: string): Promise<void> {
  const override = process.env['FACEPASS_TEST_COMPOSE_OVERRIDE'];
  const files = [`${root}/compose.yaml`, ...(override ? override.split(',') : [])]
    .map((file) => `-f ${file}`)
    .join(' ');
  const own = `${compose} -p facepass-test --env-file ${folder}/.env ${files}`;
  await promisify(execFile)('bash', ['-euc', commands.replaceAll('docker compose', own)], {
    cwd: folder,
    maxBuffer: 1 << 26,
  });
}

/** A block of a section of the pages. */
function commandsOf(title: string, number = 0): string {
  const section = pages.split(`## ${title}\n`)[1]?.split('\n## ')[0] ?? '';
  const block = [...section.matchAll(/```\n([^]*?)```/g)][number]?.[1];
  assert.ok(block, title);
  return block;
}

before(async () => {
  if (skip) return;
  writeFileSync(join(folder, '.env'), `API_KEYS=studio:${key}:index+delete\nPOSTGRES_PASSWORD=${key}\n`);
  await run(`docker compose up -d ${SERVICES}`);
  await healthy();
});

after(async () => {
  if (!skip) await run('docker compose down -v -t 5');
});

test('a photo is found again after a restart, and after an upgrade by the page’s command', { skip }, async () => {
  assert.equal(await index('p1'), 200);
  assert.deepEqual(await found(), ['p1']);
  await run('docker compose restart -t 20 api inference');
  await healthy();
  assert.deepEqual(await found(), ['p1']);
  await run(commandsOf('Upgrade').replace('up -d', `up -d ${SERVICES}`));
  await healthy();
  assert.deepEqual(await found(), ['p1']);
});

test('a backup by the page’s command brings back what was there, and nothing since', { skip }, async () => {
  assert.equal(await index('p1'), 200);
  await run(commandsOf('Compose'));
  assert.equal(await index('p2'), 200);
  assert.deepEqual(await found(), ['p1', 'p2']);
  await run(commandsOf('Compose', 1));
  await run(commandsOf('Compose', 2));
  await healthy();
  assert.deepEqual(await found(), ['p1']);
});

async function healthy(): Promise<void> {
  const answers = () => fetch(`${URL}/health`, { signal: AbortSignal.timeout(5000) }).then(({ ok }) => ok);
  for (const giveUp = Date.now() + 300_000; !(await answers().catch(() => false)); await delay(500))
    assert.ok(Date.now() < giveUp, 'the API is not healthy after five minutes');
}

const photo = () =>
  new Blob([readFileSync(join(root, 'node_modules/@vladmandic/face-api/demo/sample5.jpg'))], { type: 'image/jpeg' });

async function index(photoId: string): Promise<number> {
  const body = new FormData();
  for (const [name, value] of Object.entries({ session_id: 'gala', photo_id: photoId })) body.set(name, value);
  body.set('image', photo(), 'photo.jpg');
  const { status } = await fetch(`${URL}/api/v1/index`, { method: 'POST', headers: { 'X-API-Key': key }, body });
  return status;
}

/** The photos in which the selfie is found, in the order of their ids. */
async function found(): Promise<string[]> {
  const body = new FormData();
  body.set('session_id', 'gala');
  body.set('image', photo(), 'selfie.jpg');
  const answer = await fetch(`${URL}/api/v1/search`, { method: 'POST', body });
  assert.equal(answer.status, 200);
  const { matches } = (await answer.json()) as { matches: { photo_id: string }[] };
  return matches.map(({ photo_id: id }) => id).toSorted();
}
