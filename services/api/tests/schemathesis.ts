import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { portrait } from './people.ts';
import { ADMIN_KEY, KEY, startTestService } from './service.ts';

/**
 * Runs schemathesis, from PyPI in an environment thrown away afterwards, against the running service: no status,
 * content type or body that /openapi.json does not declare, no 5xx, nothing malformed accepted. Arguments are handed on
 * to `st run`.
 */
const SCHEMATHESIS = 'schemathesis==4.32.5';
/** Bytes made up for an image are rightly refused, although the document can only call them binary. */
const UNFIT_CHECKS = 'positive_data_acceptance';
/** What refuses a request that breaks the document; 413 and 431: it was too long to be read. */
const CONFIGURATION = `
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428, 429, 431, "5xx"]
`;

const directory = mkdtempSync(join(tmpdir(), 'facepass-'));
try {
  run('python3', ['-m', 'venv', directory]);
  run(join(directory, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', SCHEMATHESIS]);
  const configuration = join(directory, 'schemathesis.toml');
  writeFileSync(configuration, CONFIGURATION);
  const keys = `photographer:${KEY}, admin:${ADMIN_KEY}:admin`;
  await using service = await startTestService({ environment: { API_KEYS: keys } });
  const session = { session_id: 'wedding-2026-05-09', photo_id: '5b0c2a3e-8d5e-4a53-9d0f-0d2f0d6a7c11' };
  await service.call('POST', '/api/v1/index', { key: KEY, form: { ...session, image: await portrait(0) } });
  const status = await new Promise<number>((resolve) => {
    const options = [
      '--config-file',
      configuration,
      'run',
      `${service.url}/openapi.json`,
      '--header',
      `X-API-Key: ${ADMIN_KEY}`,
      '--exclude-checks',
      UNFIT_CHECKS,
      '--max-examples',
      '200',
      ...process.argv.slice(2),
    ];
    spawn(join(directory, 'bin/st'), options, { stdio: 'inherit' }).once('exit', (code) => resolve(code ?? 1));
  });
  process.exitCode = status;
} finally {
  rmSync(directory, { recursive: true, force: true });
}

function run(command: string, options: string[]): void {
  const { status, error } = spawnSync(command, options, { stdio: 'inherit' });
  if (status !== 0) throw error ?? new Error(`${command} ended with code ${status}`);
}
