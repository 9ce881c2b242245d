/** Objects of an image that is compared block by block: the table is that of the whole image. */

import {
  type Contingency,
  ContingencyParts,
  type IgnoreOption,
  type LabelCells,
  labelCells,
} from '../metrics/contingency.ts';
import { type BlockGrid, boxOf } from '../objects/blocks/block-grid.ts';
import type { BlockRecord } from '../objects/blocks/block-record.ts';
import { componentsOfBlock } from '../objects/blocks/components-by-blocks.ts';
import { BlockJoin, type JoinedBlocks } from '../objects/blocks/join-blocks.ts';
import type { IntegerArray } from '../objects/grid.ts';

/** What an object is: the pixels of one label, or connected pixels of one class. */
export type ObjectsBy = 'label' | 'component';

/** The objects of one side. Components go on in other blocks, so that their numbers are known at the end only. */
class Side {
  readonly #grid: BlockGrid;
  readonly #join: BlockJoin | undefined;
  #joined: JoinedBlocks | undefined;

  constructor(grid: BlockGrid, by: ObjectsBy) {
    this.#grid = grid;
    this.#join = by === 'component' ? new BlockJoin(grid) : undefined;
  }

  get isNumbered(): boolean {
    return this.#join === undefined;
  }

  /** The labels of a block by itself, and of components what the other blocks need of them. */
  label(map: IntegerArray, index: number): { readonly labels: IntegerArray; readonly record?: BlockRecord } {
    if (this.#join === undefined) return { labels: map };
    return componentsOfBlock(map, boxOf(this.#grid, index), this.#grid.shape, { by: 'value' });
  }

  /** Of the next block of the grid. */
  take(record: BlockRecord | undefined): void {
    if (record !== undefined) this.#join?.add(record);
  }

  /** Labels of a block as those of the whole image, after all blocks were added. */
  numbered(labels: ArrayLike<number>, index: number): ArrayLike<number> {
    if (this.#join === undefined) return labels;
    this.#joined ??= this.#join.finish();
    const numbers = this.#joined.numbersOf(index).labels;
    return Float64Array.from(labels, (label) => numbers[label] as number);
  }
}

/** How the objects of a block overlap. Plain data, by which processes tell each other of their blocks. */
export interface ComparedBlock {
  /** Of labels; of components by their numbers in the block. */
  readonly cells: LabelCells;
  /** Of components, what the other blocks need of them. */
  readonly truth?: BlockRecord;
  readonly prediction?: BlockRecord;
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
  #added = 0;

  constructor(grid: BlockGrid, { truth, prediction }: Readonly<Record<'truth' | 'prediction', ObjectsBy>>) {
    this.#truth = new Side(grid, truth);
    this.#prediction = new Side(grid, prediction);
  }

  /**
   * Adds the next block of the grid.
   * @param truth labels, or classes with 0 as the background
   */
  add(truth: IntegerArray, prediction: IntegerArray, mask: IgnoreOption = {}): void {
    this.take(this.compared(truth, prediction, this.#added, mask));
  }

  /** What `add` adds: by it, other processes can compare blocks. @param index of the block in the grid */
  compared(truth: IntegerArray, prediction: IntegerArray, index: number, mask: IgnoreOption = {}): ComparedBlock {
    const [own, other] = [this.#truth.label(truth, index), this.#prediction.label(prediction, index)];
    return { cells: labelCells(own.labels, other.labels, mask), truth: own.record, prediction: other.record };
  }

  /** @param block what was compared of the next block of the grid */
  take({ cells, truth, prediction }: ComparedBlock): void {
    this.#added++;
    this.#truth.take(truth);
    this.#prediction.take(prediction);
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
