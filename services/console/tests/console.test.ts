import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { s3Environment, startS3Server, type S3Server } from '../../api/tests/s3-server.ts';
import { startIndexerProcess } from '../../indexer/tests/indexer.ts';
import { KEY, startTestService, type TestService } from '../../api/tests/service.ts';
import { noBrowser, openBrowser, openPage, type Viewport } from './browser.ts';
import { ensureBuilt } from './build.ts';
import { makePhotos, samplePath, type TestPhotos } from './photos.ts';
import { readQrCode } from './qr.ts';
import { namesInZip } from './zip.ts';

const VIEWPORTS: Viewport[] = [
  { width: 1280, height: 850, colorScheme: 'light' },
  { width: 360, height: 740, colorScheme: 'dark' },
];

describe('the console', { skip: noBrowser }, () => {
  let bucket: S3Server;
  let service: TestService;
  let photos: TestPhotos;
  let browser: Browser;
  before(async () => {
    ensureBuilt();
    photos = await makePhotos();
    bucket = await startS3Server();
    service = await startTestService({
      environment: { PHOTO_URL_TEMPLATE: '/samples/{photo_id}', ...s3Environment(bucket) },
    });
    browser = await openBrowser(photos.camera);
  });
  after(async () => {
    await browser?.close();
    await service?.[Symbol.asyncDispose]();
    await bucket?.[Symbol.asyncDispose]();
    await photos?.[Symbol.asyncDispose]();
  });

  for (const viewport of VIEWPORTS) {
    describe(`${viewport.width} pixels wide, ${viewport.colorScheme}`, () => {
      const open = () => openPage(browser, service.url, viewport);

      test('one click indexes the sample photos and frames every face', async () => {
        await using watched = await open();
        const { page } = watched;
        await page.goto(`${service.url}/#key=${KEY}`);
        assert.equal(await page.evaluate(() => location.hash), '');
        await page.getByRole('button', { name: 'Open the sample session' }).waitFor();
        await watched.assertAccessible();
        await page.getByRole('button', { name: 'Open the sample session' }).click();
        await page.getByText('6 indexed').waitFor();
        await factReaches(page, 'Photos with faces', '6');
        const faces = Number(await fact(page, 'Faces'));
        assert.ok(faces >= 18, `${faces} faces in six photos of three to five`);
        await page
          .locator('.tile .frame.face')
          .nth(faces - 1)
          .waitFor();
        assert.equal(await page.locator('.tile .frame.face').count(), faces);
        await watched.assertAccessible();
        await watched.assertClean();
      });

      test('a folder is indexed, and each photo shows its result', async () => {
        await using watched = await open();
        const { page } = watched;
        watched.expectAnswers(400);
        await page.goto(`${service.url}/#key=${KEY}`);
        await page.getByLabel('Name of the event').fill('Anna & Ben');
        await page.getByRole('button', { name: 'Create' }).click();
        await page.getByRole('heading', { name: /^anna-ben-[0-9a-z]{12}$/ }).waitFor();
        await chooser(page, 'Choose a folder').setInputFiles(photos.folder);
        await page.getByText('2 indexed · 1 without a usable face').waitFor();
        assert.deepEqual(await page.locator('.tile-name').allTextContents(), [
          'meadow.jpg',
          'party-2.jpg',
          'party-4.jpg',
        ]);
        await chooser(page, 'Choose photos').setInputFiles([photos.large, photos.turned, photos.broken]);
        await page.getByText('4 indexed · 1 without a usable face · 1 failed').waitFor();
        await tile(page, 'broken.jpg').getByText('The bytes are not an image').waitFor();
        await page.getByRole('button', { name: /^No face/ }).click();
        assert.deepEqual(await page.locator('.tile-name').allTextContents(), ['meadow.jpg']);
        await watched.assertAccessible();
        await watched.assertClean();
      });

      test('frames match the faces of photos that were shrunk or rotated', async () => {
        await using watched = await open();
        const { page } = watched;
        await openSession(page, service.url);
        await chooser(page, 'Choose photos').setInputFiles([samplePath(2), photos.large, photos.turned]);
        await page.getByText('3 indexed').waitFor();
        const places: Record<string, number[][]> = {};
        for (const name of ['sample2.jpg', 'large.jpg', 'turned.jpg']) {
          await tile(page, name).click();
          await page.locator('.large-picture .frame').nth(2).waitFor();
          places[name] = await framePlaces(page);
          await page.keyboard.press('Escape');
        }
        for (const name of ['large.jpg', 'turned.jpg']) assertSamePlaces(places[name], places['sample2.jpg'], name);
        await watched.assertClean();
      });

      test('a photo is erased after a confirmation and can be indexed again', async () => {
        await using watched = await open();
        const { page } = watched;
        const session = await openSession(page, service.url);
        await chooser(page, 'Choose photos').setInputFiles([samplePath(2), samplePath(4)]);
        await page.getByText('2 indexed').waitFor();
        await tile(page, 'sample4.jpg').click();
        await watched.assertAccessible();
        await page.getByRole('button', { name: 'Erase photo' }).click();
        await page.getByRole('dialog', { name: 'Erase this photo?' }).getByRole('button', { name: 'Keep' }).click();
        await page.getByRole('button', { name: 'Erase photo' }).click();
        await watched.assertAccessible();
        await page.getByRole('dialog', { name: 'Erase this photo?' }).getByRole('button', { name: 'Erase' }).click();
        await page.getByText('Erased sample4.jpg from the session.').waitFor();
        assert.equal((await status(service, session)).photo_count, 1);
        await page.keyboard.press('Escape');
        await page.getByRole('button', { name: 'Index again' }).click();
        await page.getByText('2 indexed').waitFor();
        assert.equal((await status(service, session)).photo_count, 2);
        await watched.assertClean();
      });

      test('a selfie finds the photos of the woman and frames only her face; one photo is downloaded, then all', async () => {
        await using watched = await open();
        const { page } = watched;
        await openSession(page, service.url);
        await chooser(page, 'Choose photos').setInputFiles([...[2, 3, 4].map(samplePath), photos.turned]);
        await page.getByText('4 indexed').waitFor();
        await page.getByRole('tab', { name: 'Find a person' }).click();
        await watched.assertAccessible();
        await chooser(page, 'Choose a photo').setInputFiles(photos.selfie);
        await page.locator('.tile.match').first().waitFor();
        const found = await page.locator('.tile.match .tile-name').allTextContents();
        assert.deepEqual(found.slice(0, 2).sort(), ['sample2.jpg', 'turned.jpg']);
        await page.locator('.tile.match .frame.match').first().waitFor();
        assert.equal(await page.locator('.tile.match .frame').count(), await page.locator('.tile.match').count());
        await watched.assertAccessible();
        const [one] = await Promise.all([
          page.waitForEvent('download'),
          page.getByRole('button', { name: 'Download sample2.jpg' }).click(),
        ]);
        assert.equal(one.suggestedFilename(), 'sample2.jpg');
        const [all] = await Promise.all([
          page.waitForEvent('download'),
          page.getByRole('button', { name: /^Download all/ }).click(),
        ]);
        assert.deepEqual((await namesInZip(await all.path())).slice(0, 2).sort(), ['sample2.jpg', 'turned.jpg']);
        await watched.assertClean();
      });

      test('another face of the selfie can be chosen, and the strictness changed by keyboard', async () => {
        await using watched = await open();
        const { page } = watched;
        await openSession(page, service.url);
        await chooser(page, 'Choose photos').setInputFiles([samplePath(2)]);
        await page.getByText('1 indexed').waitFor();
        await page.getByRole('tab', { name: 'Find a person' }).click();
        await chooser(page, 'Choose a photo').setInputFiles(samplePath(2));
        await page.getByText('This photo shows 3 faces; searched face 1, the largest.').waitFor();
        await watched.assertAccessible();
        await page.getByRole('button', { name: 'Face 3 of 3' }).press('Enter');
        await page.getByText('searched face 3.').waitFor();
        assert.equal(await page.getByRole('button', { name: 'Face 3 of 3' }).getAttribute('aria-pressed'), 'true');
        await page.getByRole('slider', { name: /Strictness/ }).press('End');
        await page.locator('output').getByText('0.95').waitFor();
        await page.locator('.tile.match').first().waitFor();
        await page.getByRole('tab', { name: 'Find a person' }).press('Home');
        await page.getByRole('tab', { name: 'Photos' }).press('ArrowRight');
        await page.locator('output').getByText('0.95').waitFor();
        await watched.assertClean();
      });

      test('a click on a face of a photo searches for that person', async () => {
        await using watched = await open();
        const { page } = watched;
        await openSession(page, service.url);
        await chooser(page, 'Choose photos').setInputFiles([samplePath(2), samplePath(4)]);
        await page.getByText('2 indexed').waitFor();
        await tile(page, 'sample2.jpg').press('Enter');
        await page.getByRole('dialog').getByRole('button', { name: 'Find' }).first().click();
        await page.locator('.tile.match').first().waitFor();
        assert.equal(await page.locator('.tile.match .tile-name').first().textContent(), 'sample2.jpg');
        await watched.assertClean();
      });

      test('the camera takes the selfie and is turned off afterwards', async () => {
        await using watched = await open();
        const { page } = watched;
        await openSession(page, service.url);
        await chooser(page, 'Choose photos').setInputFiles([samplePath(2), samplePath(4)]);
        await page.getByText('2 indexed').waitFor();
        await page.getByRole('tab', { name: 'Find a person' }).click();
        await page.getByRole('button', { name: 'Take a selfie' }).click();
        await page.getByRole('button', { name: 'Take photo' }).click();
        await page.locator('.tile.match').first().waitFor();
        assert.equal(await page.locator('.tile.match .tile-name').first().textContent(), 'sample2.jpg');
        assert.equal(await page.locator('video').count(), 0);
        await watched.assertClean();
      });

      test('a search without a result shows what may help', async () => {
        await using watched = await open();
        const { page } = watched;
        watched.expectAnswers(400, 404);
        await openSession(page, service.url);
        await page.getByRole('tab', { name: 'Find a person' }).click();
        await chooser(page, 'Choose a photo').setInputFiles(photos.selfie);
        await page.getByRole('heading', { name: 'No photos here yet' }).waitFor();
        await page.getByRole('tab', { name: 'Photos' }).click();
        await chooser(page, 'Choose photos').setInputFiles([samplePath(5)]);
        await page.getByText('1 indexed').waitFor();
        await page.getByRole('tab', { name: 'Find a person' }).click();
        await chooser(page, 'Choose a photo').setInputFiles(photos.meadow);
        await page.getByRole('heading', { name: 'No usable face in this photo' }).waitFor();
        await page.getByText('Turn towards a window').waitFor();
        await watched.assertAccessible();
        await page.getByRole('slider', { name: /Strictness/ }).press('End');
        await chooser(page, 'Choose a photo').setInputFiles(photos.selfie);
        await page.getByText('Lower the strictness').waitFor();
        await watched.assertClean();
      });

      test('an invalid key stops the upload at once, and a valid one resumes it', async () => {
        await using watched = await open();
        const { page } = watched;
        watched.expectAnswers(401);
        await page.goto(`${service.url}/?session=${randomUUID()}`);
        await chooser(page, 'Choose photos').setInputFiles([samplePath(2)]);
        const dialog = page.getByRole('dialog', { name: 'API key' });
        await dialog.getByLabel('Key').fill('a-key-that-nobody-gave-out');
        await watched.assertAccessible();
        await dialog.getByRole('button', { name: 'Use key' }).click();
        await page.getByRole('alert').getByText(/key/i).first().waitFor();
        await page.getByRole('button', { name: 'Enter another key' }).click();
        await dialog.getByLabel('Key').fill(KEY);
        await dialog.getByRole('button', { name: 'Use key' }).click();
        await page.getByText('1 indexed').waitFor();
        const stores = await page.evaluate(() => ({
          session: Object.values(sessionStorage),
          local: Object.values(localStorage),
        }));
        assert.deepEqual(stores.session, [KEY]);
        assert.ok(!stores.local.join().includes(KEY));
        await watched.assertClean();
      });

      test('uploads wait as long as a busy service asks, and no photo is lost', async () => {
        await using watched = await open();
        const { page } = watched;
        watched.expectAnswers(503);
        let refusals = 0;
        await page.route('**/api/v1/index', async (route) => {
          if ((refusals += 1) > 2) return route.continue();
          const json = { status: 503, code: 'inference_overloaded', detail: 'Inference overloaded' };
          await route.fulfill({
            status: 503,
            headers: { 'Retry-After': '2' },
            contentType: 'application/problem+json',
            json,
          });
        });
        await openSession(page, service.url);
        await chooser(page, 'Choose photos').setInputFiles([1, 2, 3].map(samplePath));
        await page.getByText('The service is busy; waiting').waitFor();
        await page.getByText('3 indexed').waitFor();
        await watched.assertClean();
      });

      test('shows the guests’ link, and a scanner reads it from the QR code', async () => {
        await using watched = await open();
        const { page } = watched;
        const session = await openSession(page, service.url);
        await page.getByRole('tab', { name: 'Photos' }).press('End');
        assert.equal(await readQrCode(page), `${service.url}/s/${session}`);
        assert.equal(
          await page.getByRole('link', { name: session }).getAttribute('href'),
          `${service.url}/s/${session}`,
        );
        await page.getByText('works only on this computer').waitFor();
        await watched.assertAccessible();
        await watched.assertClean();
      });

      test('a session is erased after a confirmation', async () => {
        await using watched = await open();
        const { page } = watched;
        const session = await openSession(page, service.url);
        await chooser(page, 'Choose photos').setInputFiles([samplePath(2)]);
        await factReaches(page, 'Photos with faces', '1');
        await page.getByRole('button', { name: 'Erase session' }).click();
        await watched.assertAccessible();
        await page.getByRole('dialog').getByRole('button', { name: 'Erase', exact: true }).click();
        await page.getByText(`Erased session ${session}.`).waitFor();
        assert.equal((await status(service, session)).indexed, false);
        await watched.assertClean();
      });
    });
  }

  test('the jobs of a session show what failed, are retried and are cancelled', async () => {
    const session = `jobs-${randomUUID()}`;
    const photos = ['there.jpg', 'gone.jpg'].map((key) => ({ photo_id: key, s3_key: key }));
    bucket.objects.set('/photos/there.jpg', await readFile(samplePath(2)));
    await service.call('POST', '/api/v1/jobs', { key: KEY, json: { session_id: session, photos } });
    await using watched = await openPage(browser, service.url, VIEWPORTS[1]!);
    const { page } = watched;
    await page.goto(`${service.url}/?session=${session}#key=${KEY}`);
    await page.getByRole('tab', { name: 'Jobs' }).click();
    await page.getByText('Running: 0 of 2').waitFor();
    {
      await using _indexer = await startIndexerProcess({
        DATABASE_URL: service.database.url,
        DATABASE_POOL_SIZE: service.database.engine === 'embedded' ? '1' : '10',
        INFERENCE_ADDRESS: service.inference!.address,
        ...s3Environment(bucket),
      });
      await page.getByText('Finished: 2 of 2').waitFor();
    }
    await page.getByText('1 failed', { exact: true }).click();
    await page.getByText(/^gone\.jpg: .*\(s3_object_not_found\)$/).waitFor();
    await watched.assertAccessible();
    await page.getByRole('button', { name: 'Retry what failed' }).click();
    await page.getByText('Running: 1 of 2').waitFor();
    await page.getByRole('button', { name: 'Cancel the rest' }).click();
    await page.getByText('Cancelled: 2 of 2').waitFor();
    await watched.assertClean();
  });
});

