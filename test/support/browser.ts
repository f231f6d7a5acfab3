import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import axe from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import type { Progress } from '../../src/local-cluster/progress.ts';
import { ensureSystemPrograms } from '../../src/local-cluster/system-packages.ts';

const ARTIFACTS = fileURLToPath(new URL('../../.artifacts/', import.meta.url));

/** A page in a browser, and what has happened there that must not. */
export interface WatchedPage {
  readonly page: Page;
  /** Errors and warnings of its console, and errors that nothing caught. */
  readonly complaints: readonly string[];
  /** Where it has asked for something. */
  readonly asked: readonly string[];
  /** Fits the page, as a person would see it, into the test's artefacts. */
  shoot(name: string): Promise<void>;
}

/** The Chromium of this machine's distribution, without a window. */
export async function openBrowser(progress: Progress, signal: AbortSignal): Promise<Browser> {
  const programs = [{ program: 'chromium', debianPackage: 'chromium' }];
  await ensureSystemPrograms({ progress, signal, programs });
  // Its sandbox wants another user than root, whom local cells need; it sees no page but ours.
  return chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

/** Opens an address in a window of its own, and watches what happens there. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const page = await browser.newPage({ viewport: { width: 1_920, height: 1_000 }, ...options });
  page.setDefaultTimeout(30_000);
  const complaints: string[] = [];
  const asked: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('dialog', (dialog) => {
    complaints.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => asked.push(request.url()));
  await page.goto(url);
  return {
    ...{ page, complaints, asked },
    async shoot(name) {
      await mkdir(ARTIFACTS, { recursive: true });
      await page.screenshot({ path: `${ARTIFACTS}${name}.png` });
    },
  };
}

interface AxeResult {
  readonly violations: readonly { readonly id: string; readonly nodes: readonly { readonly html: string }[] }[];
  readonly passes: readonly unknown[];
}

/** What an accessibility check finds wrong, a line each, and how many of its rules had something to look at. */
export async function accessibility(
  page: Page,
): Promise<{ readonly wrong: readonly string[]; readonly rules: number }> {
  await page.evaluate(axe.source);
  const { violations, passes } = (await page.evaluate('axe.run()')) as AxeResult;
  const wrong = violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`));
  return { wrong, rules: violations.length + passes.length };
}

/** What the Tab key reaches from the top of a page, in turn, until it leaves it: by id, by what names it, or by its text. */
export async function tabStops(page: Page, most: number): Promise<readonly string[]> {
  const named = `(({ activeElement: it }) =>
    it === document.body ? '' : it.getAttribute('aria-labelledby') || it.id || it.textContent)(document)`;
  const stops: string[] = [];
  while (stops.length < most) {
    await page.keyboard.press('Tab');
    const stop = String(await page.evaluate(named));
    if (stop === '') break;
    stops.push(stop);
  }
  return stops;
}
