/**
 * A project in a folder of the user's disk, where the browser has a picker for one: here it picks folders of the page's own storage,
 * whose handles are of the same kind.
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { greyPng, type OpenedPage, studioPages, takeIn, whyNoPage } from './studio-page.ts';

const CLI = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));

type Found = { readonly [path: string]: { readonly changed: number; readonly base64: string } };

/** All files below a folder of the storage. */
const filesOf = (page: Page, path: readonly string[]): Promise<Found> =>
  page.evaluate(async (names) => {
    let folder = await navigator.storage.getDirectory();
    for (const name of names) folder = await folder.getDirectoryHandle(name);
    const found: { [path: string]: { changed: number; base64: string } } = {};
    const collect = async (from: FileSystemDirectoryHandle, prefix: string): Promise<void> => {
      for await (const [name, handle] of from.entries()) {
        if (handle.kind === 'directory') await collect(handle as FileSystemDirectoryHandle, `${prefix}${name}/`);
        else {
          const file = await (handle as FileSystemFileHandle).getFile();
          const bytes = new Uint8Array(await file.arrayBuffer().catch(() => new ArrayBuffer(0)));
          const base64 = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
          found[`${prefix}${name}`] = { changed: file.lastModified, base64 };
        }
      }
    };
    await collect(folder, '');
    return found;
  }, path);

const names = (found: Found): readonly string[] => Object.keys(found).sort();

/** A stroke of each class, well apart. */
const paint = (page: Page, id: string, y: number): Promise<void> =>
  page.evaluate(
    async ([image, row]) => {
      const layer = await studio.annotation.annotations.value?.open(image);
      for (let i = 0; i < 12; i++) {
        layer?.fill(0, row + i, 10, 60, 1);
        layer?.fill(0, row + i, 70, 120, 0);
      }
      studio.annotation.commit('brush');
    },
    [id, y] as const,
  );

const kept = (page: Page): Promise<unknown> => page.waitForFunction(() => studio.annotation.unkept.value === 0);

