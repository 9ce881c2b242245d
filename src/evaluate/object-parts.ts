/** Objects of an image that is compared block by block: the table is that of the whole image. */

import {
  type Contingency,
  ContingencyParts,
  type IgnoreOption,
  type LabelCells,
  labelCells,
} from '../metrics/contingency.ts';
import { type BlockGrid, boxOf } from '../objects/blocks/block-grid.ts';
import { componentsOfBlock } from '../objects/blocks/components-by-blocks.ts';
import { BlockJoin, type JoinedBlocks } from '../objects/blocks/join-blocks.ts';
import type { IntegerArray } from '../objects/grid.ts';

/** What an object is: the pixels of one label, or connected pixels of one class. */
export type ObjectsBy = 'label' | 'component';

/** The objects of one side. Components go on in other blocks, so that their numbers are known at the end only. */
class Side {
  readonly #grid: BlockGrid;
  readonly #join: BlockJoin | undefined;
  #added = 0;
  #joined: JoinedBlocks | undefined;

  constructor(grid: BlockGrid, by: ObjectsBy) {
    this.#grid = grid;
    this.#join = by === 'component' ? new BlockJoin(grid) : undefined;
  }

  get isNumbered(): boolean {
    return this.#join === undefined;
  }

  /** The labels of a block by itself. */
  label(map: IntegerArray): IntegerArray {
    if (this.#join === undefined) return map;
    const box = boxOf(this.#grid, this.#added++);
    const { labels, record } = componentsOfBlock(map, box, this.#grid.shape, { by: 'value' });
    this.#join.add(record);
    return labels;
  }

  /** Labels of a block as those of the whole image, after all blocks were added. */
  numbered(labels: ArrayLike<number>, index: number): ArrayLike<number> {
    if (this.#join === undefined) return labels;
    this.#joined ??= this.#join.finish();
    const numbers = this.#joined.numbersOf(index).labels;
    return Float64Array.from(labels, (label) => numbers[label] as number);
  }
}

/**
 * Compares the objects of an image block by block. Memory: about 100 bytes for each component of a block, and 24 for each
 * pair of objects that overlap in it.
 */
export class ObjectParts {
  readonly #truth: Side;
  readonly #prediction: Side;
  /** Of each block, until components have their numbers. */
  readonly #cells: LabelCells[] = [];
  readonly #parts = new ContingencyParts();

  constructor(grid: BlockGrid, { truth, prediction }: Readonly<Record<'truth' | 'prediction', ObjectsBy>>) {
    this.#truth = new Side(grid, truth);
    this.#prediction = new Side(grid, prediction);
  }

  /**
   * Adds the next block of the grid.
   * @param truth labels, or classes with 0 as the background
   */
  add(truth: IntegerArray, prediction: IntegerArray, mask: IgnoreOption = {}): void {
    const [own, other] = [this.#truth.label(truth), this.#prediction.label(prediction)];
    const cells = labelCells(own, other, mask);
    if (this.#truth.isNumbered && this.#prediction.isNumbered) this.#parts.addCells(cells);
    else this.#cells.push(cells);
  }

  /** As `contingency` of the whole image. */
  table(): Contingency {
    for (const [index, { truth, prediction, pixels }] of this.#cells.entries()) {
      this.#parts.addCells({
        truth: this.#truth.numbered(truth, index),
        prediction: this.#prediction.numbered(prediction, index),
        pixels,
      });
    }
    return this.#parts.table();
  }
}
