/** Names of files for image classification, separate from the code that reads them. */

import { PROJECT_FILE } from '../../project/project.ts';
import { baseName } from '../discover/names.ts';

/** Name of an IDX file, such as `train-images-idx3-ubyte.gz`: its part, and images or labels. */
export const IDX_NAME = /^(.*?)(images|labels)([-._]?)idx\d([-._]?[a-z]+)?(\.gz)?$/i;

export const isIdxName = (name: string): boolean => IDX_NAME.test(baseName(name));
export const isNpz = (name: string): boolean => /\.npz$/i.test(name);
export const isCsv = (name: string): boolean => /\.csv$/i.test(name);

/** Whether files can only be for image classification: IDX, npz or a table. A project has labelled pixels. */
export function holdsClasses(names: readonly string[]): boolean {
  if (names.includes(PROJECT_FILE)) return false;
  return names.some((name) => isIdxName(name) || isNpz(name)) || (names.length === 1 && names.every(isCsv));
}
