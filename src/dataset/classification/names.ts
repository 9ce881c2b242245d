/** Names of files that hold classes of whole images, told without the code that reads them. */

import { baseName } from '../discover/names.ts';

/** Name of an IDX file, such as `train-images-idx3-ubyte.gz`: which part, and whether images or labels. */
export const IDX_NAME = /^(.*?)(images|labels)([-._]?)idx\d([-._]?[a-z]+)?(\.gz)?$/i;

export const isIdxName = (name: string): boolean => IDX_NAME.test(baseName(name));
export const isNpz = (name: string): boolean => /\.npz$/i.test(name);
export const isCsv = (name: string): boolean => /\.csv$/i.test(name);

/** Whether files can be nothing but classes of images: IDX, npz or a table. */
export function holdsClasses(names: readonly string[]): boolean {
  return names.some((name) => isIdxName(name) || isNpz(name)) || (names.length === 1 && names.every(isCsv));
}
