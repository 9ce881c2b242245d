/** What cross-validation chose for a model: its notes, and label maps that are cleaned. */

import type { Image } from '../image/image.ts';
import { sizes } from '../image/image.ts';
import type { ModelMetadata } from '../models/metadata.ts';
import { type Cleaning, cleanClasses, cleaningText } from '../objects/clean-classes.ts';
import { separationText } from '../objects/instances.ts';

/** What is to be said of a model of several folds, one sentence each; nothing of others. */
export function foldNotes({ folds, classes, maps, separation, cleaning }: ModelMetadata): readonly string[] {
  if (folds === undefined) return [];
  const names = classes.map(({ name }) => name);
  return [
    `The model is the mean of ${folds} networks, one for each fold.`,
    ...(separation && maps === undefined
      ? [`Objects are told apart as cross-validation chose: ${separationText(separation)}.`]
      : []),
    ...(cleaning ? [`Label maps are cleaned as cross-validation chose: ${cleaningText(cleaning, names)}.`] : []),
  ];
}

/**
 * A map of class indices that is cleaned (`cleanClasses`).
 * @param classes as returned by `labelImage` without values
 * @param options volumes: whether parts and holes are those of the volume; default: of each slice. values: what is
 * written for each class; default: its index
 */
export function cleanedImage(
  classes: Image<'uint8' | 'uint16'>,
  cleaning: Cleaning,
  { volumes, values }: { readonly volumes: boolean; readonly values?: readonly number[] | undefined },
): Image<'uint8' | 'uint16'> {
  const { slices, height, width } = sizes(classes);
  const shape = volumes ? [slices, height, width] : [height, width];
  const size = (volumes ? slices : 1) * height * width;
  const dtype = values?.some((value) => value > 255) ? 'uint16' : 'uint8';
  const data = dtype === 'uint16' ? new Uint16Array(classes.data.length) : new Uint8Array(classes.data.length);
  for (let start = 0; start < data.length; start += size) {
    const cleaned = cleanClasses(Uint8Array.from(classes.data.subarray(start, start + size)), shape, cleaning);
    data.set(values === undefined ? cleaned : Array.from(cleaned, (c) => values[c]), start);
  }
  return { ...classes, dtype, data };
}
