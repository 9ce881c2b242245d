import { ndarray } from '../array/ndarray.ts';
import { UsageError } from '../errors.ts';
import { writeTiff } from '../image/formats/tiff/write.ts';
import type { Image } from '../image/image.ts';
import type { IntegerArray } from '../objects/grid.ts';

/**
 * A label map as TIFF: 16 bit, or 32 if labels exceed 65,535, with the axes and pixel size of its image.
 * @throws UsageError for a negative label, or a map whose size differs from the image's.
 */
export function writeLabelTiff(labels: IntegerArray, { axes, spacing }: Pick<Image, 'axes' | 'spacing'>): Uint8Array {
  return writeTiff(labelMapImage(labels, { axes, spacing }));
}

/** A label map as an image with the smaller dtype of 16 and 32 bits that fits. @throws as `writeLabelTiff`. */
export function labelMapImage(
  { data, shape }: IntegerArray,
  { axes, spacing }: Pick<Image, 'axes' | 'spacing'>,
): Image<'uint16' | 'uint32'> {
  const kept = axes.replace('c', '');
  if (kept.length !== shape.length) {
    throw new UsageError(`The labels are [${shape.join(', ')}], the image has the axes ${axes}.`);
  }
  let [least, most] = [0, 0];
  for (let p = 0; p < data.length; p++) {
    const value = data[p];
    if (value > most) most = value;
    else if (value < least) least = value;
  }
  if (least < 0) {
    throw new UsageError(`The label map contains the negative value ${least}.`, {
      remedy: 'Labels are 0 for background and positive for objects.',
    });
  }
  const stored =
    most > 65_535 ? ndarray('uint32', shape, Uint32Array.from(data)) : ndarray('uint16', shape, Uint16Array.from(data));
  return { ...stored, axes: kept, spacing, labelKind: 'objects' };
}
