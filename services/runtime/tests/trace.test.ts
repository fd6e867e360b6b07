import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { runSql } from '../../../scripts/checks/test-database.ts';
import { indexPhoto, samplePhoto, searchFaces, startStack } from '../../../scripts/drills/observability/stack.ts';

const METHOD = 'facepass.inference.v1.FaceAnalysis/DetectFaces';
const PATIENCE_MS = 60_000;
const SESSION = 'the-wedding-of-a-and-b';

test('one search through real processes is one trace: HTTP, gRPC, each stage and each statement', async () => {
  await using receiver = await startReceiver();
  const telemetry = {
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_BSP_SCHEDULE_DELAY: '100',
  };
  await using stack = await startStack({ all: telemetry });
  const photo = await samplePhoto(1);
  assert.equal(await indexPhoto(stack.url, photo, SESSION, 'first'), 200);
  assert.equal(await searchFaces(stack.url, photo, SESSION), 200);
  const trace = await receiver.traceWith('POST /api/v1/search', { name: METHOD, service: 'facepass-inference' });

  const roots = trace.filter(({ parentSpanId }) => !parentSpanId);
  assert.deepEqual(
    roots.map(({ name, service }) => [name, service]),
    [['POST /api/v1/search', 'facepass-api']],
  );
  const ids = new Set(trace.map(({ spanId }) => spanId));
  for (const span of trace)
    assert.ok(!span.parentSpanId || ids.has(span.parentSpanId), `${span.name} hangs in the air`);
  const parentOf = (name: string, service: string) => {
    const span = trace.find((one) => one.name === name && one.service === service);
    assert.ok(span, `there is no span ${name} of ${service} among ${trace.map((one) => one.name).join(', ')}`);
    return trace.find(({ spanId }) => spanId === span.parentSpanId);
  };
  assert.equal(parentOf(METHOD, 'facepass-api')?.name, 'POST /api/v1/search');
  assert.equal(parentOf(METHOD, 'facepass-inference')?.service, 'facepass-api');
  for (const stage of ['decode', 'detect', 'align', 'embed'])
    assert.equal(parentOf(stage, 'facepass-inference')?.name, METHOD);
  assert.equal(parentOf('wait for a connection', 'facepass-api')?.name, 'POST /api/v1/search');
  const statements = trace.filter(({ attributes }) => attributes['db.query.text'] !== undefined);
  assert.ok(
    statements.some(({ attributes }) => String(attributes['db.query.text']).includes('from faces')),
    'the search of the faces is no span',
  );

  assert.doesNotMatch(JSON.stringify(trace), new RegExp(`${SESSION}|127\\.0\\.0\\.1|user_agent|photographer`));
  const line = stack.api.log.findLast(({ msg, route }) => msg === 'request' && route === '/api/v1/search');
  assert.equal(line?.['trace_id'], trace[0]?.traceId);
  const metrics = await (
    await fetch(`http://127.0.0.1:${stack.api.metricsPort}/metrics`, {
      headers: { accept: 'application/openmetrics-text' },
    })
  ).text();
  assert.match(
    metrics,
    new RegExp(`^facepass_search_duration_seconds_bucket.* # \\{trace_id="${trace[0]?.traceId}"\\}`, 'm'),
  );
});

test('a photo’s transaction is whole in its trace: the wait for a connection, begin, each statement, and commit or rollback', async () => {
  await using receiver = await startReceiver();
  await using stack = await startStack({
    api: {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '100',
    },
  });
  const photo = await samplePhoto(1);
  const ofApi = async (last: string) =>
    (await receiver.traceWith('POST /api/v1/index', { name: last, service: 'facepass-api' })).filter(
      ({ name }) => !/DetectFaces|^POST/.test(name),
    );
  // The first photo of a process asks which column holds vectors of its length.
  assert.equal(await indexPhoto(stack.url, photo, SESSION, 'earlier'), 200);
  await ofApi('commit');
  receiver.forget();
  assert.equal(await indexPhoto(stack.url, photo, SESSION, 'first'), 200);
  const stored = await ofApi('commit');
  const names = inOrder(stored).map(({ name }) => name);
  assert.deepEqual(names, [
    'wait for a connection',
    'select',
    'wait for a connection',
    'begin',
    'select',
    'select',
    'delete',
    'insert',
    'insert',
    'commit',
  ]);
  assert.equal(new Set(stored.map(({ parentSpanId }) => parentSpanId)).size, 1, 'each hangs on the request');

  receiver.forget();
  await runSql(stack.database.url, 'alter table faces rename to faces_elsewhere');
  assert.equal(await indexPhoto(stack.url, photo, SESSION, 'second'), 500);
  assert.deepEqual(
    inOrder(await ofApi('rollback')).map(({ name }) => name),
    ['wait for a connection', 'select', 'wait for a connection', 'begin', 'select', 'select', 'delete', 'rollback'],
  );
});

test('the statements of a probe and of a scrape make no traces', async () => {
  await using receiver = await startReceiver();
  await using stack = await startStack({
    api: {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '100',
    },
  });
  for (const path of ['readyz', 'metrics'])
    assert.equal((await fetch(`http://127.0.0.1:${stack.api.metricsPort}/${path}`)).status, 200);
  await fetch(`${stack.url}/livez`);
  await receiver.traceWith('GET /livez', { name: 'GET /livez', service: 'facepass-api' });
  assert.deepEqual(receiver.names(), ['GET /livez']);
});

function inOrder(spans: Span[]): Span[] {
  return spans.toSorted((left, right) => Number(BigInt(left.startTimeUnixNano) - BigInt(right.startTimeUnixNano)));
}

interface Span {
  startTimeUnixNano: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  service: string;
  attributes: Record<string, unknown>;
}

/** An OTLP/HTTP receiver that keeps what it gets. */
async function startReceiver() {
  const spans: Span[] = [];
  const server = createServer(async (request, response) => {
    const body = JSON.parse(Buffer.concat(await request.toArray()).toString()) as Export;
    for (const { resource, scopeSpans } of body.resourceSpans) {
      const service = String(attributesOf(resource)['service.name']);
      for (const span of scopeSpans.flatMap((scope) => scope.spans))
        spans.push({ ...span, service, attributes: attributesOf(span) });
    }
    response.setHeader('Content-Type', 'application/json').end('{}');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /**
     * The spans of the trace whose root has this name, once `last` is there: a process sends its spans in the order of
     * their ends.
     */
    async traceWith(root: string, last: Pick<Span, 'name' | 'service'>): Promise<Span[]> {
      for (const giveUp = Date.now() + PATIENCE_MS; Date.now() < giveUp; await delay(20)) {
        const traceId = spans.find((span) => span.name === root)?.traceId;
        const trace = spans.filter((span) => span.traceId === traceId);
        if (traceId && trace.some(({ name, service }) => name === last.name && service === last.service)) return trace;
      }
      throw new Error(
        `no whole trace of ${root} arrived, only ${spans.map(({ service, name }) => `${service}: ${name}`).join(', ') || 'nothing'}`,
      );
    },
    names: () => spans.map(({ name }) => name),
    forget: () => void (spans.length = 0),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function attributesOf({ attributes = [] }: { attributes?: Attribute[] }): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}

interface Attribute {
  key: string;
  value: Record<string, unknown>;
}

interface Export {
  resourceSpans: {
    resource: { attributes?: Attribute[] };
    scopeSpans: { spans: (Omit<Span, 'attributes' | 'service'> & { attributes?: Attribute[] })[] }[];
  }[];
}
