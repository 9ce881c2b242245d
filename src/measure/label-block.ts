/** Part of a label map, in which the objects are numbered consecutively. */

import { type Extents, extentsOf, type IntegerArray } from '../objects/grid.ts';
import { relabelConsecutive } from '../objects/relabel.ts';
import { type NumberedPixels, type PerAxis, type Regions, regionsOf } from './regions.ts';

export interface BlockOptions {
  /** The first pixel of the block in the label map, along its axes; default 0. */
  readonly start?: readonly number[];
  /** Pixels along each axis that belong to the block: all, or all but the last. Default: all. */
  readonly own?: readonly number[];
}

/**
 * A box of a label map. Its last row, column and plane may belong to the next block: they are then there as neighbours,
 * of which `ObjectMeasurer.addLabels` needs one in each direction.
 */
export class LabelBlock implements NumberedPixels {
  readonly labels: Int32Array;
  readonly count: number;
  /** `values[k]` is the label in the map of object k. */
  readonly values: readonly number[];
  readonly own: Extents;
  readonly start: PerAxis<number>;
  readonly stride: NumberedPixels['stride'];
  /** Whether there are neighbours beyond what belongs to the block. */
  readonly beyond: PerAxis<boolean>;
  #regions: Regions | undefined;

  /**
   * @param labels [h, w] or [d, h, w], 0 = background
   * @throws UsageError for a negative label
   */
  constructor(labels: IntegerArray, { start = labels.shape.map(() => 0), own = labels.shape }: BlockOptions = {}) {
    const { depth, height, width, rank } = extentsOf(labels.shape);
    const relabelled = relabelConsecutive(labels);
    this.labels = relabelled.labels.data;
    this.count = relabelled.count;
    this.values = relabelled.values;
    this.own = extentsOf(own);
    const [z, y, x] = rank === 2 ? [0, ...start] : start;
    this.start = { z, y, x } as PerAxis<number>;
    this.stride = { z: height * width, y: width };
    this.beyond = { z: depth > this.own.depth, y: height > this.own.height, x: width > this.own.width };
  }

  /** What belongs to the block of each object; pixels are 0 for one that is only beyond it. */
  get regions(): Regions {
    this.#regions ??= regionsOf(this);
    return this.#regions;
  }
}