/** Opens a new session of its own with the key at hand; returns its id. */
async function openSession(page: Page, url: string): Promise<string> {
  const session = `test-${randomUUID()}`;
  await page.goto(`${url}/?session=${session}#key=${KEY}`);
  await page.getByRole('heading', { name: session }).waitFor();
  return session;
}

/** The file input of a button. */
function chooser(page: Page, button: string) {
  return page.locator('.file-button', { hasText: button }).locator('input');
}

function tile(page: Page, name: string) {
  return page.locator('button.tile', { hasText: name });
}

function fact(page: Page, name: string): Promise<string | null> {
  return page
    .locator('.status-line div', { has: page.getByText(name, { exact: true }) })
    .locator('dd')
    .textContent();
}

async function factReaches(page: Page, name: string, value: string): Promise<void> {
  await page
    .locator('.status-line div', { has: page.getByText(name, { exact: true }) })
    .locator('dd')
    .getByText(value, { exact: true })
    .waitFor();
}

/** Left, top, right and bottom of each frame of the large picture, from left to right, as shares of the picture. */
function framePlaces(page: Page): Promise<number[][]> {
  return page.locator('.large-picture > span').evaluate((picture) => {
    const whole = picture.getBoundingClientRect();
    const places = [...picture.querySelectorAll('.frame')].map((frame) => {
      const { left, top, right, bottom } = frame.getBoundingClientRect();
      return [
        (left - whole.left) / whole.width,
        (top - whole.top) / whole.height,
        (right - whole.left) / whole.width,
        (bottom - whole.top) / whole.height,
      ];
    });
    return places.sort(([a = 0], [b = 0]) => a - b);
  });
}

/** The same within 1.5 % of the picture: another number of pixels moves a detection a little. */
function assertSamePlaces(actual: number[][] = [], expected: number[][] = [], name: string): void {
  assert.equal(actual.length, expected.length, name);
  for (const [at, place] of expected.entries())
    for (const [side, value] of place.entries())
      assert.ok(Math.abs((actual[at]?.[side] ?? NaN) - value) < 0.015, `${name}: ${actual[at]} is not ${place}`);
}

async function status(service: TestService, session: string): Promise<{ indexed: boolean; photo_count: number }> {
  return (await service.call('GET', `/api/v1/search/status/${session}`)).body;
}
