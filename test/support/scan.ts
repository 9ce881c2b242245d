/** A small CT series in a folder. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decimal } from '../../src/image/formats/dicom/write-elements.ts';
import { ctSlice, type DicomItem, PERSON } from './dicom.ts';

export const [SLICES, ROWS, COLUMNS] = [5, 7, 9] as const;
/** It says where it lies. */
export const PLACED: DicomItem = { '0020,0052 UI': `${PERSON.uid}.9` };

/** Slices lie along the normal of their rows and columns. */
export function writeScan(
  folder: string,
  orientation: readonly number[] = [1, 0, 0, 0, 1, 0],
  extra: DicomItem = {},
): void {
  mkdirSync(folder);
  const [x, y] = [orientation.slice(0, 3), orientation.slice(3)] as [number[], number[]];
  const normal = [0, 1, 2].map((i) => {
    const [j, k] = [(i + 1) % 3, (i + 2) % 3];
    return (x[j] as number) * (y[k] as number) - (x[k] as number) * (y[j] as number);
  });
  for (let z = 0; z < SLICES; z++) {
    const position = normal.map((part, i) => ([-10, -20, 5][i] as number) + 2.5 * z * part);
    const bytes = ctSlice({
      z,
      size: [ROWS, COLUMNS],
      value: Array.from({ length: ROWS * COLUMNS }, (_, p) => (p * p * 31 + z * 777 + p * 13) % 2000),
      extra: {
        ...PLACED,
        '0020,0032 DS': position.map(decimal).join('\\'),
        '0020,0037 DS': orientation.map(decimal).join('\\'),
        ...extra,
      },
    });
    // Names say nothing of the order.
    writeFileSync(join(folder, `${(z * 3) % SLICES}.dcm`), bytes);
  }
}
