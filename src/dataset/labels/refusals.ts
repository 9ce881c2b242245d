/** What label images are refused for. */

import { DatasetError, option } from '../../errors.ts';
import type { Image } from '../../image/image.ts';

export function slicesOrColours(file: string): DatasetError {
  return new DatasetError('the file says that its planes are red, green and blue, but they may be slices.', {
    file,
    remedy:
      "Save three or four slices with photometric='minisblack' in tifffile, and colours with the channels last (height, width, 3).",
  });
}

export function requireColours(data: ArrayLike<number>, file: string): void {
  for (let p = 0; p < data.length; p++) {
    if (data[p] >= 0 && data[p] <= 255) continue;
    throw new DatasetError(`labels in three channels hold ${data[p]}, which is no level of a colour, 0 to 255.`, {
      file,
      remedy:
        "Save classes as one channel; if these are three slices, save them as slices, in tifffile with photometric='minisblack'.",
    });
  }
}

export function notALabel(value: number, file: string, fractionBy: Image['fractionBy']): DatasetError {
  if (Number.isInteger(value)) {
    return new DatasetError(`labels hold ${value}, which does not fit into 32 bits with the other values.`, {
      file,
      remedy: 'Renumber the objects.',
    });
  }
  if (fractionBy === undefined) {
    return new DatasetError(`labels hold fractions, such as ${value}.`, {
      file,
      remedy: 'Save the labels as integers, one for each class.',
    });
  }
  return new DatasetError(
    `the slope of ${fractionBy} in the file's header turns its whole numbers into fractions, such as ${value}.`,
    {
      file,
      remedy:
        'Round the labels and save them as integers without a slope, in nibabel by Nifti1Image(np.rint(data).astype(np.uint8), affine).',
    },
  );
}

/** @param mayIgnore whether who reads them can be told to ignore a value */
export function negativeLabel(file: string, value: number, mayIgnore = true): DatasetError {
  return new DatasetError(`the labels hold the negative value ${value}.`, {
    file,
    remedy: mayIgnore
      ? `If it means "not labelled", use ${option('ignore', value)}, or save these pixels as 0.`
      : 'Save pixels without a label as 0.',
  });
}

export function tooMany(file: string, count: number, least = 0, objectsBy: 'task' | 'as' = 'task'): DatasetError {
  const numbered = objectsBy === 'as' ? option('as', 'objects') : option('task', 'instances');
  if (least < 0) return negativeLabel(file, least);
  return new DatasetError(`the labels hold ${count} different values: too many for classes.`, {
    file,
    remedy: `If every object has its own number, use ${numbered}; if the mask was saved as JPEG, save it again as PNG.`,
  });
}
