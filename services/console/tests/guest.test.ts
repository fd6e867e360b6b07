import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { readFile } from 'node:fs/promises';
import type { Browser, Page } from 'playwright-core';
import { KEY, SECRET, startTestService, type TestService } from '../../api/tests/service.ts';
import { noBrowser, openBrowser, openPage, type Viewport } from './browser.ts';
import { ensureBuilt } from './build.ts';
import { makePhotos, samplePath, type TestPhotos } from './photos.ts';
import { readQrCode } from './qr.ts';
import { namesInZip } from './zip.ts';

const VIEWPORTS: Viewport[] = [
  { width: 1280, height: 850, colorScheme: 'dark' },
  { width: 360, height: 740, colorScheme: 'light' },
];
const SESSION = 'Anna & Ben / 9 May';

describe('the guest page', { skip: noBrowser }, () => {
  let open: TestService;
  /** The same session behind search tokens, of a photographer whose site does not show photos. */
  let closed: TestService;
  let photos: TestPhotos;
  let browser: Browser;
  before(async () => {
    ensureBuilt();
    photos = await makePhotos();
    open = await startTestService({ environment: { PHOTO_URL_TEMPLATE: '/samples/sample2.jpg?of={photo_id}' } });
    closed = await startTestService({
      database: open.database,
      inference: null,
      environment: {
        SEARCH_ACCESS: 'token',
        SEARCH_TOKEN_SECRET: SECRET,
        INFERENCE_ADDRESS: open.inference?.address ?? '',
      },
    });
    for (const number of [2, 4, 5]) await index(open, `sample${number}.jpg`, samplePath(number));
    await index(open, 'turned.jpg', photos.turned);
    browser = await openBrowser(photos.camera);
  });
  after(async () => {
    await browser?.close();
    await closed?.[Symbol.asyncDispose]();
    await open?.[Symbol.asyncDispose]();
    await photos?.[Symbol.asyncDispose]();
  });

  for (const viewport of VIEWPORTS) {
    describe(`${viewport.width} pixels wide, ${viewport.colorScheme}`, () => {
      const openGuestPage = () => openPage(browser, open.url, viewport);
      const address = `/s/${encodeURIComponent(SESSION)}`;

      test('a camera selfie shows the guest’s photos to open or download', async () => {
        await using watched = await openGuestPage();
        const { page } = watched;
        await page.goto(`${open.url}${address}`);
        await page.getByText(SESSION).waitFor();
        await watched.assertAccessible();
        await page.getByRole('button', { name: 'Take a selfie' }).click();
        await watched.assertAccessible();
        await page.getByRole('button', { name: 'Take photo' }).click();
        await page.getByRole('heading', { name: /^You are in \d photos$/ }).waitFor();
        const found = page.getByRole('list', { name: 'Your photos' }).getByRole('link');
        await page.getByRole('heading', { name: 'You', exact: true }).waitFor();
        await page.getByRole('button', { name: 'One more, from the side' }).click();
        await watched.assertAccessible();
        await page.getByRole('button', { name: 'Take photo' }).click();
        await page.getByText('Searched with 2 selfies.').waitFor();
        const addresses = await found.evaluateAll((links) => links.map((link) => link.getAttribute('href')));
        assert.deepEqual(addresses.slice(0, 2).sort(), [
          '/samples/sample2.jpg?of=sample2.jpg',
          '/samples/sample2.jpg?of=turned.jpg',
        ]);
        await page.evaluate(() => Promise.all([...document.images].map((image) => image.decode())));
        await watched.assertAccessible();
        const [all] = await Promise.all([
          page.waitForEvent('download'),
          page.getByRole('button', { name: 'Download all' }).click(),
        ]);
        assert.deepEqual((await namesInZip(await all.path())).slice(0, 2).sort(), ['sample2.jpg', 'turned.jpg']);
        await watched.assertClean();
      });

      test('a guest chooses a face if the selfie shows several', async () => {
        await using watched = await openGuestPage();
        const { page } = watched;
        await page.goto(`${open.url}${address}`);
        await choose(page, samplePath(5));
        await page.getByText('Your selfie shows 5 faces. Which one is you?').waitFor();
        await watched.assertAccessible();
        await page.getByRole('button', { name: 'Face 4 of 5' }).click();
        await page.locator('.face-strip [aria-pressed=true] img[alt="Face 4 of 5"]').waitFor();
        await page.getByRole('heading', { name: /^You are in/ }).waitFor();
        await watched.assertClean();
      });

      test('a selfie without a usable face gets advice', async () => {
        await using watched = await openGuestPage();
        const { page } = watched;
        watched.expectAnswers(400);
        await page.goto(`${open.url}${address}`);
        await choose(page, photos.meadow);
        await page.getByRole('heading', { name: 'No usable face in this photo' }).waitFor();
        await page.getByText('Face the camera').waitFor();
        await watched.assertAccessible();
        await choose(page, photos.selfie);
        await page.getByRole('heading', { name: /^You are in/ }).waitFor();
        await watched.assertClean();
      });

      test('a token opens only its session; without it, or with another session’s, the link has expired', async () => {
        await using watched = await openPage(browser, closed.url, viewport);
        const { page } = watched;
        watched.expectAnswers(401);
        const tokenOf = async (session_id: string): Promise<string> =>
          (await closed.call('POST', '/api/v1/search/tokens', { key: KEY, json: { session_id } })).body.token;
        for (const fragment of ['', `#token=${await tokenOf('another session')}`]) {
          await page.goto('about:blank');
          await page.goto(`${closed.url}${address}${fragment}`);
          await choose(page, photos.selfie);
          await page.getByRole('heading', { name: 'This link no longer works' }).waitFor();
        }
        await watched.assertAccessible();
        // As on signs that were printed when the token travelled in the query.
        await page.goto(`${closed.url}${address}?token=${await tokenOf(SESSION)}`);
        await choose(page, photos.selfie);
        await page.getByRole('heading', { name: /^You are in/ }).waitFor();
        await page.getByText('Ask the photographer for these photos:').waitFor();
        const named = await page.getByRole('list', { name: 'Your photos' }).getByRole('listitem').allTextContents();
        assert.deepEqual(named.slice(0, 2).sort(), ['sample2.jpg', 'turned.jpg']);
        await watched.assertAccessible();
        await watched.assertClean();
      });

      test('if guests need a token, the console asks a photographer without a key for the key', async () => {
        await using watched = await openPage(browser, closed.url, viewport);
        const { page } = watched;
        watched.expectAnswers(401);
        await page.goto(`${closed.url}/?${new URLSearchParams({ session: SESSION })}`);
        await page.getByText('only with a key').waitFor();
        await page.getByRole('tab', { name: 'Find a person' }).click();
        await choose(page, photos.selfie);
        await page.getByRole('tabpanel').getByRole('button', { name: 'Enter key' }).click();
        await watched.assertAccessible();
        await page.getByLabel('Key', { exact: true }).fill(KEY);
        await page.getByRole('button', { name: 'Use key' }).click();
        await page.locator('.tile.match').first().waitFor();
        await page.getByText('only with a key').waitFor({ state: 'detached' });
        await watched.assertClean();
      });

      test('the console creates the guests’ link with its token, and the QR code opens the page', async () => {
        await using watched = await openPage(browser, closed.url, viewport);
        const { page } = watched;
        watched.expectAnswers(401);
        await page.goto(`${closed.url}/?${new URLSearchParams({ session: SESSION })}#key=${KEY}`);
        await page.getByRole('tab', { name: 'Guests' }).click();
        await page.getByLabel('Valid for').selectOption('1 day');
        await page.getByRole('button', { name: 'Create link' }).click();
        const link = await readQrCode(page);
        assert.match(link ?? '', /\/s\/Anna%20%26%20Ben%20%2F%209%20May#token=[\w.-]{100,}$/);
        assert.equal(await page.getByRole('link', { name: '/s/' }).getAttribute('href'), link);
        await watched.assertAccessible();
        await page.goto(link ?? '');
        await choose(page, photos.selfie);
        await page.getByRole('heading', { name: /^You are in/ }).waitFor();
        await watched.assertClean();
      });
    });
  }
});

async function index(service: TestService, photoId: string, path: string): Promise<void> {
  const { status } = await service.call('POST', '/api/v1/index', {
    key: KEY,
    form: { session_id: SESSION, photo_id: photoId, image: await readFile(path) },
  });
  assert.equal(status, 200);
}

function choose(page: Page, path: string): Promise<void> {
  return page.locator('.file-button', { hasText: 'Choose a photo' }).locator('input').setInputFiles(path);
}
