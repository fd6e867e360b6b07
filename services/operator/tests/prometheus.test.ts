import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createInstantQuery } from '../observe/prometheus.ts';

const vector = (...values: string[]) => ({
  status: 'success',
  data: { resultType: 'vector', result: values.map((value) => ({ metric: {}, value: [1, value] })) },
});

/** What Prometheus answers to an instant query (its HTTP API, v1), and what is made of it. */
const ANSWERS: Record<string, { status?: number; body: unknown; result: number | RegExp }> = {
  'one number': { body: vector('0.25'), result: 0.25 },
  'a scalar': { body: { status: 'success', data: { resultType: 'scalar', result: [1, '3'] } }, result: 3 },
  nothing: { body: vector(), result: /^no data$/ },
  'not a number': { body: vector('NaN'), result: /not a number/ },
  infinity: { body: vector('+Inf'), result: /not a number/ },
  'several numbers': { body: vector('1', '2'), result: /2 numbers, not one/ },
  'a rejected query': {
    status: 400,
    body: { status: 'error', errorType: 'bad_data', error: 'parse error' },
    result: /rejected the query: parse error/,
  },
  'a page of a proxy': { status: 502, body: '<html>', result: /status 502/ },
  'a null': { body: null, result: /^Prometheus returned an unreadable response \(status 200\)$/ },
  'a result that is not a list': {
    body: { status: 'success', data: { resultType: 'vector', result: 7 } },
    result: /unreadable response/,
  },
  'a range': {
    body: { status: 'success', data: { resultType: 'matrix', result: [] } },
    result: /^the query returns a matrix, not one number$/,
  },
  'an answer of 60 MB': { body: `"${'x'.repeat(60_000_000)}"`, result: /exceeds 1 MB/ },
};

for (const [title, { status = 200, body, result }] of Object.entries(ANSWERS)) {
  test(`${title} is ${result instanceof RegExp ? 'reported as no number' : 'a number'}`, async () => {
    const seen: { body?: string; authorization?: string } = {};
    const server = createServer(async (request, response) => {
      seen.authorization = request.headers.authorization;
      seen.body = '';
      for await (const chunk of request) seen.body += chunk;
      response.statusCode = status;
      response.end(typeof body === 'string' ? body : JSON.stringify(body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const query = createInstantQuery({
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/prefix`,
      timeoutMs: 5000,
      bearerToken: 'secret',
    });
    const answer = await query('sum(x)', 1_000_500);
    server.closeAllConnections();
    server.close();
    if (result instanceof RegExp) assert.match(String(answer), result);
    else assert.equal(answer, result);
    assert.equal(seen.body, 'query=sum%28x%29&time=1000.500');
    assert.equal(seen.authorization, 'Bearer secret');
  });
}

test('an unreachable, slow or unset Prometheus returns no number and throws nothing', async () => {
  const silent = createServer(() => undefined);
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  assert.match(
    String(await createInstantQuery({ url, timeoutMs: 100, bearerToken: undefined })('x')),
    /does not answer/,
  );
  silent.closeAllConnections();
  await new Promise((resolve) => silent.close(resolve));
  assert.match(
    String(await createInstantQuery({ url, timeoutMs: 1000, bearerToken: undefined })('x')),
    /does not answer/,
  );
  assert.match(
    String(await createInstantQuery({ url: undefined, timeoutMs: 1000, bearerToken: undefined })('x')),
    /PROMETHEUS_URL is not set/,
  );
});
