import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { runProgram, Service, type Program } from './processes.ts';

const scratch = mkdtempSync(join(tmpdir(), 'facepass-'));
after(() => rmSync(scratch, { recursive: true }));

/** A program that appends its process id to `<name>.started` and then runs `rest`. */
function program(name: string, rest: string): Program {
  const main = join(scratch, `${name}.ts`);
  const started = join(scratch, `${name}.started`);
  writeFileSync(
    main,
    `import { appendFileSync } from 'node:fs';\nappendFileSync(${JSON.stringify(started)}, process.pid + '\\n');\n${rest}`,
  );
  return { name, main, environment: process.env, logFile: join(scratch, `${name}.log`) };
}

function startsOf({ name }: Program): number[] {
  const path = join(scratch, `${name}.started`);
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n').map(Number) : [];
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await delay(20);
}

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch {
    return false;
  }
}

const RUN_FOR_EVER = 'setInterval(() => undefined, 1000);';

test('restarts a killed service, but not one that was stopped', async () => {
  const events: string[] = [];
  const runs = program('killed', RUN_FOR_EVER);
  const service = new Service(runs, (event) => events.push(event));
  await until(() => startsOf(runs).length === 1);
  process.kill(startsOf(runs)[0] ?? 0, 'SIGKILL');
  await until(() => startsOf(runs).length === 2);
  assert.deepEqual(events, ['killed was killed by SIGKILL; restarting it.']);
  await service.stop(5000);
  assert.deepEqual(startsOf(runs).map(isAlive), [false, false]);
  assert.equal(events.length, 1);
});

test('kills a service that ignores SIGTERM', async () => {
  const runs = program('deaf', `process.on('SIGTERM', () => undefined);\nconsole.log('deaf now');\n${RUN_FOR_EVER}`);
  const service = new Service(runs, () => undefined);
  await until(() => readFileSync(runs.logFile, 'utf8').includes('deaf now'));
  await service.stop(100);
  assert.deepEqual(startsOf(runs).map(isAlive), [false]);
});

test('gives up a service that exits repeatedly, and shows the end of its log', async () => {
  const runs = program('hopeless', "console.error('no such model'); process.exit(3);");
  const error = await new Service(runs, () => undefined).failed;
  assert.match(error.message, /hopeless exited with code 3\. The end of .*hopeless\.log:\n(.*\n)*.*no such model/);
  assert.equal(startsOf(runs).length, 5);
});

test('does not restart a service with invalid configuration', async () => {
  const runs = program('misconfigured', "console.error('PORT: must be a number'); process.exit(78);");
  const error = await new Service(runs, () => undefined).failed;
  assert.match(error.message, /PORT: must be a number/);
  assert.equal(startsOf(runs).length, 1);
});

test('a failed program throws with the end of its log; a successful one does not', async () => {
  const { signal } = new AbortController();
  await runProgram(program('succeeds', ''), signal);
  await assert.rejects(
    runProgram(program('fails', "throw new Error('the schema does not fit');"), signal),
    /fails exited with code 1[^]*the schema does not fit/,
  );
});

test('aborting the start ends a running program', async () => {
  const controller = new AbortController();
  const runs = program('called-off', RUN_FOR_EVER);
  const running = runProgram(runs, controller.signal);
  await until(() => startsOf(runs).length === 1);
  controller.abort();
  await running;
  assert.deepEqual(startsOf(runs).map(isAlive), [false]);
});
