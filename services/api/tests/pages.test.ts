import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { chromium } from 'playwright-core';
import { settingsAnswer } from '@facepass/contracts/http';
import { PROBLEMS } from '@facepass/indexing/errors';
import { startApiProcess } from './api-process.ts';
import { startTestService, type TestService } from './service.ts';

describe('pages and documents', () => {
  let service: TestService;
  before(async () => {
    service = await startTestService({
      inference: null,
      environment: {
        LEGACY_CLIENTS: 'true',
        PHOTO_URL_TEMPLATE: 'https://photos.example.com/{session_id}/{photo_id}',
      },
    });
  });
  after(() => service?.[Symbol.asyncDispose]());

  test('every problem code has the page that its type names', async () => {
    for (const [code, { status, title }] of Object.entries(PROBLEMS)) {
      const page = await service.call('GET', `/docs/errors/${code}`);
      assert.equal(page.status, 200);
      assert.ok(
        String(page.body).includes(code) &&
          String(page.body).includes(`${status}: `) &&
          String(page.body).includes(title.split('`')[0]!),
      );
    }
    assert.equal((await service.call('GET', '/docs/errors/nothing')).status, 404);
    assert.equal((await service.call('GET', '/docs/errors')).status, 200);
  });

  test('the OpenAPI document names every call of the app, with the legacy ones only where they are on', async () => {
    const { body } = await service.call('GET', '/openapi.json');
    assert.equal(body.openapi, '3.1.0');
    const operations = Object.values(body.paths)
      .flatMap((path) => Object.values(path as object))
      .map(({ operationId }) => operationId);
    assert.equal(new Set(operations).size, operations.length);
    assert.ok(operations.includes('indexPhoto') && operations.includes('legacySearchSession'));
    await using plain = await startTestService({ inference: null, database: service.database });
    const paths = Object.keys((await plain.call('GET', '/openapi.json')).body.paths);
    assert.ok(paths.includes('/api/v1/index') && !paths.some((path) => path.startsWith('/api/v1/faces/')));
    assert.equal((await plain.call('POST', '/api/v1/faces/search-session')).body.code, 'route_not_found');
  });

  test('the committed OpenAPI document, configuration table and example environment are those of the schemas', () => {
    execFileSync(process.execPath, [join(import.meta.dirname, '../../../scripts/generate/docs.ts'), '--check'], {
      stdio: 'inherit',
    });
  });

  test('a range beyond the end and a precondition are no faults of the service', async () => {
    for (const path of ['/docs/assets/swagger-ui.css', '/docs/assets/favicon-32x32.png', '/']) {
      const range = await service.call('GET', path, { headers: { Range: 'bytes=99999999-' } });
      assert.equal(range.status, 200, path);
    }
    const version = await service.call('GET', '/docs/assets/swagger-ui.css', { headers: { 'If-Match': '"other"' } });
    assert.equal(version.status, 412);
    assert.equal(version.body.code, 'precondition_failed');
  });

  test('the console is served from an installation below a folder whose name begins with a dot', async () => {
    using place = copyOfTheApi('.facepass');

    await using api = await startApiProcess({ DATABASE_URL: service.database.url }, place);
    const page = await (await fetch(api.url)).text();
    assert.match(page, /<script type="module"/, 'the console, and not the page that stands in for it');
    const paths = ['/s/wedding', '/docs/assets/swagger-ui.css', /(?:src|href)="(\/assets\/[^"]+)"/.exec(page)![1]];
    for (const path of paths) assert.equal((await fetch(`${api.url}${path}`)).status, 200, path);
  });

  test('settings tell a client what it needs before its first call', async () => {
    const { body } = await service.call('GET', '/api/v1/settings');
    assert.deepEqual(settingsAnswer.parse(body), body);
    assert.equal(body.max_image_bytes, 10 * 1024 * 1024);
    assert.equal(body.photo_url_template, 'https://photos.example.com/{session_id}/{photo_id}');
  });

  test('every answer forbids foreign scripts; pictures may come from where the template says', async () => {
    for (const path of ['/', '/docs', '/health', '/nothing']) {
      const policy = (await service.call('GET', path)).headers.get('content-security-policy') ?? '';
      assert.match(policy, /default-src 'self'/);
      assert.match(policy, /img-src 'self' blob: data: https:\/\/photos\.example\.com(;|$)/);
      assert.doesNotMatch(policy, /unsafe|upgrade-insecure|\*/);
    }
  });

  test('metrics on both ports name the routes, never a session, and fold unknown paths', async () => {
    for (let n = 0; n < 50; n += 1) await service.call('GET', `/unknown/${n}`);
    await service.call('GET', '/api/v1/search/status/secret-session');
    for (const url of [service.url, service.metricsUrl]) {
      const text = await (await fetch(`${url}/metrics`)).text();
      assert.match(
        text,
        /http_server_request_duration_seconds_count\{route="unmatched",method="GET",status="404"\} 5\d/,
      );
      assert.match(text, /route="\/api\/v1\/search\/status\/:session_id",method="GET",status="200"/);
      for (const name of [
        'facepass_search_requests_total',
        'facepass_search_duration_seconds',
        'facepass_index_requests_total',
        'facepass_index_duration_seconds',
        'facepass_embeddings_total',
        'facepass_db_connections_active',
      ]) {
        assert.match(text, new RegExp(`^# TYPE ${name.replace(/_total$/, '')}`, 'm'), name);
      }
      assert.doesNotMatch(text, /secret-session|unknown\//);
    }
  });

  const browserPath = process.env['FACEPASS_TEST_CHROMIUM'] ?? '/usr/bin/chromium';
  test(
    'the API reference draws itself in a browser without a breach of its policy or a foreign request',
    { skip: existsSync(browserPath) ? false : `needs ${browserPath}` },
    async () => {
      const browser = await chromium.launch({
        executablePath: browserPath,
        args: ['--headless', '--no-sandbox', '--disable-gpu'],
      });
      const page = await browser.newPage();
      const said: string[] = [];
      page.on('console', (message) => said.push(message.text()));
      page.on(
        'request',
        (request) =>
          !/^(data|blob):/.test(request.url()) &&
          !request.url().startsWith(service.url) &&
          said.push(`foreign request: ${request.url()}`),
      );
      page.on(
        'response',
        (response) => response.status() >= 400 && said.push(`${response.status()}: ${response.url()}`),
      );
      await page.goto(`${service.url}/docs`);
      for (const operation of ['searchFaces', 'indexPhoto', 'eraseSession'])
        await page.waitForSelector(`[id$="${operation}"]`);
      await page.click('[id$="indexBatch"] button');
      await page.waitForSelector('[id$="indexBatch"] .opblock-body');
      await browser.close();
      assert.deepEqual(said, []);
    },
  );
});

/** The API and the built console below a folder of this name, beside the packages of the repository. */
function copyOfTheApi(name: string): Disposable & { directory: string } {
  const root = join(import.meta.dirname, '../../..');
  const parent = mkdtempSync(join(tmpdir(), 'facepass-'));
  const directory = join(parent, name);
  mkdirSync(join(directory, 'services'), { recursive: true });
  for (const path of ['package.json', 'services/api', 'services/console/dist', 'models'])
    cpSync(join(root, path), join(directory, path), { recursive: true, filter: (from) => !from.endsWith('.onnx') });
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
  return { directory, [Symbol.dispose]: () => rmSync(parent, { recursive: true }) };
}
