import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { test } from 'node:test';

const { ORT_DISABLE_TELEMETRY, CI, ...environment } = process.env;
const MODULE = new URL('./onnxruntime-telemetry.ts', import.meta.url).href;

test('the environment of native code says that telemetry is off, once the module is loaded', () => {
  const script = `await import('${MODULE}'); console.log((await import('node:child_process')).execFileSync('printenv', ['ORT_DISABLE_TELEMETRY'], { encoding: 'utf8' }))`;
  assert.equal(execFileSync(process.execPath, ['-e', script], { env: environment, encoding: 'utf8' }).trim(), '1');
});

test('a worker thread that was started without the variable loads no network', () => {
  const script = `
    const { Worker } = await import('node:worker_threads');
    const loads = "import('${MODULE}').then(({ requireTelemetryOff }) => requireTelemetryOff())";
    new Worker(loads, { eval: true, env: {} }).on('error', ({ message }) => console.log(message));`;
  const output = execFileSync(process.execPath, ['-e', script], { env: environment, encoding: 'utf8' });
  assert.match(output, /ORT_DISABLE_TELEMETRY must be 1, not absent/);
});

test('the inference server refuses to start where telemetry is wanted, with exit code 78 and the name of the variable', () => {
  const main = new URL('../main.ts', import.meta.url).pathname;
  const { status, stderr } = spawnSync(process.execPath, [main], {
    env: { ...environment, ORT_DISABLE_TELEMETRY: '0' },
    encoding: 'utf8',
  });
  assert.equal(status, 78, stderr);
  assert.match(stderr, /ORT_DISABLE_TELEMETRY: must be 1/);
});
