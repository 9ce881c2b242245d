/** Labels that number objects. */

import { relabelConsecutive } from '../../objects/relabel.ts';
import { separateTouching } from '../weights/separation-weight.ts';
import { IGNORE, type LabelPage, stackLabels } from './labels.ts';

/** Object numbers, including rims; 0 for background and ignored pixels. */
export function numbersOf(label: LabelPage, classes: Uint8Array): Int32Array {
  const numbers =
    label.values instanceof Int32Array ? label.values : relabelConsecutive(stackLabels([label])).labels.data;
  return numbers.map((value, p) => (classes[p] === 0 || classes[p] === IGNORE ? 0 : value));
}

/** Class of numbered objects, as defined by `findMapping`. */
export const OBJECT = 1;

/** Makes the pixels between touching objects background. @param label classes, changed in place; numbers: of the objects */
export function partTouching(
  label: Uint8Array,
  numbers: Int32Array,
  size: readonly [height: number, width: number],
): void {
  const parted = separateTouching(numbers, size);
  for (let p = 0; p < label.length; p++) if (label[p] === OBJECT && parted[p] === 0) label[p] = 0;
}
