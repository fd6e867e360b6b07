import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { PROBLEMS, type ProblemCode } from '@facepass/indexing/errors';
import pg from 'pg';
import { samplePhoto } from '../../inference/tests/photos.ts';
import { s3Environment, startS3Server } from './s3-server.ts';
import { KEY, startTestService, type TestService } from './service.ts';

const PLACES = 4;

describe('the resources of a request and their lifetime', () => {
  let service: TestService;
  let photo: Buffer;
  before(async () => {
    service = await startTestService({
      inference: null,
      environment: {
        CONCURRENT_UPLOADS_LIMIT: `${PLACES}`,
        MAX_IMAGE_BYTES: '200000',
        REQUEST_TIMEOUT_MS: '3000',
        DATABASE_CONNECT_TIMEOUT_MS: '300',
      },
    });
    photo = await samplePhoto(1);
  });
  after(() => service?.[Symbol.asyncDispose]());

  const search = (image: Uint8Array = photo) =>
    service.call('POST', '/api/v1/search', { form: { session_id: 's', image } });
  const send = (...chunks: (string | Buffer)[]) => sendRaw(service, ...chunks);

  test('clients that send slowly hold no place of others, and are told when their time is over', async () => {
    const head = `POST /api/v1/search HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: 9000\r\n\r\n\xff\xd8`;
    const slow = Array.from({ length: 64 }, () => send(Buffer.from(head, 'latin1')));
    await holds(() => service.context.imageMemory.load().receivedBytes >= 64 * 2);
    assert.equal((await search()).body.code, 'session_not_indexed');
    for (const answer of await Promise.all(slow)) assertProblem(answer, 'request_timeout');
    await holds(() => service.context.imageMemory.load().receivedBytes === 0);
  });

  test('bodies that arrive fill no more memory than there are places', async () => {
    const head = `POST /api/v1/search HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: 200000\r\n\r\n`;
    const clients = Array.from({ length: 2 * PLACES }, () => send(head, Buffer.alloc(190_000, 255)));
    const answers = await Promise.all(clients);
    assert.deepEqual(new Set(answers.map(({ body }) => body.code)), new Set(['overloaded', 'request_timeout']));
  });

  test('photos of a batch wait for a place in the same memory', async () => {
    await using bucket = await startS3Server();
    await using small = await startTestService({
      inference: null,
      database: service.database,
      environment: { ...s3Environment(bucket), CONCURRENT_UPLOADS_LIMIT: '1', BATCH_CONCURRENCY: '22' },
    });
    const photos = Array.from({ length: 22 }, (_, n) => ({ photo_id: `${n}`, s3_key: `${n}.jpg` }));
    for (const { s3_key } of photos) bucket.faults.set(`/photos/${s3_key}`, Array(3).fill('stall head'));
    const leaving = new AbortController();
    const batch = small.call('POST', '/api/v1/index/batch', {
      key: KEY,
      json: { session_id: 's', photos },
      signal: leaving.signal,
    });
    await holds(() => bucket.requests.length > 0);
    for (let n = 0; n < 20; n += 1) await small.call('GET', '/api/v1/search/status/s');
    assert.equal(bucket.requests.length, 1);
    const upload = await small.call('POST', '/api/v1/search', { form: { session_id: 's', image: photo } });
    assertProblem(upload, 'overloaded');
    leaving.abort();
    await assert.rejects(batch);
    await holds(() => small.context.imageMemory.load().held === 0);
  });

  test('however many ask for its health, one connection of a slow database is looked at', async (t) => {
    if (service.database.engine === 'embedded') return t.skip('needs PostgreSQL: two connections');
    await using blocker = Object.assign(new pg.Client({ connectionString: service.database.url }), {
      [Symbol.asyncDispose]: () => blocker.end(),
    });
    await blocker.connect();
    await blocker.query('begin');
    await blocker.query('lock table migration_runs in access exclusive mode');
    const answers = Promise.all(Array.from({ length: 40 }, () => service.call('GET', '/health')));
    await holds(() => service.context.pool.totalCount > service.context.pool.idleCount);
    assert.equal((await service.call('GET', '/api/v1/search/status/s')).status, 200);
    assert.equal(service.context.pool.totalCount - service.context.pool.idleCount, 1);
    assert.equal(service.context.pool.waitingCount, 0);
    assert.deepEqual(new Set((await answers).map(({ status }) => status)), new Set([503]));
  });

  test('a rejected body gives one problem, however much of it still arrives', async () => {
    const warnings: Error[] = [];
    const warn = (warning: Error) => void warnings.push(warning);
    process.on('warning', warn);
    const before = await refusals();
    const chunk = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(65_536, 255), Buffer.from('\r\n')]);
    const head = `POST /api/v1/search HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nTransfer-Encoding: chunked\r\n\r\n`;
    assertProblem(await send(head, ...Array<Buffer>(200).fill(chunk)), 'image_too_large');
    await holds(async () => (await refusals()) === before + 1);
    process.off('warning', warn);
    assert.deepEqual(warnings, []);
  });

  test('malformed requests get a problem too', async () => {
    const post = 'POST /api/v1/search HTTP/1.1\r\nHost: x\r\n';
    const refused: [string, ProblemCode][] = [
      ['NONSENSE\r\n\r\n', 'malformed_request'],
      [`GET /livez HTTP/1.1\r\nHost: x\r\nBad Header: 1\r\n\r\n`, 'malformed_request'],
      ['GET /livez HTTP/1.1\r\n\r\n', 'malformed_request'],
      [`${post}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`, 'malformed_request'],
      [`${post}Content-Type: image/jpeg\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`, 'malformed_request'],
      [`GET /livez?x=\xe9 HTTP/1.1\r\nHost: x\r\n\r\n`, 'malformed_request'],
      ['GET /livez HTTP/1.1\r\nHost: x\r\nExpect: a-cake\r\n\r\n', 'expectation_failed'],
      [`GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`, 'headers_too_large'],
      ['GET /livez HTTP/1.1\r\nHost: x\r\n', 'request_timeout'],
    ];
    for (const [bytes, code] of refused) assertProblem(await send(Buffer.from(bytes, 'latin1')), code);
  });

  test('a client that leaves while others wait behind it on its connection is noticed by every handler', async () => {
    const body = Buffer.concat([Buffer.from('--b\r\nContent-Disposition: form-data; name="image"\r\n\r\n'), photo]);
    const request = Buffer.concat([
      Buffer.from(
        `POST /api/v1/search HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: ${body.length}\r\n\r\n`,
      ),
      body,
    ]);
    const socket = connect(portOf(service), '127.0.0.1');
    const before = left(service);
    socket.write(Buffer.concat([request, request, request.subarray(0, 400)]), () => socket.destroy());
    await holds(() => service.context.imageMemory.load().receivedBytes === 0 && left(service) >= before);
    assert.equal((await search()).body.code, 'session_not_indexed');
  });

  async function refusals(): Promise<number> {
    const text = (await service.call('GET', '/metrics')).body as string;
    return Number(/facepass_problems_total\{code="image_too_large"\} (\d+)/.exec(text)?.[1]);
  }
});

