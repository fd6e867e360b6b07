import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { createMigratedDatabase, KEY, startTestService, type TestService } from './service.ts';

const REQUESTS = 10_000;
const AT_A_TIME = 32;

describe('the metrics of the API', () => {
  let service: TestService;
  before(async () => {
    service = await startTestService({ inference: null, environment: { LOG_LEVEL: 'error' } });
  });
  after(() => service?.[Symbol.asyncDispose]());

  const metrics = async (accept = '*/*') => (await fetch(`${service.metricsUrl}/metrics`, { headers: { accept } })).text();

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
    assert.deepEqual([...seriesOf(text)].filter((series) => !before.has(series)), []);
    assert.doesNotMatch(text, new RegExp(MARK));
    const counted = [...text.matchAll(/^http_server_request_duration_seconds_count\{.*\} (\d+)$/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
    assert.ok(counted >= REQUESTS, `${counted} requests were counted`);
  });

  test('a failure is counted by its code, and was a series at zero before', async () => {
    const count = (text: string) => Number(/^facepass_problems_total\{code="inference_unavailable"\} (\d+)$/m.exec(text)?.[1] ?? NaN);
    assert.equal(count(await metrics()), 0);
    const form = { session_id: 'wedding', photo_id: '1', image: Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 0, 0, 0, 0, 0, 0, 0]) };
    const answer = await service.call('POST', '/api/v1/index', { key: KEY, form });
    assert.equal(answer.body.code, 'inference_unavailable');
    assert.equal(count(await metrics()), 1);
  });

  test('both ports answer Prometheus in its own format and everybody else in the older one', async () => {
    for (const url of [service.url, service.metricsUrl]) {
      const openMetrics = await fetch(`${url}/metrics`, { headers: { accept: 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5' } });
      assert.match(openMetrics.headers.get('content-type') ?? '', /^application\/openmetrics-text/);
      assert.match(await openMetrics.text(), /# EOF\n$/);
      const plain = await fetch(`${url}/metrics`);
      assert.match(plain.headers.get('content-type') ?? '', /^text\/plain; version=0.0.4/);
      assert.match(await plain.text(), /^# TYPE facepass_search_requests_total counter$/m);
    }
  });

  test('the schema that readiness found is told', async () => {
    await fetch(`${service.metricsUrl}/readyz`);
    const text = await metrics();
    assert.match(text, /^facepass_schema_version 3$/m);
    assert.match(text, /^facepass_schema_fits 1$/m);
    assert.match(text, /^facepass_db_connections_max \d+$/m);
    assert.match(text, /^facepass_retention_sweep_interval_seconds 0$/m);
  });
});

test('of a database that was away from the start no schema is told, neither its version nor that it does not fit', async () => {
  await using database = await createMigratedDatabase();
  await using service = await startTestService({ inference: null, database, environment: { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing' } });
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

function send(agent: Agent, url: string, kind: () => [string, string]): Promise<void> {
  const [method, path] = kind();
  return new Promise((resolve, reject) => {
    const call = request(`${url}${path}`, { agent, method, headers: { 'X-Session': name(), 'User-Agent': name() } }, (response) => {
      response.resume().once('end', resolve).once('error', reject);
    });
    call.once('error', reject).end();
  });
}

/** All series but Node's own, whose labels are kinds of garbage collection, heap spaces and handles. */
function seriesOf(text: string): Set<string> {
  return new Set(text.split('\n').filter((line) => line && !/^(#|nodejs_)/.test(line)).map((line) => line.slice(0, line.lastIndexOf(' '))));
}
