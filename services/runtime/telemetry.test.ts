import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);
const TELEMETRY = new URL('./telemetry.ts', import.meta.url).href;
const LIFECYCLE = new URL('./lifecycle.ts', import.meta.url).href;
const LOGGER = new URL('./logger.ts', import.meta.url).href;
const API = import.meta.resolve('@opentelemetry/api');

test('spans of a service reach the OTLP endpoint, under its name, before the process ends', async () => {
  const bodies: Buffer[] = [];
  await using receiver = createServer(async (request, response) => {
    bodies.push(Buffer.concat(await request.toArray()));
    response.end();
  });
  await once(receiver.listen(0, '127.0.0.1'), 'listening');
  const endpoint = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  const main = await serviceThat(`
    const { trace } = await import('${API}');
    trace.getTracer('test').startSpan('a-span-of-the-service').end();
  `);
  await run(process.execPath, ['--import', TELEMETRY, main], {
    env: { ...process.env, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' },
  });
  const sent = Buffer.concat(bodies).toString('latin1');
  assert.match(sent, /a-span-of-the-service/);
  assert.match(sent, /facepass-painter/);
});

test('without a destination nothing of the SDK is loaded', async () => {
  const main = await serviceThat(`
    const { trace } = await import('${API}');
    const span = trace.getTracer('test').startSpan('x');
    process.stdout.write(JSON.stringify({ recording: span.isRecording(), provider: trace.getTracerProvider().getDelegate().constructor.name }) + '\\n');
  `);
  const { stdout } = await run(process.execPath, ['--import', TELEMETRY, main], { env: { PATH: process.env['PATH'] } });
  assert.deepEqual(JSON.parse(stdout.split('\n')[0]!), { recording: false, provider: 'NoopTracerProvider' });
});

/** A service that does one thing and is then stopped by SIGTERM; its folder is called `painter`. */
async function serviceThat(does: string): Promise<string> {
  const folder = join(await mkdtemp(join(tmpdir(), 'facepass-')), 'painter');
  await mkdir(folder);
  const main = join(folder, 'main.mjs');
  await writeFile(
    main,
    `const { runService } = await import('${LIFECYCLE}');
     const { createLogger } = await import('${LOGGER}');
     await runService(async () => {
       ${does}
       setTimeout(() => process.kill(process.pid, 'SIGTERM'), 10);
       setInterval(() => {}, 1000);
       return { logger: createLogger('painter', 'info'), drainMs: 5000, async [Symbol.asyncDispose]() {} };
     });`,
  );
  return main;
}
