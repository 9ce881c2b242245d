/** The browser's dialog for a file to be saved: asked for once, and again when that file is gone. */

import { unzipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { greyPng, studioPages, takeIn, whyNoPage } from './studio-page.ts';

describe.skipIf(whyNoPage !== undefined)(`saving${whyNoPage === undefined ? '' : ` (${whyNoPage})`}`, () => {
  const pages = studioPages();

  it('writes to the file that was chosen, without a question the next time', async () => {
    const { page, errors, close } = await pages.open({
      prepare: (context) =>
        context.addInitScript(() => {
          Reflect.deleteProperty(globalThis, 'showDirectoryPicker');
          const asked: string[] = [];
          // Handles in the storage of the page are of the same kind as those of the disk.
          const showSaveFilePicker = async ({ suggestedName }: { suggestedName: string }) => {
            if (asked.push(suggestedName) === 2) throw new DOMException('The user aborted a request.', 'AbortError');
            return (await navigator.storage.getDirectory()).getFileHandle('chosen.zip', { create: true });
          };
          Object.assign(globalThis, { asked, showSaveFilePicker });
        }),
    });
    const save = async (): Promise<void> => {
      await page.keyboard.press('Control+s');
      await page.waitForFunction(() => studio.project.busy.value === undefined);
    };
    const asked = (): Promise<readonly string[]> => page.evaluate('asked');
    const saved = async (): Promise<readonly string[]> => {
      const bytes = await page.evaluate(async () => {
        const file = await (await navigator.storage.getDirectory()).getFileHandle('chosen.zip');
        return [...new Uint8Array(await (await file.getFile()).arrayBuffer())];
      });
      return Object.keys(unzipSync(Uint8Array.from(bytes)));
    };
    await takeIn(page, { 'a.png': greyPng(32, 24) });
    await save();
    await expect.poll(asked).toEqual(['a.zip']);
    await expect.poll(saved).toContain('a/images/a.png');
    await page.evaluate(async () => {
      await (await navigator.storage.getDirectory()).removeEntry('chosen.zip');
    });
    // Closed without an answer, nothing is saved.
    await save();
    await expect.poll(asked).toHaveLength(2);
    await expect(saved()).rejects.toThrow(/NotFound/);
    await save();
    await expect.poll(asked).toHaveLength(3);
    await expect.poll(saved).toContain('a/images/a.png');
    const changed = () =>
      page.evaluate(async () => {
        const file = await (await navigator.storage.getDirectory()).getFileHandle('chosen.zip');
        return (await file.getFile()).lastModified;
      });
    const before = await changed();
    await save();
    await expect.poll(changed).toBeGreaterThan(before);
    expect(await asked()).toHaveLength(3);
    expect(errors).toEqual([]);
    await close();
  });
});
