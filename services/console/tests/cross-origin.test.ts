import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { KEY, startTestService, type TestService } from '../../api/tests/service.ts';
import { noBrowser, openBrowser } from './browser.ts';
import { samplePath } from './photos.ts';

describe('a page of another origin', { skip: noBrowser }, () => {
  let browser: Browser;
  let service: TestService;
  let allowed: Site;
  let foreign: Site;
  before(async () => {
    allowed = await startSite();
    foreign = await startSite();
    service = await startTestService({
      environment: { CORS_ORIGINS: `https://www.example.com, ${allowed.origin}`, SEARCH_ACCESS: 'token' },
    });
    browser = await openBrowser('/dev/null');
  });
  after(async () => {
    await browser?.close();
    await service?.[Symbol.asyncDispose]();
    await allowed?.[Symbol.asyncDispose]();
    await foreign?.[Symbol.asyncDispose]();
  });

  const preflights = () => service.log.filter((line) => line['method'] === 'OPTIONS').length;

  test('indexes, makes a token, searches, and reads the status and the settings', async () => {
    await using opened = await openSite(browser, allowed);
    const { page } = opened;
    const photo = readFileSync(samplePath(2)).toString('base64');
    const answers = await page.evaluate(callAll, { url: service.url, key: KEY, photo });
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200, 200, 200, 404],
      JSON.stringify(answers),
    );
    const [, , search] = answers;
    assert.equal(search!.body.matches[0].photo_id, 'sample2.jpg');
    assert.match(search!.requestId ?? '', /-/);
    assert.equal(answers.at(-1)!.body.code, 'route_not_found');
  });

  test('keeps the answer to a preflight, so that the same call again needs no other', async () => {
    const answer = await fetch(`${service.url}/api/v1/search/tokens`, {
      method: 'OPTIONS',
      headers: {
        Origin: allowed.origin,
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'x-api-key',
      },
    });
    assert.equal(answer.status, 204);
    assert.equal(answer.headers.get('access-control-allow-origin'), allowed.origin);
    assert.equal(answer.headers.get('access-control-max-age'), '7200');
    assert.equal(answer.headers.get('access-control-allow-credentials'), null);
    assert.match(answer.headers.get('vary') ?? '', /Origin/);
    await using opened = await openSite(browser, allowed);
    const before = preflights();
    const ask = () => opened.page.evaluate(makeToken, { url: service.url, key: KEY });
    assert.deepEqual([await ask(), await ask(), await ask()], [200, 200, 200]);
    assert.equal(preflights() - before, 1);
  });

  test('of an origin that is not listed reads nothing', async () => {
    await using opened = await openSite(browser, foreign);
    assert.equal(await opened.page.evaluate(makeToken, { url: service.url, key: KEY }), 'TypeError');
  });
});

test('without CORS_ORIGINS no page of another origin reads anything', { skip: noBrowser }, async () => {
  await using site = await startSite();
  await using service = await startTestService({ inference: null });
  await using stack = new AsyncDisposableStack();
  const browser = await openBrowser('/dev/null');
  stack.defer(() => browser.close());
  await using opened = await openSite(browser, site);
  assert.equal(await opened.page.evaluate(makeToken, { url: service.url, key: KEY }), 'TypeError');
  const plain = async ({ url }: { url: string }) =>
    fetch(`${url}/api/v1/settings`).then(
      ({ status }) => status,
      (error) => error.name,
    );
  assert.equal(await opened.page.evaluate(plain, { url: service.url }), 'TypeError');
});

/** A page of its own origin, with nothing on it. */
interface Site extends AsyncDisposable {
  origin: string;
}

async function startSite(): Promise<Site> {
  const server = createServer((_request, response) =>
    response.writeHead(200, { 'Content-Type': 'text/html' }).end('<!doctype html><title>Photographer</title>'),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function openSite(browser: Browser, { origin }: Site): Promise<AsyncDisposable & { page: Page }> {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(origin);
  return { page, [Symbol.asyncDispose]: () => context.close() };
}

/** Runs in the page. */
async function makeToken({ url, key }: { url: string; key: string }): Promise<number | string> {
  try {
    const answer = await fetch(`${url}/api/v1/search/tokens`, {
      method: 'POST',
      headers: { 'X-API-Key': key, 'Content-Type': 'application/json' },
      body: JSON.stringify({ session_id: 'gala' }),
    });
    return answer.status;
  } catch (error) {
    return (error as Error).name;
  }
}

/** Runs in the page: each call of a photographer's site, and what it can read of the answer. */
async function callAll({ url, key, photo }: { url: string; key: string; photo: string }) {
  const read = async (answer: Response) => ({
    status: answer.status,
    body: await answer.json(),
    requestId: answer.headers.get('X-Request-Id'),
  });
  const call = async (path: string, init: RequestInit) => read(await fetch(`${url}/api/v1${path}`, init));
  const image = new Blob([Uint8Array.from(atob(photo), (character) => character.charCodeAt(0))]);
  const form = (fields: Record<string, string | Blob>) => {
    const data = new FormData();
    for (const [name, value] of Object.entries(fields)) data.append(name, value as string);
    return data;
  };
  const json = { 'X-API-Key': key, 'Content-Type': 'application/json' };
  const indexed = await call('/index', {
    method: 'POST',
    headers: { 'X-API-Key': key },
    body: form({ session_id: 'gala', photo_id: 'sample2.jpg', image }),
  });
  const minted = await call('/search/tokens', {
    method: 'POST',
    headers: json,
    body: JSON.stringify({ session_id: 'gala' }),
  });
  const headers = { Authorization: `Bearer ${minted.body.token}` };
  return [
    indexed,
    minted,
    await call('/search', { method: 'POST', headers, body: form({ session_id: 'gala', image }) }),
    await call('/search/status/gala', { headers }),
    await call('/settings', {}),
    await call('/nothing', {}),
  ];
}
