import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { TestDatabase } from '../../../scripts/checks/test-database.ts';
import { runToItsEnd, startApiProcess } from './api-process.ts';
import { callApi, createMigratedDatabase } from './service.ts';

describe('the process', () => {
  let database: TestDatabase;
  before(async () => {
    database = await createMigratedDatabase();
  });
  after(() => database?.[Symbol.asyncDispose]());

  test('asked to stop it is not ready first, answers all that comes meanwhile and what is under way, and ends with code 0', async () => {
    await using api = await startApiProcess({
      DATABASE_URL: database.url,
      DATABASE_POOL_SIZE: '1',
      DRAIN_DELAY_MS: '1500',
    });
    const slow = slowUpload(api.port);
    await once(slow, 'connect');
    const agent = new Agent({ keepAlive: true, maxSockets: 4 });
    const balancer = watchReadiness(api.metricsUrl);
    const clients = [1, 2, 3, 4].map(() => callWhile(() => balancer.ready, agent, api.port));
    for (let n = 0; n < 20; n += 1) await callApi(api.url, 'GET', '/livez');

    api.child.kill('SIGTERM');
    await api.logged('stopping');
    const ready = await callApi(api.metricsUrl, 'GET', '/readyz');
    assert.equal(ready.status, 503);
    assert.match(ready.body, /stopping/);
    slow.write('0\r\n\r\n');
    const [answer] = (await once(slow, 'data')) as [Buffer];
    assert.match(answer.toString(), /^HTTP\/1\.1 (400|401)/);
    for (const outcome of await Promise.all(clients)) {
      assert.ok(outcome.answered > 0);
      assert.deepEqual(outcome.lost, [], 'no request was lost');
    }
    assert.equal(await api.exited, 0);
  });

  test('without HOST it is reached over IPv4 and IPv6, on both ports, and counts a client of either once', async () => {
    await using api = await startApiProcess({
      DATABASE_URL: database.url,
      HOST: '',
      RATE_LIMIT_SEARCHES_PER_MINUTE: '2',
    });
    const metricsPort = new URL(api.metricsUrl).port;
    for (const host of ['127.0.0.1', '[::1]']) {
      assert.equal((await fetch(`http://${host}:${metricsPort}/livez`)).status, 200);
      const statuses = [];
      for (let n = 0; n < 3; n += 1)
        statuses.push((await callApi(`http://${host}:${api.port}`, 'GET', '/api/v1/search/status/s')).status);
      assert.deepEqual(statuses, [200, 200, 429]);
    }
  });

  test('requests under way on kept connections, silent ones and those that never end do not hold it', async () => {
    await using api = await startApiProcess({
      DATABASE_URL: database.url,
      DATABASE_POOL_SIZE: '1',
      DRAIN_DELAY_MS: '0',
      DRAIN_TIMEOUT_MS: '60000',
      REQUEST_TIMEOUT_MS: '4000',
    });
    const kept = slowUpload(api.port);
    const silent = connect(api.port, '127.0.0.1');
    const endless = slowUpload(api.port);
    for (const socket of [kept, silent, endless]) socket.on('error', () => undefined);
    await once(silent, 'connect');
    for (let n = 0; n < 20; n += 1) await callApi(api.url, 'GET', '/livez');
    api.child.kill('SIGTERM');
    while (await callApi(api.url, 'GET', '/livez').catch(() => null));
    kept.write('0\r\n\r\n');
    const [answer] = (await once(kept, 'data')) as [Buffer];
    assert.match(answer.toString(), /^HTTP\/1\.1 400[^]*\r\nConnection: close/i);
    assert.equal(await api.exited, 0);
  });

  test('wrong configuration ends with code 78, every mistake in one message and no value in it', async () => {
    const environment = {
      DATABASE_URL: 'nonsense-value',
      TRUST_PROXY: 'true',
      PORT: 'secret-value',
      FACEPASS_TYPO: '1',
      API_KEYS: 'studio:short-value',
    };
    const { code, stderr } = await runToItsEnd(environment);
    assert.equal(code, 78);
    for (const name of ['DATABASE_URL', 'TRUST_PROXY', 'PORT', 'FACEPASS_TYPO'])
      assert.match(stderr, new RegExp(`  ${name}: `));
    assert.doesNotMatch(stderr, /-value/);
    const keys = await runToItsEnd({ DATABASE_URL: database.url, API_KEYS: 'studio:short-value' });
    assert.equal(keys.code, 78);
    assert.match(keys.stderr, /API_KEYS: entry 1/);
  });

  test('a pack that does not exist ends with code 78', async () => {
    const { code, stderr } = await runToItsEnd({ DATABASE_URL: database.url, MODEL_PACK: 'nothing-of-the-kind' });
    assert.equal(code, 78);
    assert.match(stderr, /MODEL_PACK: .*nothing-of-the-kind/);
  });
});

/** A search whose upload is begun and not ended. */
function slowUpload(port: number) {
  const socket = connect(port, '127.0.0.1');
  socket.write(
    'POST /api/v1/search HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Type: multipart/form-data; boundary=b\r\n\r\n5\r\n--b\r\n\r\n',
  );
  return socket;
}

/** A load balancer's look at the process: four times a second, and never again once it was not ready. */
function watchReadiness(metricsUrl: string): { ready: boolean } {
  const state = { ready: true };
  const look = async () => {
    state.ready =
      (await callApi(metricsUrl, 'GET', '/readyz').catch(() => ({ status: 0, body: '' }))).body !== 'stopping\n';
    if (!state.ready) clearInterval(timer);
  };
  const timer = setInterval(look, 250);
  return state;
}

/** Calls the API again and again over kept connections; a request that got no answer is lost. */
async function callWhile(
  ready: () => boolean,
  agent: Agent,
  port: number,
): Promise<{ answered: number; lost: string[] }> {
  const outcome = { answered: 0, lost: [] as string[] };
  while (ready()) {
    const result = await new Promise<string>((resolve) => {
      const call = request({ agent, port, host: '127.0.0.1', path: '/api/v1/search/status/s' }, (response) => {
        response.resume();
        response.once('end', () => resolve(`status ${response.statusCode}`));
        response.once('error', (error) => resolve(`cut: ${error.message}`));
      });
      call.once('error', (error) => resolve(`lost: ${error.message}`));
      call.end();
    });
    if (result === 'status 200') outcome.answered += 1;
    else outcome.lost.push(result);
  }
  return outcome;
}
