import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { base64 } from '../../src/report/base64.ts';
import { escapeHtml, html } from '../../src/report/markup.ts';
import { renderReport } from '../../src/report/render.ts';
import { launchChromium, whyNoBrowser } from '../browser/harness.ts';
import { sampleReport } from './sample-report.ts';

const output = resolve('test-output');

describe('small parts', () => {
  test('base64 is that of Node', () => {
    for (const length of [0, 1, 2, 3, 4, 3071, 3072, 3073, 10_000]) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 151) % 256);
      expect(base64(bytes)).toBe(Buffer.from(bytes).toString('base64'));
    }
  });
  test('markup escapes what is put in, and nothing twice', () => {
    expect(escapeHtml(`<a href="x">&'`)).toBe('&lt;a href=&quot;x&quot;&gt;&amp;&#39;');
    expect(html`<p>${['a<', html`<b>${'&'}</b>`]}</p>`.html).toBe('<p>a&lt;<b>&amp;</b></p>');
  });
});

const absent = whyNoBrowser();

describe.skipIf(absent)(`the page in a browser${absent === undefined ? '' : ` (SKIPPED: ${absent})`}`, () => {
  const data = sampleReport();
  const page = renderReport(data);
  const folder = mkdtempSync(join(tmpdir(), 'lamella-report-'));
  const file = join(folder, 'report.html');
  let browser: Browser;

  beforeAll(async () => {
    mkdirSync(output, { recursive: true });
    writeFileSync(file, page);
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function open(colorScheme: 'light' | 'dark', width = 1280) {
    const tab = await browser.newPage();
    const complaints: string[] = [];
    const requests: string[] = [];
    tab.on('console', (message) => complaints.push(message.text()));
    tab.on('pageerror', (error) => complaints.push(String(error)));
    tab.on('request', (request) => requests.push(request.url().slice(0, 60)));
    await tab.setViewportSize({ width, height: 900 });
    await tab.emulateMedia({ colorScheme });
    await tab.goto(pathToFileURL(file).href);
    return { tab, complaints, requests };
  }

  for (const scheme of ['light', 'dark'] as const) {
    test(`${scheme}: pictures and headings are there, nothing is loaded, nothing complains`, async () => {
      const { tab, complaints, requests } = await open(scheme);
      expect(complaints).toEqual([]);
      expect(requests.filter((url) => !url.startsWith('data:') && !url.startsWith('file:'))).toEqual([]);
      const pictures = await tab.locator('img').evaluateAll((images) =>
        (images as HTMLImageElement[]).map(({ naturalWidth, alt, clientWidth }) => ({
          naturalWidth,
          alt,
          clientWidth,
        })),
      );
      // Four images and two windows twice, five pictures each.
      expect(pictures).toHaveLength(5 * (4 + 2 + 2));
      for (const { naturalWidth, alt, clientWidth } of pictures) {
        expect(naturalWidth).toBeGreaterThan(0);
        expect(clientWidth).toBeGreaterThan(150);
        expect(alt).not.toBe('');
      }
      expect(await tab.locator('h2').allTextContents()).toEqual([
        'Scores',
        'Images',
        'Worst and best cases',
        'Learning',
        'Thresholds',
        'The run',
      ]);
      expect(await tab.locator('h1').textContent()).toBe('runs/sample');
      expect(await tab.locator('figure.chart svg').count()).toBe(4);
      for (const label of await tab
        .locator('figure.chart svg')
        .evaluateAll((charts) => charts.map((c) => c.ariaLabel))) {
        expect(label).toMatch(/over/);
      }
      // Text and lines can be seen: they are not of the page's colour.
      const [background, text, line] = await tab.evaluate(() => {
        const path = document.querySelector('figure.chart g[aria-label="line"] path') as Element;
        return [
          getComputedStyle(document.body).backgroundColor,
          getComputedStyle(document.body).color,
          getComputedStyle(path).stroke,
        ];
      });
      expect(new Set([background, text, line]).size).toBe(3);
      expect(background).toBe(scheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(20, 23, 26)');
      // Nothing wider than the page.
      expect(await tab.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
      await tab.screenshot({ path: join(output, `report-${scheme}.png`), fullPage: true });
      await tab.close();
    });
  }

  test('narrow and on paper', async () => {
    const { tab, complaints } = await open('dark', 400);
    expect(await tab.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    const paper = await tab.pdf({ path: join(output, 'report.pdf'), preferCSSPageSize: true });
    expect(paper.length).toBeGreaterThan(10_000);
    await tab.emulateMedia({ media: 'print', colorScheme: 'dark' });
    expect(await tab.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe('rgb(255, 255, 255)');
    expect(complaints).toEqual([]);
    await tab.close();
  });

  test('what comes from files cannot become markup', async () => {
    expect(page).not.toContain('<script');
    const { tab } = await open('light');
    expect(await tab.locator('td', { hasText: 'a <fast> & small one' }).count()).toBe(1);
    await tab.close();
  });
});

test('the same data give the same page; JSON keeps all of it', () => {
  const data = sampleReport(2, 128);
  expect(renderReport(JSON.parse(JSON.stringify(data)))).toBe(renderReport(data));
});

test('a report without training, scores and pictures still says what it is', () => {
  const { training: _, ...data } = sampleReport(2, 128);
  const page = renderReport({ ...data, sheet: [], worst: [], best: [], tables: [], thresholds: [] });
  expect(page).toContain('<h1>runs/sample</h1>');
  expect(page).not.toContain('<img');
  expect(page).not.toContain('Learning</h2>');
});
