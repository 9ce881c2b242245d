/** What is found of a block of a label map, with which other processes go on. */

import type { ComparedBlock } from '../../evaluate/object-parts.ts';
import type { ClassPixels } from '../../measure/object-classes.ts';
import type { BlockCounts, BlockValues } from '../../measure/object-measurer.ts';
import type { BlockSlices } from '../../measure/object-slices.ts';
import type { BlockRuns } from '../../measure/outlines-by-blocks.ts';
import type { BlockPieces } from '../../objects/blocks/value-pieces.ts';

/** Of a label map, by time point and block in raster order. */
export interface PartPlace {
  readonly name: string;
  readonly t: number;
  readonly index: number;
}

/** What the values of the ground truth are in a block. */
export interface TruthCounts {
  /** If connected pieces of values tell what they are. */
  readonly pieces?: BlockPieces;
  /** Otherwise. */
  readonly counts?: { readonly values: Float64Array; readonly pixels: Float64Array };
}

/** What is counted of a block. Beside the objects it is plain data. */
export interface PartCounts {
  readonly objects: BlockCounts;
  readonly truth?: TruthCounts;
  /** Of volumes of which ROIs are written. */
  readonly slices?: BlockSlices;
}

/** What is measured of a block, when all are counted. Beside the objects it is plain data. */
export interface PartValues {
  readonly objects: BlockValues;
  /** With a ground truth. */
  readonly compared?: ComparedBlock;
  /** If outlines are written. */
  readonly runs?: BlockRuns;
  /** If objects may be of several classes. */
  readonly classes?: ClassPixels;
}
