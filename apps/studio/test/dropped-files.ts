/** Files and folders of this machine, dropped onto the page as a desktop does. */

import type { Page } from 'playwright-core';

/**
 * Drops files and folders, by their paths, onto an element.
 * @param target a selector
 */
export async function dropPaths(page: Page, target: string, paths: readonly string[]): Promise<void> {
  const box = await page.locator(target).first().boundingBox();
  if (box === null) throw new Error(`There is no ${target}.`);
  const at = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  const devtools = await page.context().newCDPSession(page);
  const data = { items: [], files: [...paths], dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await devtools.send('Input.dispatchDragEvent', { type, ...at, data });
  }
  await devtools.detach();
}
