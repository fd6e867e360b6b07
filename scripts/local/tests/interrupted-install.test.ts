import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { ENDS, filesOf, forget, makeSmallClone, outdate, randomNumbers, start } from './small-clone.ts';

// The install of ./scripts/start with a few dozen packages instead of hundreds; `npm run test:install` has them all.
const clone = mkdtempSync(join(tmpdir(), 'facepass-install-'));
const MOMENTS = Number(process.env['FACEPASS_TEST_INSTALL_MOMENTS'] ?? 3);

let whole: Record<string, number>;
let lengthMs: number;

before(async () => {
  makeSmallClone(clone, ['express', 'zod', 'pino', 'node']);
  await install();
  forget(clone);
  const startedMs = performance.now();
  await install();
  lengthMs = performance.now() - startedMs;
  whole = filesOf(clone);
});
after(() => rmSync(clone, { recursive: true, force: true, maxRetries: 3 }));

async function install(): Promise<string> {
  const { code, output } = await start(clone).ended;
  assert.equal(code, 0, output);
  assert.match(output, /^works$/m);
  return output;
}

test('the next start repairs an install interrupted at any moment', async (t) => {
  const seed = Number(process.env['FACEPASS_TEST_SEED'] ?? Date.now() % 100_000);
  t.diagnostic(`FACEPASS_TEST_SEED=${seed}`);
  const random = randomNumbers(seed);
  for (let moment = 0; moment < MOMENTS; moment++) {
    const [how, end] = Object.entries(ENDS)[moment % 3]!;
    const afterMs = Math.round(random() * lengthMs);
    const isFirst = moment % 2 === 0;
    await t.test(`${isFirst ? 'the first install' : 'a later install'}: ${how} after ${afterMs} ms`, async () => {
      if (isFirst) forget(clone);
      else outdate(clone);
      const { process: starter, ended } = start(clone);
      await Promise.race([delay(afterMs), ended]);
      const wasRunning = starter.exitCode === null;
      if (wasRunning) end(starter.pid);
      // The pipes close when the last process has ended: not waited for, since the next start has to cope.
      if (how === 'Ctrl-C' && wasRunning) assert.doesNotMatch((await ended).output, /failed/);
      await install();
      await ended;
      assert.deepEqual(filesOf(clone), whole);
    });
  }
});

test('two first starts at once install once, and both work', async () => {
  forget(clone);
  const outputs = await Promise.all([install(), install()]);
  assert.equal(outputs.filter((output) => output.includes('npm ci')).length, 1);
  assert.deepEqual(filesOf(clone), whole);
});

test('an install that fails says so, and leaves the next start to try again', async () => {
  forget(clone);
  const unreachable = {
    ...process.env,
    npm_config_registry: 'http://127.0.0.1:9',
    npm_config_cache: join(clone, 'none'),
  };
  const { code, output } = await start(clone, [], { ...unreachable, npm_config_fetch_retries: '0' }).ended;
  assert.equal(code, 1);
  assert.match(output, /npm ci failed; its message is above\./);
  await install();
});
