import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { packCommandLine } from '../../../scripts/generate/cli-package.ts';
import { KEY, startTestService, type TestService } from '../../api/tests/service.ts';

const run = promisify(execFile);

describe('the packed command line, installed from its tarball outside the clone', () => {
  const folder = mkdtempSync(join(tmpdir(), 'facepass-packed-'));
  const installed = join(folder, 'node_modules/facepass');
  let service: TestService;
  before(async () => {
    const tarball = await packCommandLine(join(folder, 'tarball'));
    assert.match(tarball, /facepass-\d+\.\d+\.\d+\.tgz$/);
    await run('npm', ['install', '--offline', '--no-audit', '--no-fund', '--prefix', folder, tarball]);
    service = await startTestService({ inference: null });
  });
  after(async () => {
    await service?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  /** By this Node, as a shell with Node 24 on its path runs it. */
  const facepass = (...args: string[]) =>
    run(process.execPath, [join(installed, 'facepass.js'), ...args], {
      cwd: folder,
      env: { PATH: process.env['PATH'], HOME: folder, FACEPASS_URL: service.url, FACEPASS_API_KEY: KEY },
    }).then(
      ({ stdout }) => ({ code: 0, stdout, stderr: '' }),
      ({ code, stdout, stderr }) => ({ code, stdout, stderr }) as { code: number; stdout: string; stderr: string },
    );

  test('needs no other package and carries the licences of those in it', () => {
    const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
    assert.equal(manifest.dependencies, undefined);
    assert.ok(existsSync(join(folder, 'node_modules/.bin/facepass')));
    const notices = readFileSync(join(installed, 'THIRD-PARTY-NOTICES.txt'), 'utf8');
    for (const name of ['commander', 'zod', 'pg', 'ioredis', '@kubernetes/client-node', 'openapi-fetch'])
      assert.match(notices, new RegExp(`^${name} \\d`, 'm'));
  });

  test('says its version, and talks to the service', async () => {
    const { version } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
    assert.deepEqual(await facepass('--version'), { code: 0, stdout: `${version}\n`, stderr: '' });
    const { stdout } = await facepass('status', '--session', 'nothing', '--json');
    assert.equal(JSON.parse(stdout).indexed, false);
    const erased = await facepass('erase', '--session', 'nothing', '--yes');
    assert.equal(erased.code, 5);
    assert.match(erased.stderr, /session_not_indexed/);
  });

  test('every command is in it: doctor, keys, release and erasures load and answer in their own words', async () => {
    const doctor = await facepass('doctor');
    assert.match(doctor.stdout + doctor.stderr, /inference of the service/);
    assert.doesNotMatch(doctor.stdout + doctor.stderr, /Cannot find (module|package)|ERR_MODULE/);
    const key = await facepass('keys', 'create', 'studio', '--file', join(folder, 'keys'));
    assert.equal(key.code, 0, key.stderr);
    for (const args of [
      ['release', 'status'],
      ['erasures', 'export', '--file', join(folder, 'list')],
    ]) {
      const { code, stderr } = await facepass(...args);
      assert.ok(code >= 1 && code <= 6, `${args[0]}: ${code} ${stderr}`);
      assert.doesNotMatch(stderr, /^\s+at |ERR_MODULE|is not defined/m, args[0]);
    }
  });
});
