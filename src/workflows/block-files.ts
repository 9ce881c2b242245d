/** Labels of blocks, kept in files until they have their numbers. */

import { joinPath, type WritableFiles } from '../files.ts';
import type { BlockStore } from '../objects/blocks/by-blocks.ts';

/** Keeps each block in a file of a folder, as runs of pixels with the same label. */
export function blockFiles(files: WritableFiles, folder: string): BlockStore {
  const pathOf = (name: string): string => joinPath(folder, `${name}.runs`);
  return {
    async write(name, labels) {
      await files.write(pathOf(name), new Uint8Array(runsOf(labels).buffer as ArrayBuffer));
    },
    async read(name) {
      const bytes = await files.read(pathOf(name));
      return labelsOf(new Int32Array(bytes.slice().buffer));
    },
  };
}

/** The number of pixels, then the length and the label of each run. */
export function runsOf(labels: Int32Array): Int32Array {
  const runs = [labels.length];
  for (let start = 0, i = 1; i <= labels.length; i++) {
    if (i < labels.length && labels[i] === labels[start]) continue;
    runs.push(i - start, labels[start] as number);
    start = i;
  }
  return Int32Array.from(runs);
}

/** As `runsOf` gives them. */
export function labelsOf(runs: Int32Array): Int32Array {
  const labels = new Int32Array(runs[0] as number);
  for (let k = 1, start = 0; k < runs.length; k += 2) {
    const end = start + (runs[k] as number);
    labels.fill(runs[k + 1] as number, start, end);
    start = end;
  }
  return labels;
}