describe.skipIf(whyNoPage !== undefined)(`a folder on disk${whyNoPage === undefined ? '' : ` (${whyNoPage})`}`, () => {
  const pages = studioPages();

  /** A page whose picker picks the folder of this name in the storage; without a name it is closed by the user. */
  async function open(): Promise<OpenedPage & { pick(name: string | undefined): Promise<void> }> {
    const opened = await pages.open();
    const pick = (name: string | undefined): Promise<void> =>
      opened.page.evaluate((folder) => {
        Object.assign(globalThis, {
          showDirectoryPicker: async () => {
            if (folder === undefined) throw new DOMException('The user aborted a request.', 'AbortError');
            return (await navigator.storage.getDirectory()).getDirectoryHandle(folder, { create: true });
          },
        });
      }, name);
    return { ...opened, pick };
  }

  it('has the project once it is saved there, is written where something changed, and is trained on', async () => {
    const { page, errors, pick, close } = await open();
    await takeIn(page, { 'a.png': greyPng(128, 96), 'b.png': greyPng(128, 90) });
    const id = await page.evaluate(() => studio.project.state.value?.id ?? '');
    await paint(page, 'a', 10);
    await paint(page, 'b', 10);
    await kept(page);

    await pick(undefined);
    await page.keyboard.press('Control+s');
    await page.waitForFunction(() => studio.project.busy.value === undefined);
    expect(await page.evaluate(() => studio.project.state.value?.folder)).toBeUndefined();

    await pick('disk');
    // What is noted goes away after a while.
    await Promise.all([page.getByText(/^Saved to disk \S/).waitFor(), page.keyboard.press('Control+s')]);
    await page.waitForFunction(() => studio.project.state.value?.folder === 'disk');
    const first = await filesOf(page, ['disk']);
    expect(names(first)).toEqual(['images/a.png', 'images/b.png', 'labels/a.tif', 'labels/b.tif', 'lamella.json']);
    // Nothing but what undo needs is left where it was.
    expect(names(await filesOf(page, ['projects', id])).filter((path) => !path.startsWith('.studio/'))).toEqual([]);

    await page.waitForTimeout(20);
    await paint(page, 'b', 40);
    await kept(page);
    await page.keyboard.press('Control+s');
    await page.waitForFunction(() => studio.project.busy.value === undefined && !studio.saving.hasUnsaved.value);
    const second = await filesOf(page, ['disk']);
    const changed = names(second).filter((path) => second[path]?.changed !== first[path]?.changed);
    expect(changed).toEqual(['labels/b.tif', 'lamella.json']);

    const folder = mkdtempSync(join(tmpdir(), 'lamella-disk-'));
    for (const [path, { base64 }] of Object.entries(second)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), Buffer.from(base64, 'base64'));
    }
    const small = ['--steps', '2', '--base', '4', '--depth', '1', '--patch', '32x32', '--out', join(folder, 'runs/1')];
    const said = execFileSync(process.execPath, [CLI, 'train', folder, ...small], { encoding: 'utf8', stdio: 'pipe' });
    expect(said).toContain('project:');
    expect(readFileSync(join(folder, 'runs/1/last.onnx')).length).toBeGreaterThan(1000);
    rmSync(folder, { recursive: true });

    // After a reload one click opens it, with undo, once the browser lets it.
    await page.reload();
    await page.waitForFunction(() => studio.project.recent.value.length === 1);
    await page.evaluate(() => {
      const answers: PermissionState[] = ['denied', 'granted'];
      Object.assign(FileSystemHandle.prototype, { requestPermission: async () => answers.shift() ?? 'granted' });
    });
    const recent = page.getByRole('region', { name: 'Recent projects' }).getByRole('button').first();
    await recent.click();
    await page.getByText('does not let Studio use the folder').waitFor();
    await recent.click();
    await page.waitForFunction(() => studio.annotation.layer.value !== undefined);
    expect(await page.evaluate(() => studio.project.state.value?.folder)).toBe('disk');
    expect(await page.evaluate(() => studio.annotation.layer.value?.pixels(1))).toBe(600);
    expect(await page.evaluate(() => studio.annotation.canUndo.value)).toBe(true);

    // Forgotten, it stays where it is.
    await page.getByRole('button', { name: 'All projects' }).click();
    await page.getByRole('button', { name: /^Forget/ }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Forget' }).click();
    await page.waitForFunction(() => studio.project.recent.value.length === 0);
    expect(names(await filesOf(page, ['disk']))).toEqual(names(second));
    expect(errors).toEqual([]);
    await close();
  });

  it('that was chosen is the project: its images are not copied', async () => {
    const { page, errors, pick, close } = await open();
    await page.evaluate(
      async (base64) => {
        const root = await navigator.storage.getDirectory();
        const folder = await root.getDirectoryHandle('plate', { create: true });
        const file = await folder.getFileHandle('well.png', { create: true });
        const to = await file.createWritable();
        await to.write(Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)));
        await to.close();
      },
      Buffer.from(greyPng(128, 96)).toString('base64'),
    );
    await pick('plate');
    await page.getByRole('button', { name: 'Choose a folder' }).click();
    await page.waitForFunction(() => studio.annotation.layer.value !== undefined);
    expect(await page.evaluate(() => studio.project.state.value?.folder)).toBe('plate');
    await paint(page, 'well', 10);
    await kept(page);
    await page.keyboard.press('Control+s');
    await page.waitForFunction(() => studio.project.busy.value === undefined && !studio.saving.hasUnsaved.value);
    expect(names(await filesOf(page, ['plate']))).toEqual(['labels/well.tif', 'lamella.json', 'well.png']);
    expect(names(await filesOf(page, ['projects', 'plate'])).every((path) => path.startsWith('.studio/'))).toBe(true);

    // The same folder is the same project, with what was painted.
    await page.getByRole('button', { name: 'All projects' }).click();
    await page.getByRole('button', { name: 'Choose a folder' }).click();
    await page.waitForFunction(() => studio.annotation.layer.value?.pixels(1) === 600);
    expect(await page.evaluate(() => studio.project.state.value?.id)).toBe('plate');
    expect(errors).toEqual([]);
    await close();
  });
});
