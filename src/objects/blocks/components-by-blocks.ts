/** Connected components of an array of any size. */

import type { NdArray } from '../../array/ndarray.ts';
import { type ConnectedComponentsOptions, connectedComponents } from '../connected-components.ts';
import type { IntegerArray } from '../grid.ts';
import { type Box, firstPixels } from './block-grid.ts';
import { type DescribedBlock, describeBlock, type LabelledBlock } from './block-record.ts';
import { type ByBlocksOptions, byBlocks, type ObjectsByBlocks } from './by-blocks.ts';

/** Labels or a mask that are read box by box. */
export interface ArrayByBox {
  /** [z,] y, x */
  readonly shape: readonly number[];
  read(box: Box): Promise<IntegerArray>;
}

/** As `connectedComponents`, for an array of any size. Memory: that of a block, and about 100 bytes for each component of each. */
export async function componentsByBlocks(
  { shape, read }: ArrayByBox,
  { connectivity, by, ...options }: ByBlocksOptions & Omit<ConnectedComponentsOptions, 'out'>,
): Promise<ObjectsByBlocks> {
  return byBlocks(shape, options, { connectivity }, async (box) =>
    componentsOfBlock(await read(box), box, shape, { connectivity, by }),
  );
}

/** The components of a block of an image of this shape, as parts that may go on in others. */
export function componentsOfBlock(
  array: IntegerArray,
  box: Box,
  shape: readonly number[],
  { connectivity, by = 'mask' }: Omit<ConnectedComponentsOptions, 'out'> = {},
): DescribedBlock {
  const { labels, count } = connectedComponents(array, { connectivity, by });
  const parts = partsOf(labels, count, box, shape);
  const values = by === 'value' ? valuesOf(labels, array, count) : undefined;
  return { labels, record: describeBlock({ ...parts, values }, box, { shape }) };
}

/** Components of a block as parts that may go on in others. */
export function partsOf(labels: NdArray<'int32'>, count: number, box: Box, shape: readonly number[]): LabelledBlock {
  return {
    labels,
    first: firstPixels(labels.data, count, box, shape),
    isPart: new Uint8Array(count + 1).fill(1),
    open: new Float64Array(count + 1),
  };
}

/** The value of each label. */
export function valuesOf({ data }: NdArray<'int32'>, values: IntegerArray, count: number): Float64Array {
  const found = new Float64Array(count + 1);
  for (let i = 0; i < data.length; i++) found[data[i]] = values.data[i];
  return found;
}
