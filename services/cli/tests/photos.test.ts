import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { portrait } from '../../api/tests/people.ts';
import { KEY, startTestService, type TestService } from '../../api/tests/service.ts';
import { facepass, root } from '../../../scripts/local/tests/local-facepass.ts';
import { OTHER_USER } from './servers.ts';

describe('facepass index, search, status and watch, with files as people have them', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'facepass-'));
  const party = join(scratch, 'party');
  let service: TestService;
  let environment: NodeJS.ProcessEnv;
  before(async () => {
    chmodSync(scratch, 0o755);
    mkdirSync(party);
    for (const person of [0, 1]) writeFileSync(join(party, `${person}.jpg`), await portrait(person));
    service = await startTestService();
    environment = {
      ...process.env,
      FACEPASS_URL: service.url,
      FACEPASS_API_KEY: KEY,
      XDG_STATE_HOME: join(scratch, 'state'),
    };
  });
  after(async () => {
    await service?.[Symbol.asyncDispose]();
    rmSync(scratch, { recursive: true, force: true });
  });
  const run = (...args: string[]) => facepass(args, environment);

  test('a photo that cannot be read fails by its name, and the others are indexed', async () => {
    const folder = join(scratch, 'mixed');
    mkdirSync(folder);
    copyFileSync(join(party, '0.jpg'), join(folder, 'a.jpg'));
    copyFileSync(join(party, '1.jpg'), join(folder, 'z.jpg'));
    writeFileSync(join(folder, 'locked.jpg'), 'a');
    symlinkSync('nowhere', join(folder, 'link.jpg'));
    writeFileSync(join(folder, 'film.mov'), 'film');
    chmodSync(join(folder, 'locked.jpg'), 0o000);
    mkdirSync(join(scratch, 'nobody'));
    if (OTHER_USER) chownSync(join(scratch, 'nobody'), OTHER_USER, OTHER_USER);
    const child = spawn(process.execPath, [join(root, 'services/cli/main.ts'), 'index', folder, '-s', 'mixed', '-v'], {
      uid: OTHER_USER,
      // ./scripts/test has processes write their coverage where another user may not.
      env: { ...environment, XDG_STATE_HOME: join(scratch, 'nobody'), NODE_V8_COVERAGE: '' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output = { stdout: '', stderr: '' };
    child.stdout.on('data', (text) => (output.stdout += text));
    child.stderr.on('data', (text) => (output.stderr += text));
    const [code] = await once(child, 'close');
    assert.equal(code, 1, output.stderr);
    assert.doesNotMatch(output.stderr, /\n\s+at |NotReadableError|EACCES/);
    assert.match(output.stderr, /Skipped 1 file that is not JPEG, .* \(1 \.mov\)\..*\n {2}film\.mov\n/);
    const outcomes = new Map(
      linesOf(output.stdout).map(({ photo_id, reason, outcome }) => [photo_id, reason ?? outcome]),
    );
    assert.equal(outcomes.get('link.jpg'), 'the link leads to no file');
    assert.equal(outcomes.get('locked.jpg'), 'the file cannot be read: permission denied');
    assert.deepEqual([outcomes.get('a.jpg'), outcomes.get('z.jpg')], ['indexed', 'indexed']);
  });

  test('an empty folder, a folder without photos and a misspelt name are errors that say so', async () => {
    const empty = join(scratch, 'empty');
    mkdirSync(empty);
    const nothing = await run('index', empty, '-s', 'empty');
    assert.deepEqual([nothing.code, nothing.stderr], [2, `${empty} has no JPEG, PNG, WebP, HEIC or AVIF files.\n`]);
    writeFileSync(join(empty, 'a.heics'), 'a');
    assert.match((await run('index', empty, '-s', 'empty')).stderr, /files, only others \(1 \.heics\)\.\n$/);
    const misspelt = await run('index', join(scratch, 'parti'), '-s', 'empty');
    assert.deepEqual([misspelt.code, misspelt.stderr], [2, `${join(scratch, 'parti')} does not exist.\n`]);
  });

  test('a wrong key is told before the first upload', async () => {
    const wrong = { ...environment, FACEPASS_API_KEY: 'a-key-that-nobody-gave-out' };
    for (const command of ['index', 'watch']) {
      const { code, stdout, stderr } = await facepass([command, party, '-s', 'wrong'], wrong);
      assert.deepEqual([code, stdout], [4, '']);
      assert.match(stderr, /^Invalid API key\./);
    }
  });

  test('a selfie that is a folder or missing is named', async () => {
    const folder = await run('search', party, '-s', 'mixed');
    assert.equal(folder.code, 2);
    assert.match(folder.stderr, /party is a folder; name one photo per selfie\.\n$/);
    assert.match((await run('search', join(scratch, 'no.jpg'), '-s', 'mixed')).stderr, /no\.jpg does not exist;/);
  });

  test('faces count from 1', async () => {
    const found = await run('search', join(party, '0.jpg'), '-s', 'mixed', '--face', '1', '--json');
    assert.equal(JSON.parse(found.stdout).query.face_index, 0);
    assert.equal((await run('search', join(party, '0.jpg'), '-s', 'mixed', '--face', '0')).code, 2);
    const beyond = await run('search', join(party, '0.jpg'), '-s', 'mixed', '--face', '7');
    assert.deepEqual([beyond.code, /no face 7\./.test(beyond.stderr)], [6, true], beyond.stderr);
  });

  test('status of an unknown session exits with 5', async () => {
    const unknown = await run('status', '-s', 'nobody');
    assert.equal(unknown.code, 5);
    assert.match(unknown.stderr, /^Session nobody has no indexed photos\./);
    const asJson = await run('status', '-s', 'nobody', '--json');
    assert.deepEqual([asJson.code, JSON.parse(asJson.stdout).indexed], [5, false]);
  });

  test('watch indexes what is there, what is written slowly and what is renamed into place, and resumes', async () => {
    const folder = join(scratch, 'tethered');
    mkdirSync(folder);
    copyFileSync(join(party, '0.jpg'), join(folder, 'first.jpg'));
    const bytes = await portrait(2);
    const countOf = async () => (await service.call('GET', '/api/v1/search/status/tethered')).body.photo_count;
    {
      await using watching = watch(folder);
      await watching.until(/"first\.jpg","outcome":"indexed"/);
      const slow = join(folder, 'slow.jpg');
      writeFileSync(slow, bytes.subarray(0, 1000));
      await delay(300);
      appendFileSync(slow, bytes.subarray(1000));
      await watching.until(/"slow\.jpg","outcome":"indexed"/);
      mkdirSync(join(folder, 'card'));
      copyFileSync(join(party, '1.jpg'), join(folder, 'card/.part'));
      renameSync(join(folder, 'card/.part'), join(folder, 'card/b.jpg'));
      writeFileSync(join(folder, 'broken.jpg'), 'no photo');
      await watching.until(/"card\/b\.jpg","outcome":"indexed"/);
      await watching.until(/"broken\.jpg","outcome":"failed"/);
      assert.equal(await watching.end(), 0);
    }
    assert.equal(await countOf(), 3);
    copyFileSync(join(party, '1.jpg'), join(folder, 'last.jpg'));
    await using resumed = watch(folder);
    await resumed.until(/"last\.jpg","outcome":"indexed"/);
    assert.doesNotMatch(resumed.output(), /first\.jpg|slow\.jpg/, 'what was acknowledged is not sent again');
    assert.equal(await countOf(), 4);
  });

  function watch(folder: string) {
    const args = ['watch', folder, '-s', 'tethered', '--settled-seconds', '1'];
    const child = spawn(process.execPath, [join(root, 'services/cli/main.ts'), ...args], {
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
    return {
      output: () => output,
      async until(pattern: RegExp) {
        while (!pattern.test(output)) {
          assert.equal(child.exitCode, null, output);
          await delay(20);
        }
      },
      async end() {
        child.kill('SIGINT');
        const [code] = await once(child, 'exit');
        return code;
      },
      async [Symbol.asyncDispose]() {
        if (child.exitCode === null && child.signalCode === null) {
          child.kill('SIGKILL');
          await once(child, 'exit');
        }
      },
    };
  }
});

function linesOf(text: string) {
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}
