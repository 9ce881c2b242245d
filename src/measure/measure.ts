/** Measurements of all objects of a label map, as a table with units. */

import type { NdArray } from '../array/ndarray.ts';
import { UsageError } from '../errors.ts';
import type { IntegerArray } from '../objects/grid.ts';
import { requireNumbers } from './intensity.ts';
import { LabelBlock } from './label-block.ts';
import type { MeasureOptions } from './measures.ts';
import { type MeasuredGrid, ObjectMeasurer } from './object-measurer.ts';
import type { Table } from './table.ts';

/** An image on the grid of the labels, or several channels: [c, h, w] or [c, d, h, w]. An `Image` satisfies this. */
export type MeasuredImage = NdArray & { readonly channels?: readonly string[] };

/**
 * Measures the objects of a label map; all pixels with the same label are one object, connected or not. Rows are in
 * ascending order of the labels, which need not be consecutive. Without objects, the table has all columns and no rows.
 *
 * Definitions are those of `skimage.measure.regionprops` except for perimeter, surface and minimum Feret diameter:
 * docs/measurements.md.
 * @param labels [h, w] or [d, h, w], 0 = background
 * @throws UsageError for negative labels, an image of another size, or a spacing that does not match the rank or lacks
 * its unit.
 * @example measure(labels, image, { spacing: [0.5, 0.5], unit: 'µm' })
 */
export function measure(labels: IntegerArray, image?: MeasuredImage, options: MeasureOptions = {}): Table {
  const { shape } = labels;
  const measurer = new ObjectMeasurer({ shape, ...(image && channelsOf(image, shape)) }, options);
  const block = new LabelBlock(labels);
  measurer.addLabels(block);
  if (measurer.needsValues) measurer.addValues(block, image);
  return measurer.table();
}

/** @throws UsageError if the image is not on the same grid. */
function channelsOf(image: MeasuredImage, shape: readonly number[]): Omit<MeasuredGrid, 'shape'> {
  const { channels } = image;
  requireNumbers(image);
  const leading = image.shape.length - shape.length;
  const fits =
    (leading === 0 || leading === 1) && shape.every((extent, axis) => image.shape[axis + leading] === extent);
  if (!fits) {
    throw new UsageError(
      `The image is [${image.shape.join(', ')}], the label map is [${shape.join(', ')}]: they do not lie on the same grid.`,
      { remedy: 'Measure an image of the same size, with channels (if any) as the first axis.' },
    );
  }
  return { channels: leading === 0 ? 1 : image.shape[0], names: channels };
}
