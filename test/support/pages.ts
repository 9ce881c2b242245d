/** Pages that are files, such as reports, opened in a headless Chromium. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { launchChromium, whyNoBrowser } from '../browser/harness.ts';

/** Screenshots and the like to look at. */
const OUTPUT = resolve('test-output');

export interface OpenedPage {
  readonly tab: Page;
  /** What the page said to the console, its errors, and what it loaded from elsewhere. */
  readonly complaints: readonly string[];
  /** Where to put a file to look at. */
  readonly output: (file: string) => string;
}

type Open = (
  name: string,
  how?: { readonly colorScheme?: 'light' | 'dark'; readonly width?: number },
) => Promise<OpenedPage>;

/**
 * A suite on pages by name; without a browser it says so in its name and is skipped. `body` gets what opens one of them
 * in a tab of its own, which is closed with the suite.
 */
export function describePages(name: string, pages: () => Readonly<Record<string, string>>, body: (open: Open) => void) {
  const absent = whyNoBrowser();
  describe.skipIf(absent)(`${name}${absent === undefined ? '' : ` (SKIPPED: ${absent})`}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'lamella-pages-'));
    let browser: Browser;
    beforeAll(async () => {
      mkdirSync(OUTPUT, { recursive: true });
      for (const [file, page] of Object.entries(pages())) writeFileSync(join(folder, file), page);
      browser = await launchChromium();
    });
    afterAll(async () => {
      await browser?.close();
      rmSync(folder, { recursive: true, force: true });
    });
    body(async (file, { colorScheme = 'light', width = 1280 } = {}) => {
      const tab = await browser.newPage();
      const complaints: string[] = [];
      tab.on('console', (message) => complaints.push(message.text()));
      tab.on('pageerror', (error) => complaints.push(String(error)));
      tab.on('request', (request) => {
        if (!/^(data|file):/.test(request.url())) complaints.push(`loads ${request.url().slice(0, 60)}`);
      });
      await tab.setViewportSize({ width, height: 900 });
      await tab.emulateMedia({ colorScheme });
      await tab.goto(pathToFileURL(join(folder, file)).href);
      return { tab, complaints, output: (picture) => join(OUTPUT, picture) };
    });
  });
}

/** Nothing complains, nothing is loaded, nothing is wider than the page, every picture is there and says what it is. */
export async function expectSound(
  { tab, complaints }: OpenedPage,
  { leastPicturePx = 0 }: { readonly leastPicturePx?: number } = {},
): Promise<void> {
  expect(complaints).toEqual([]);
  expect(await tab.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
  // On a wide page every table of scores is seen whole; those of measurements scroll.
  const cut = await tab.evaluate(() =>
    innerWidth < 1200
      ? []
      : [...document.querySelectorAll('.scroll:not(.tall)')]
          .filter((box) => box.scrollWidth > box.clientWidth)
          .map((box) => box.querySelector('caption')?.textContent),
  );
  expect(cut).toEqual([]);
  const pictures = await tab
    .locator('img')
    .evaluateAll((images) =>
      (images as HTMLImageElement[]).map(({ naturalWidth, alt, clientWidth }) => ({ naturalWidth, alt, clientWidth })),
    );
  for (const { naturalWidth, alt, clientWidth } of pictures) {
    expect(naturalWidth).toBeGreaterThan(0);
    expect(clientWidth).toBeGreaterThanOrEqual(leastPicturePx);
    expect(alt).not.toBe('');
  }
}
