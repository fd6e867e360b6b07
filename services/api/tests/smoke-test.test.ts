import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createServer, type RequestListener } from 'node:http';
import { mkdtemp, writeFile } from 'node:fs/promises';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { buffer } from 'node:stream/consumers';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { keyEntry } from '@facepass/contracts/api-keys';
import { startTestService } from './service.ts';

const samples = join(dirname(fileURLToPath(import.meta.resolve('@vladmandic/face-api/package.json'))), 'demo');
const keyFile = join(await mkdtemp(join(tmpdir(), 'facepass-smoke-')), 'api-key');
await writeFile(keyFile, 'fp_key_of_the_smoke_test\n');
const script = join(import.meta.dirname, '../smoke-test.ts');

test('the smoke test holds with its own key, while the keys file holds digests, and leaves nothing behind', async () => {
  const keysFile = join(await mkdtemp(join(tmpdir(), 'facepass-smoke-')), 'keys');
  await writeFile(keysFile, keyEntry('studio', 'fp_key_that_nobody_reads', ['index', 'delete']));
  await using service = await startTestService({
    environment: { API_KEYS: '', API_KEYS_FILE: keysFile, SMOKE_TEST_KEY_FILE: keyFile },
  });
  const { output, code } = await smokeTest(service.url);
  assert.equal(code, 0, output);
  assert.match(output, /ok +another photo of the same person finds it: similarity 0\.[67]/);
  const { rows } = await service.context.pool.query('select count(*)::int as faces from faces');
  assert.equal(rows[0].faces, 0);
});

test('a model that answers 200 with rubbish fails the smoke test', { timeout: 60_000 }, async (t) => {
  await t.test('the same vector for everybody', async () =>
    assertFails(() => [1, 1], /FAILED a stranger finds nothing/),
  );
  await t.test('a vector made of the bytes of the picture', async () =>
    assertFails((asked, stored) => (asked === stored ? [1, 1] : [0.4, 0.4]), /FAILED another photo of the same person/),
  );
  await t.test('a vector made of chance', async () =>
    assertFails(() => [0.4, 0.4], /FAILED its largest face finds it/),
  );
});

test('waits for a service that rejects its first connections', { timeout: 60_000 }, async () => {
  let refused = 0;
  const { output } = await testAgainst(
    rubbish(() => [1, 1]),
    (socket) => void ((refused += 1) <= 3 && socket.destroy()),
  );
  assert.ok(refused > 3);
  assert.match(output, /ok +\/api\/v1\/index: 200/);
});

test('fails with the reason if the service is never reached', { timeout: 60_000 }, async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const { errors, code } = await smokeTest(`http://127.0.0.1:${port}`, '--wait-seconds', '1');
  assert.equal(code, 1);
  assert.match(errors, /is not reached within 1 s: connect ECONNREFUSED/);
});

async function assertFails(compare: (asked: number, stored: number) => number[], expected: RegExp): Promise<void> {
  const { output, code } = await testAgainst(rubbish(compare));
  assert.notEqual(code, 0);
  assert.match(output, expected);
}

/** A service whose similarities come from `compare`, by the size of the pictures. */
function rubbish(compare: (asked: number, stored: number) => number[]): RequestListener {
  const stored = new Map<string, number>();
  return async (request, response) => {
    const bytes = await buffer(request);
    const body = bytes.toString('latin1');
    const size = bytes.length >> 12;
    const photo = /name="photo_id"\r\n\r\n(\w+)/.exec(body)?.[1];
    const threshold = Number(/name="threshold"\r\n\r\n([\d.]+)/.exec(body)?.[1] ?? 0.5);
    if (request.method === 'DELETE') stored.clear();
    if (photo) stored.set(photo, size);
    const matches = [...stored]
      .map(([photo_id, other]) => ({ photo_id, similarity: compare(size, other)[0] ?? 0 }))
      .filter(({ similarity }) => similarity >= threshold);
    response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ faces_detected: 3, matches }));
  };
}

async function testAgainst(
  listener: RequestListener,
  onConnection: (socket: Socket) => void = () => undefined,
): ReturnType<typeof smokeTest> {
  const server = createServer(listener).on('connection', onConnection);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const result = await smokeTest(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  server.closeAllConnections();
  server.close();
  return result;
}

async function smokeTest(url: string, ...options: string[]): Promise<{ output: string; errors: string; code: number }> {
  const photos = ['--photo', 'sample1.jpg', '--again', 'sample3.jpg', '--stranger', 'sample5.jpg'].map((word) =>
    word.endsWith('.jpg') ? join(samples, word) : word,
  );
  const environment = { ...process.env, SMOKE_TEST_URL: url };
  const { stdout, stderr, code } = await promisify(execFile)(
    process.execPath,
    [script, '--key-file', keyFile, ...photos, ...options],
    { env: environment },
  ).then(
    (done) => ({ ...done, code: 0 }),
    (error: { stdout: string; stderr: string; code: number }) => error,
  );
  return { output: stdout, errors: stderr, code };
}
