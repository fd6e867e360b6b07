import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { runSql } from '../../../scripts/checks/test-database.ts';
import { createMigratedDatabase, KEY, startTestService, type TestService } from './service.ts';

const REQUESTS = 10_000;
const AT_A_TIME = 32;

describe('the metrics of the API', () => {
  let service: TestService;
  before(async () => {
    service = await startTestService({ inference: null, environment: { LOG_LEVEL: 'error' } });
  });
  after(() => service?.[Symbol.asyncDispose]());

  const metrics = async (accept = '*/*') =>
    (await fetch(`${service.metricsUrl}/metrics`, { headers: { accept } })).text();

  test(`${REQUESTS} random paths, sessions and methods make no series that was not there before`, async (t) => {
    const agent = new Agent({ keepAlive: true, maxSockets: AT_A_TIME });
    t.after(() => agent.destroy());
    for (const kind of KINDS) for (let again = 0; again < 3; again += 1) await send(agent, service.url, kind);
    const before = seriesOf(await metrics());
    let sent = 0;
    const worker = async () => {
      while (sent < REQUESTS) await send(agent, service.url, KINDS[sent++ % KINDS.length]!);
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, worker));
    const text = await metrics();
    assert.deepEqual(
      [...seriesOf(text)].filter((series) => !before.has(series)),
      [],
    );
    assert.doesNotMatch(text, new RegExp(MARK));
    const counted = [...text.matchAll(/^http_server_request_duration_seconds_count\{.*\} (\d+)$/gm)].reduce(
      (sum, [, count]) => sum + Number(count),
      0,
    );
    assert.ok(counted >= REQUESTS, `${counted} requests were counted`);
  });

  test('a problem is counted by its code, in a series that began at zero', async () => {
    const count = (text: string) =>
      Number(/^facepass_problems_total\{code="inference_unavailable"\} (\d+)$/m.exec(text)?.[1] ?? NaN);
    assert.equal(count(await metrics()), 0);
    const form = {
      session_id: 'wedding',
      photo_id: '1',
      image: Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 0, 0, 0, 0, 0, 0, 0]),
    };
    const answer = await service.call('POST', '/api/v1/index', { key: KEY, form });
    assert.equal(answer.body.code, 'inference_unavailable');
    assert.equal(count(await metrics()), 1);
  });

  test('search duration covers answered and abandoned searches, not rejected ones', async () => {
    await runSql(
      service.database.url,
      `insert into sessions (session_id, photo_count, face_count, last_indexed, model_id) values ('dinner', 1, 1, now(), '${service.context.modelId}')`,
    );
    const image = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 0, 0, 0, 0, 0, 0, 0]);
    for (const form of [{ session_id: 'dinner' }, { session_id: 'nobody', image }, { session_id: 'dinner', image }])
      await service.call('POST', '/api/v1/search', { form });
    await beginSearchAndLeave(service.url);
    while (!(await metrics()).includes('facepass_search_requests_total{status="499"} 1\n'));
    const text = await metrics();
    const searches = Object.fromEntries(
      [...text.matchAll(/^facepass_search_requests_total\{status="(\d+)"\} (\d+)$/gm)].map(([, status, count]) => [
        status,
        Number(count),
      ]),
    );
    assert.deepEqual(searches, { 200: 0, 400: 1, 404: 1, 499: 1, 500: 0, 503: 1 });
    assert.match(text, /^facepass_search_duration_seconds_count 1$/m);
  });

  test('both ports answer Prometheus in its own format and everybody else in the older one', async () => {
    for (const url of [service.url, service.metricsUrl]) {
      const openMetrics = await fetch(`${url}/metrics`, {
        headers: { accept: 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5' },
      });
      assert.match(openMetrics.headers.get('content-type') ?? '', /^application\/openmetrics-text/);
      assert.match(await openMetrics.text(), /# EOF\n$/);
      const plain = await fetch(`${url}/metrics`);
      assert.match(plain.headers.get('content-type') ?? '', /^text\/plain; version=0.0.4/);
      assert.match(await plain.text(), /^# TYPE facepass_search_requests_total counter$/m);
    }
  });

  test('schema metrics show what readiness found', async () => {
    await fetch(`${service.metricsUrl}/readyz`);
    const text = await metrics();
    assert.match(text, /^facepass_schema_version 3$/m);
    assert.match(text, /^facepass_schema_fits 1$/m);
    assert.match(text, /^facepass_db_connections_max \d+$/m);
    assert.match(text, /^facepass_retention_sweep_interval_seconds 0$/m);
  });
});

test('schema metrics are absent while the database was never reached', async () => {
  await using database = await createMigratedDatabase();
  await using service = await startTestService({
    inference: null,
    database,
    environment: { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing' },
  });
  const text = await (await fetch(`${service.metricsUrl}/metrics`)).text();
  assert.match(text, /^facepass_ready 0$/m);
  assert.match(text, /^facepass_not_ready\{reason="database"\} 1$/m);
  assert.match(text, /^facepass_not_ready\{reason="schema"\} 0$/m);
  assert.doesNotMatch(text, /^facepass_schema_\w+ /m);
});

/** In every random name, to be looked for in the metrics. */
const MARK = 'zq9';
const name = () => MARK + randomBytes(6).toString('hex');
const KINDS: (() => [method: string, path: string])[] = [
  () => ['GET', `/${name()}/${name()}`],
  () => ['GET', `/api/v1/search/status/${name()}`],
  () => ['DELETE', `/api/v1/index/${name()}`],
  () => ['DELETE', `/api/v1/index/${name()}/photos/${name()}`],
  () => ['POST', `/api/v1/${name()}?${name()}=${name()}`],
  () => ['GET', `/docs/errors/${name()}`],
  () => ['PROPFIND', `/${name()}`],
  () => ['PUT', `/api/v1/search/status/${name()}`],
  () => ['GET', `/s/${name()}`],
  () => ['GET', `/api/v1/index/%zz${name()}`],
];

async function beginSearchAndLeave(url: string): Promise<void> {
  const client = connect(Number(new URL(url).port), '127.0.0.1');
  const begun =
    'POST /api/v1/search HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Type: multipart/form-data; boundary=b\r\n\r\n5\r\n--b\r\n\r\n';
  await new Promise<void>((resolve) => client.write(begun, () => resolve()));
  client.destroy();
}

function send(agent: Agent, url: string, kind: () => [string, string]): Promise<void> {
  const [method, path] = kind();
  return new Promise((resolve, reject) => {
    const call = request(
      `${url}${path}`,
      { agent, method, headers: { 'X-Session': name(), 'User-Agent': name() } },
      (response) => {
        response.resume().once('end', resolve).once('error', reject);
      },
    );
    call.once('error', reject).end();
  });
}

/** All series but Node's own, whose labels are kinds of garbage collection, heap spaces and handles. */
function seriesOf(text: string): Set<string> {
  return new Set(
    text
      .split('\n')
      .filter((line) => line && !/^(#|nodejs_)/.test(line))
      .map((line) => line.slice(0, line.lastIndexOf(' '))),
  );
}
