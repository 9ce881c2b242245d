/** Files that are counted while they are open. */

import type { Files } from '../../src/files.ts';

export interface OpenCount {
  now: number;
  /** At once. */
  most: number;
}

/** The same files, and how many of them are open. */
export function countOpen<F extends Files>(files: F): { readonly files: F; readonly count: OpenCount } {
  const count = { now: 0, most: 0 };
  const open: Files['open'] = async (...path) => {
    const source = await files.open(...path);
    count.now++;
    count.most = Math.max(count.most, count.now);
    let isOpen = true;
    return {
      ...source,
      async close() {
        if (isOpen) count.now--;
        isOpen = false;
        await source.close();
      },
    };
  };
  return { files: { ...files, open }, count };
}