function left({ log }: TestService): number {
  return log.filter(({ msg }) => msg === 'request abandoned by its client').length;
}

interface RawAnswer {
  status: number;
  headers: Headers;
  body: any;
}

/** Sends bytes on a connection of their own and reads the first answer, until the server ends the connection. */
async function sendRaw(service: TestService, ...chunks: (string | Buffer)[]): Promise<RawAnswer> {
  const socket: Socket = connect(portOf(service), '127.0.0.1');
  socket.on('error', () => undefined);
  let answer = '';
  socket.on('data', (data: Buffer) => (answer += data.toString()));
  const complete = () => {
    const [head, body] = answer.split('\r\n\r\n', 2);
    const length = Number(/content-length: (\d+)/i.exec(head ?? '')?.[1] ?? Infinity);
    return body !== undefined && Buffer.byteLength(body) >= length;
  };
  for (const chunk of chunks) if (!socket.write(chunk)) await Promise.race([once(socket, 'drain'), ended(socket)]);
  while (!complete() && !socket.closed) await Promise.race([once(socket, 'data').catch(() => 0), ended(socket)]);
  socket.destroy();
  const [head = '', body = ''] = answer.split('\r\n\r\n', 2);
  const [statusLine = '', ...lines] = head.split('\r\n');
  const headers = new Headers(lines.map((line) => line.split(': ', 2) as [string, string]));
  return { status: Number(statusLine.split(' ')[1]), headers, body: body === '' ? null : JSON.parse(body) };
}

async function ended(socket: Socket): Promise<void> {
  if (!socket.closed) await once(socket, 'close').catch(() => undefined);
}

function portOf({ url }: TestService): number {
  return Number(new URL(url).port);
}

async function holds(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
}

function assertProblem({ status, headers, body }: Pick<RawAnswer, keyof RawAnswer>, code: ProblemCode): void {
  assert.equal(body?.code, code, JSON.stringify(body));
  assert.equal(status, PROBLEMS[code].status);
  assert.match(headers.get('content-type') ?? '', /^application\/problem\+json/);
  assert.equal(body.instance, headers.get('x-request-id'));
}
