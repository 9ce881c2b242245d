/** Labels of an image of any size, block by block: those of the whole image, with the same numbers. */

import { copyBox, offsetIn, placesIn, stridesOf } from '../../array/boxes.ts';
import { elementCount, type NdArray, ndarray } from '../../array/ndarray.ts';
import { UsageError } from '../../errors.ts';
import { extentsOf } from '../grid.ts';
import { type BlockGrid, type Box, blockGrid, boxOf, indexOf, overlapOf } from './block-grid.ts';
import { type BlockRecord, backgroundOf } from './block-record.ts';
import {
  BlockJoin,
  type BlockNumbers,
  type JoinedBlocks,
  type JoinOptions,
  type NumberingOptions,
} from './join-blocks.ts';

/** Where the labels of blocks wait for their numbers. */
export interface BlockStore {
  write(index: number, labels: Int32Array): Promise<void>;
  read(index: number): Promise<Int32Array>;
}

/** Keeps them in memory: four bytes a pixel. */
export function memoryBlockStore(): BlockStore {
  const blocks = new Map<number, Int32Array>();
  return {
    write: async (index, labels) => void blocks.set(index, labels),
    read: async (index) => {
      const labels = blocks.get(index);
      if (labels === undefined) throw new RangeError(`block ${index} was not written`);
      return labels;
    },
  };
}

export interface ByBlocksOptions {
  /** Pixels of a block along each axis. */
  readonly block: readonly number[];
  /** Where the numbered labels go. */
  readonly write: (box: Box, labels: Uint32Array) => Promise<void>;
  /** The boxes that are written, which make up the image. Default: the blocks. */
  readonly boxes?: readonly Box[];
  /** Default: in memory. */
  readonly store?: BlockStore;
  readonly signal?: AbortSignal;
  /** Called after each block, of those that are labelled and then those that are written. */
  readonly onProgress?: (done: number, total: number) => void;
}

export type ObjectsByBlocks = Omit<JoinedBlocks, 'numbersOf'>;

/** One stage after the other: each block's labels and record, the join of the records, each block's numbers. */
export async function byBlocks(
  shape: readonly number[],
  { block, write, boxes, store = memoryBlockStore(), signal, onProgress }: ByBlocksOptions,
  { connectivity, ...numbering }: JoinOptions & NumberingOptions,
  label: (box: Box) => Promise<{ readonly labels: NdArray<'int32'>; readonly record: BlockRecord }>,
): Promise<ObjectsByBlocks> {
  const grid = requireGrid(shape, block);
  const all = new BlockJoin(grid, { connectivity });
  for (let index = 0; index < grid.length; index++) {
    signal?.throwIfAborted();
    const { labels, record } = await label(boxOf(grid, index));
    await store.write(index, labels.data);
    all.add(record);
    onProgress?.(index + 1, 2 * grid.length);
  }
  const { numbersOf, ...found } = all.finish(numbering);
  const written = boxes ?? Array.from({ length: grid.length }, (_, index) => boxOf(grid, index));
  for (const [i, box] of written.entries()) {
    signal?.throwIfAborted();
    await write(box, await numbered(grid, box, store, numbersOf));
    onProgress?.(grid.length * (1 + (i + 1) / written.length), 2 * grid.length);
  }
  return found;
}

/** @throws UsageError for blocks that do not fit the image */
export function requireGrid(shape: readonly number[], block: readonly number[]): BlockGrid {
  const { rank } = extentsOf(shape);
  if (block.length === rank && block.every((length) => Number.isInteger(length) && length > 0)) {
    return blockGrid(shape, block);
  }
  throw new UsageError(`Blocks of [${block.join(', ')}] do not fit an image of ${rank} axes.`, {
    remedy: `Use ${rank} positive whole numbers.`,
  });
}

/** The numbers of a box, from the blocks that it touches. */
async function numbered(
  grid: BlockGrid,
  box: Box,
  store: BlockStore,
  numbersOf: (index: number) => BlockNumbers,
): Promise<Uint32Array> {
  const labels = new Uint32Array(elementCount(box.shape));
  const strides = stridesOf(box.shape);
  const firstBlock = box.start.map((at, axis) => Math.floor(at / grid.block[axis]));
  const end = box.start.map((at, axis) => Math.ceil((at + box.shape[axis]) / grid.block[axis]));
  for (const place of placesIn(firstBlock, end)) {
    const index = indexOf(grid, place);
    const of = boxOf(grid, index);
    const shared = overlapOf(of, box);
    const own = numberBlock(ndarray('int32', of.shape, await store.read(index)), numbersOf(index));
    const within = (outer: Box): readonly number[] => shared.start.map((at, axis) => at - outer.start[axis]);
    const from = stridesOf(of.shape);
    copyBox(own, offsetIn(within(of), from), from, labels, offsetIn(within(box), strides), strides, shared.shape);
  }
  return labels;
}

/** A block's labels as numbers of the whole image, holes filled. */
export function numberBlock(labels: NdArray<'int32'>, numbers: BlockNumbers): Uint32Array {
  const { data } = labels;
  const result = new Uint32Array(data.length);
  for (let i = 0; i < data.length; i++) result[i] = numbers.labels[data[i]];
  const filled = numbers.holes;
  if (filled?.some((number) => number > 0) !== true) return result;
  const { holes } = backgroundOf(labels);
  for (let i = 0; i < result.length; i++) if (holes[i] > 0) result[i] = filled[holes[i]];
  return result;
}
