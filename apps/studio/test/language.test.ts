/** Languages: which one is taken, and the page in German: without a word of English, and with room for longer words. */

import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { de } from '../src/text/de.ts';
import { en } from '../src/text/en.ts';
import { languageOf } from '../src/text/language.ts';
import { exampleOpened, greyPng, inDialog, studioPages, takeIn, whyNoPage } from './studio-page.ts';

describe('the language', () => {
  it.each([
    [undefined, [], 'en'],
    ['system', ['de-AT', 'en'], 'de'],
    ['system', ['fr', 'DE', 'en'], 'de'],
    ['system', ['fr', 'ja'], 'en'],
    ['en', ['de'], 'en'],
    ['de', ['en-GB'], 'de'],
    ['tlh', ['de'], 'de'],
  ])('chosen %o, wanted %o: %s', (chosen, wanted, language) => {
    expect(languageOf(chosen, wanted)).toBe(language);
  });
});

/** Every text that is no function, by its path. */
function leaves(value: unknown, path = ''): readonly (readonly [path: string, words: string])[] {
  if (typeof value === 'string') return [[path, value]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => leaves(item, `${path}.${key}`));
}

const german = new Map(leaves(de));
/** English texts that German has other words for, in every place. */
const ENGLISH = leaves(en)
  .filter(([path, words]) => words.length > 3 && german.get(path) !== words)
  .map(([, words]) => words)
  .filter((words) => ![...german.values()].includes(words));

/** What the page shows and tells screen readers, text by text. */
const shownTexts = (page: Page): Promise<readonly string[]> =>
  page.evaluate(() => {
    const found: string[] = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) found.push(walker.currentNode.textContent?.trim() ?? '');
    for (const name of ['aria-label', 'title'])
      for (const element of document.querySelectorAll(`[${name}]`)) found.push(element.getAttribute(name) ?? '');
    return found.filter(Boolean);
  });

/** Controls whose words do not fit into them. */
const clipped = (page: Page): Promise<readonly string[]> =>
  page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>('button, [role=tab], .segments span, .row > .grow')]
      .filter(({ scrollWidth, clientWidth }) => clientWidth > 0 && scrollWidth > clientWidth + 1)
      .map((element) => element.outerHTML),
  );

describe.skipIf(whyNoPage !== undefined)(`in German${whyNoPage === undefined ? '' : ` (${whyNoPage})`}`, () => {
  const pages = studioPages();

  it('has no English word, and room for every German one', async () => {
    const { page, errors, close } = await pages.open({ locale: 'de-AT', width: 1024, height: 700 });
    const look = async (screen: string): Promise<void> => {
      const shown = await shownTexts(page);
      expect(shown.length, screen).toBeGreaterThan(10);
      expect(
        shown.filter((words) => ENGLISH.includes(words)),
        screen,
      ).toEqual([]);
      expect(await clipped(page), screen).toEqual([]);
    };
    expect(await page.evaluate(() => document.documentElement.lang)).toBe('de');
    await look('start');
    await page.getByRole('button', { name: /^Zellkerne/ }).click();
    await exampleOpened(page);
    await page.waitForFunction(() => studio.project.busy.value === undefined);
    for (const tab of ['annotate', 'train', 'check', 'measure'] as const) {
      await page.evaluate((name) => {
        studio.tab.value = name;
      }, tab);
      await look(tab);
    }
    for (const dialog of ['settings', 'keys', 'help', 'export'] as const)
      await inDialog(page, dialog, () => look(dialog));
    await page.evaluate(() => studio.leave());
    await takeIn(page, { 'grau.png': greyPng(40, 30) });
    const names = page.getByRole('textbox', { name: 'Name der Klasse' });
    await expect
      .poll(async () => Promise.all((await names.all()).map((name) => name.inputValue())))
      .toEqual(['Hintergrund', 'Vordergrund']);
    await page
      .locator('.status')
      .getByText(/ Threads?$/)
      .waitFor();
    await page.getByRole('button', { name: 'Einstellungen' }).click();
    await page.getByText('English', { exact: true }).click();
    await page.waitForFunction(
      () => document.documentElement.lang === 'en' && globalThis.studio?.description.value !== undefined,
    );
    await page.getByText('Drop images or a folder here').waitFor();
    expect(errors).toEqual([]);
    await close();
  });
});
