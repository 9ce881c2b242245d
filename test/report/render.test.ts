import { describe, expect, test } from 'vitest';
import { toDataUri } from '../../src/report/kit/data-uri.ts';
import { escapeHtml, html } from '../../src/report/kit/markup.ts';
import { renderReport } from '../../src/report/run/render.ts';
import { describePages, expectSound } from '../support/pages.ts';
import { sampleReport } from './sample-report.ts';

describe('small parts', () => {
  test('a data URI has the base64 of Node', () => {
    for (const length of [0, 1, 2, 3, 4, 8191, 8192, 8193, 20_000]) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 151) % 256);
      expect(toDataUri(bytes, 'image/png')).toBe(`data:image/png;base64,${Buffer.from(bytes).toString('base64')}`);
    }
  });
  test('markup escapes what is put in, and nothing twice', () => {
    expect(escapeHtml(`<a href="x">&'`)).toBe('&lt;a href=&quot;x&quot;&gt;&amp;&#39;');
    expect(html`<p>${['a<', html`<b>${'&'}</b>`]}</p>`.html).toBe('<p>a&lt;<b>&amp;</b></p>');
  });
});

const page = renderReport(sampleReport());

describePages(
  'the page in a browser',
  () => ({ 'report.html': page }),
  (open) => {
    for (const scheme of ['light', 'dark'] as const) {
      test(`${scheme}: pictures and headings are there, nothing is loaded, nothing complains`, async () => {
        const opened = await open('report.html', { colorScheme: scheme });
        const { tab, output } = opened;
        await expectSound(opened, { leastPicturePx: 150 });
        // Four images and two windows twice, five pictures each.
        expect(await tab.locator('img').count()).toBe(5 * (4 + 2 + 2));
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
          const path = document.querySelector('figure.chart g.line path') as Element;
          return [
            getComputedStyle(document.body).backgroundColor,
            getComputedStyle(document.body).color,
            getComputedStyle(path).stroke,
          ];
        });
        expect(new Set([background, text, line]).size).toBe(3);
        expect(background).toBe(scheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(20, 23, 26)');
        await tab.screenshot({ path: output(`report-${scheme}.png`), fullPage: true });
        await tab.close();
      });
    }

    test('narrow and on paper', async () => {
      const opened = await open('report.html', { colorScheme: 'dark', width: 400 });
      const { tab, complaints, output } = opened;
      await expectSound(opened);
      const paper = await tab.pdf({ path: output('report.pdf'), preferCSSPageSize: true });
      expect(paper.length).toBeGreaterThan(10_000);
      await tab.emulateMedia({ media: 'print', colorScheme: 'dark' });
      expect(await tab.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe('rgb(255, 255, 255)');
      expect(complaints).toEqual([]);
      await tab.close();
    });

    test('what comes from files cannot become markup', async () => {
      expect(page).not.toContain('<script');
      const { tab } = await open('report.html');
      expect(await tab.locator('td', { hasText: 'a <fast> & small one' }).count()).toBe(1);
      await tab.close();
    });
  },
);

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
