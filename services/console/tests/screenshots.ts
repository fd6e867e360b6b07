import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import sharp from 'sharp';
import { KEY, startTestService } from '../../api/tests/service.ts';
import { openBrowser } from './browser.ts';
import { ensureBuilt } from './build.ts';
import { makePhotos, samplePath } from './photos.ts';

/**
 * Takes the pictures of docs/images from the real pages, with a real service behind them: npm run screenshots.
 * The photos in them come with @vladmandic/face-api (MIT) and were taken by its author.
 */
async function takeScreenshots(directory: string): Promise<void> {
  ensureBuilt();
  await mkdir(directory, { recursive: true });
  await using photos = await makePhotos();
  await using service = await startTestService({ environment: { PHOTO_URL_TEMPLATE: '/samples/{photo_id}' } });
  const browser = await openBrowser(photos.camera);
  try {
    await takeConsole(browser, service.url, directory);
    await takeGuest(browser, service.url, photos.selfie, directory);
  } finally {
    await browser.close();
  }
}

async function takeConsole(browser: Browser, url: string, directory: string): Promise<void> {
  const page = await openAt(browser, 1280, 800, 'light');
  await page.goto(`${url}/#key=${KEY}`);
  await page.getByText('Ready', { exact: true }).waitFor();
  await keep(page, directory, 'start');
  await page.getByRole('button', { name: 'Open the sample session' }).click();
  await page.getByText('6 indexed').waitFor();
  await page.locator('dd').getByText('sface').waitFor();
  await keep(page, directory, 'photos');
  await page.locator('button.tile', { hasText: 'sample5.jpg' }).click();
  await page.locator('.large-picture .frame').first().waitFor();
  await keep(page, directory, 'faces');
  await page.keyboard.press('Escape');
  await page.getByRole('tab', { name: 'Find a person' }).click();
  await page.locator('.file-button', { hasText: 'Choose a photo' }).locator('input').setInputFiles(samplePath(2));
  await page.locator('.tile.match').first().waitFor();
  assert.deepEqual(
    await page.locator('.tile.match .tile-name').allTextContents(),
    ['sample2.jpg', 'sample4.jpg'],
    'the picture would show a stranger as found',
  );
  await keep(page, directory, 'search');
  await page.emulateMedia({ colorScheme: 'dark' });
  await keep(page, directory, 'search-dark');
  await page.emulateMedia({ colorScheme: 'light' });
  await page.getByRole('tab', { name: 'Guests' }).click();
  await keep(page, directory, 'guests');
}

async function takeGuest(browser: Browser, url: string, selfie: string, directory: string): Promise<void> {
  const page = await openAt(browser, 360, 740, 'light');
  await page.goto(`${url}/s/sample-photos`);
  await page.getByRole('heading', { name: 'Find your photos' }).waitFor();
  await keep(page, directory, 'guest-welcome');
  await page.locator('.file-button', { hasText: 'Choose a photo' }).locator('input').setInputFiles(selfie);
  await page.getByRole('heading', { name: /^You are in/ }).waitFor();
  await keep(page, directory, 'guest');
}

async function openAt(browser: Browser, width: number, height: number, colorScheme: 'light' | 'dark'): Promise<Page> {
  return browser.newPage({
    viewport: { width, height },
    deviceScaleFactor: 1.5,
    colorScheme,
    locale: 'en-GB',
    reducedMotion: 'reduce',
  });
}

/** Once every picture in view is there. */
async function keep(page: Page, directory: string, name: string): Promise<void> {
  await page.mouse.move(0, 0);
  await page.waitForLoadState('networkidle');
  await page.evaluate(() => Promise.all([...document.images].map((image) => image.decode())));
  await page.evaluate(() => document.fonts.ready);
  const picture = await page.screenshot();
  await sharp(picture)
    .webp({ quality: 82, effort: 6 })
    .toFile(join(directory, `${name}.webp`));
}

await takeScreenshots(join(import.meta.dirname, '../../../docs/images'));
