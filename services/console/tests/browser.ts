import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';

const CHROMIUM = process.env['FACEPASS_TEST_CHROMIUM'] ?? '/usr/bin/chromium';

/** Why browser tests cannot run here; `false` where they can. */
export const noBrowser: string | false = existsSync(CHROMIUM)
  ? false
  : `there is no ${CHROMIUM} (FACEPASS_TEST_CHROMIUM names another)`;

/** A headless browser whose camera shows the motion JPEG `cameraFile`. */
export function openBrowser(cameraFile: string): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--use-fake-ui-for-media-stream',
      '--use-fake-device-for-media-stream',
      `--use-file-for-fake-video-capture=${cameraFile}`,
    ],
  });
}

export interface Viewport {
  width: number;
  height: number;
  colorScheme: 'light' | 'dark';
}

/** A page that remembers everything it must not do, and says so when it is done with. */
export interface WatchedPage extends AsyncDisposable {
  page: Page;
  context: BrowserContext;
  /** Answers of the service that are part of the story; the browser writes each refusal to its console. */
  expectAnswers(...statuses: number[]): void;
  /** Fails when axe-core finds something serious in what is shown now. */
  assertAccessible(): Promise<void>;
  /** Fails when the page has done something it must not. */
  assertClean(): Promise<void>;
}

/** Opens an empty page that may speak to `origin` only. */
export async function openPage(browser: Browser, origin: string, viewport: Viewport): Promise<WatchedPage> {
  const { width, height, colorScheme } = viewport;
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme,
    locale: 'en-GB',
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  const faults: string[] = [];
  const expected = new Set<number>();
  watchConsole(page, faults, expected);
  page.on('request', (request) => {
    const { protocol, origin: target } = new URL(request.url());
    if (!['blob:', 'data:'].includes(protocol) && target !== origin) faults.push(`outside request: ${request.url()}`);
  });
  await page.addInitScript(recordViolations);
  return {
    page,
    context,
    expectAnswers: (...statuses) => statuses.forEach((status) => expected.add(status)),
    assertAccessible: () => assertAccessible(page),
    async assertClean() {
      const recorded = await page.evaluate(() => (window as unknown as Recorded).recorded);
      assert.deepEqual([...faults, ...recorded.violations], []);
      assert.ok(recorded.shift < SHIFT_ALLOWED, `the layout moved by ${recorded.shift}: ${recorded.moved.join('; ')}`);
      assert.ok(await fitsWidth(page), 'the page is wider than the window');
    },
    [Symbol.asyncDispose]: () => context.close(),
  };
}

/** Cumulative layout shift; up to 0.1 counts as good (web.dev/articles/cls). */
const SHIFT_ALLOWED = 0.02;

interface Recorded {
  recorded: { violations: string[]; shift: number; moved: string[] };
}

function watchConsole(page: Page, faults: string[], expected: Set<number>): void {
  page.on('pageerror', (error) => faults.push(`uncaught: ${error.stack ?? error.message}`));
  page.on('console', (message) => {
    if (message.type() !== 'error' && message.type() !== 'warning') return;
    const refused = /^Failed to load resource: the server responded with a status of (\d+)/.exec(message.text());
    if (!refused || !expected.has(Number(refused[1])))
      faults.push(`console: ${message.text()} (${message.location().url})`);
  });
}

/** Runs in the page before its own scripts. */
function recordViolations(): void {
  const recorded: Recorded['recorded'] = { violations: [], shift: 0, moved: [] };
  (window as unknown as Recorded).recorded = recorded;
  addEventListener('securitypolicyviolation', (event) =>
    recorded.violations.push(`policy: ${event.violatedDirective} ${event.blockedURI}`),
  );
  interface LayoutShift extends PerformanceEntry {
    value: number;
    hadRecentInput: boolean;
    sources: { node: Node | null }[];
  }
  // It shrinks when files are chosen; drawn 500 ms later, under load, that no longer counts as the answer to the
  // choice.
  const isDropZone = (node: Node | null) =>
    (node instanceof Element ? node : node?.parentElement)?.closest('.drop-zone');
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as LayoutShift[]) {
      if (entry.hadRecentInput || entry.sources.some(({ node }) => isDropZone(node))) continue;
      recorded.shift += entry.value;
      recorded.moved.push(
        ...entry.sources.map(({ node }) => (node instanceof Element ? `${node.tagName}.${node.className}` : 'text')),
      );
    }
  }).observe({ type: 'layout-shift', buffered: true });
}

function fitsWidth(page: Page): Promise<boolean> {
  return page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth);
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface AxeViolation {
  id: string;
  impact: string;
  nodes: { html: string; failureSummary: string }[];
}

async function assertAccessible(page: Page): Promise<void> {
  await page.evaluate(AXE);
  const violations = (await page.evaluate('axe.run().then(({ violations }) => violations)')) as AxeViolation[];
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  assert.deepEqual(
    serious.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html}\n${failureSummary}`).join('\n')}`,
    ),
    [],
  );
}
