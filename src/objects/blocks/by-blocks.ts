/** Labels of an image of any size, block by block: those of the whole image, with the same numbers. */

import { copyBox, cropped, offsetIn, placesIn, stridesOf } from '../../array/boxes.ts';
import { elementCount, type NdArray, ndarray } from '../../array/ndarray.ts';
import { UsageError } from '../../errors.ts';
import { extentsOf } from '../grid.ts';
import { type BlockGrid, type Box, blockGrid, boxOf, indexOf, overlapOf } from './block-grid.ts';
import { backgroundOf, type DescribedBlock } from './block-record.ts';
import {
  BlockJoin,
  type BlockNumbers,
  type JoinedBlocks,
  type JoinOptions,
  type NumberingOptions,
} from './join-blocks.ts';

/** Where the labels of blocks wait for their numbers, by names that can be those of files. */
export interface BlockStore {
  write(name: string, labels: Int32Array): Promise<void>;
  read(name: string): Promise<Int32Array>;
}

/** Keeps them in memory: four bytes a pixel. */
export function memoryBlockStore(): BlockStore {
  const blocks = new Map<string, Int32Array>();
  return {
    write: async (name, labels) => void blocks.set(name, labels),
    read: async (name) => blocks.get(name) as Int32Array,
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
  /** Called after each block that is labelled, and each box that is written. @param done 0..1 */
  readonly onProgress?: (done: number) => void;
}

export type ObjectsByBlocks = Omit<JoinedBlocks, 'numbersOf' | 'sizes'>;

interface NumbersInOptions {
  /** Whether the numbers of a whole block may take the place of its labels, which are not read again. Default false. */
  readonly inPlace?: boolean;
}

/** Labels of all blocks that are joined, but not numbered yet. */
interface LabelledBlocks {
  readonly join: BlockJoin;
  /** The numbers of a box, from the blocks that it touches. */
  numbersIn(box: Box, joined: JoinedBlocks, options?: NumbersInOptions): Promise<Uint32Array>;
}

/** Labels a block by itself. @param index of the block in the grid */
export type LabelBlock = (box: Box, index: number) => Promise<DescribedBlock>;

export interface LabelBlocksOptions extends Pick<ByBlocksOptions, 'block' | 'signal'> {
  readonly store: BlockStore;
  readonly onBlock?: (done: number, total: number) => void;
}

/** What the labels of a block are kept by. */
export const blockName = (kind: 'seeds' | 'labels', index: number): string => `${kind}-${index}`;

/** Labels all blocks, keeps their labels by this name, and joins them. */
export async function labelBlocks(
  shape: readonly number[],
  kind: 'seeds' | 'labels',
  { block, store, signal, onBlock }: LabelBlocksOptions,
  options: JoinOptions,
  label: LabelBlock,
): Promise<LabelledBlocks> {
  const grid = requireGrid(shape, block);
  const join = new BlockJoin(grid, options);
  for (let index = 0; index < grid.length; index++) {
    signal?.throwIfAborted();
    const { labels, record } = await label(boxOf(grid, index), index);
    await store.write(blockName(kind, index), labels.data);
    join.add(record);
    onBlock?.(index + 1, grid.length);
  }
  return {
    join,
    async numbersIn(box, { numbersOf }, { inPlace = false } = {}) {
      let numbers: Uint32Array | undefined;
      const strides = stridesOf(box.shape);
      const first = box.start.map((at, axis) => Math.floor(at / grid.block[axis]));
      const end = box.start.map((at, axis) => Math.ceil((at + box.shape[axis]) / grid.block[axis]));
      for (const place of placesIn(first, end)) {
        const index = indexOf(grid, place);
        const of = boxOf(grid, index);
        const labels = ndarray('int32', of.shape, await store.read(blockName(kind, index)));
        const shared = overlapOf(of, box);
        const [from, to] = [of, box].map(({ start }) => shared.start.map((at, axis) => at - start[axis]));
        const { buffer, byteOffset, length } = labels.data;
        const isWhole = elementCount(shared.shape) === length;
        const memory = inPlace && isWhole ? new Uint32Array(buffer, byteOffset, length) : undefined;
        const values = numberBox(labels, { start: from, shape: shared.shape }, numbersOf(index), memory);
        // Most often a box is within one block.
        if (values.length === elementCount(box.shape)) return values;
        numbers ??= new Uint32Array(elementCount(box.shape));
        copyBox(values, 0, stridesOf(shared.shape), numbers, offsetIn(to, strides), strides, shared.shape);
      }
      return numbers ?? new Uint32Array();
    },
  };
}

/** One stage after the other: each block's labels and record, the join of the records, each box's numbers. */
export async function byBlocks(
  shape: readonly number[],
  { block, write, boxes, store: given, signal, onProgress }: ByBlocksOptions,
  { connectivity, ...numbering }: JoinOptions & NumberingOptions,
  label: LabelBlock,
): Promise<ObjectsByBlocks> {
  const onBlock = (done: number, total: number): void => onProgress?.(done / total / 2);
  const store = given ?? memoryBlockStore();
  // Blocks that are written as they are, each once, and that nobody else has.
  const inPlace = given === undefined && boxes === undefined;
  const blocks = await labelBlocks(shape, 'labels', { block, store, signal, onBlock }, { connectivity }, label);
  const joined = blocks.join.finish(numbering);
  const grid = requireGrid(shape, block);
  const written = boxes ?? Array.from({ length: grid.length }, (_, index) => boxOf(grid, index));
  for (const [i, box] of written.entries()) {
    signal?.throwIfAborted();
    await write(box, await blocks.numbersIn(box, joined, { inPlace }));
    onProgress?.((1 + (i + 1) / written.length) / 2);
  }
  const { numbersOf: _, sizes: __, ...found } = joined;
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

/**
 * Of a box of a block, the labels as numbers of the whole image, holes filled.
 * @param result memory for them, of all of the labels if it is theirs; default: fresh, which takes as long as numbering
 */
export function numberBox(
  labels: NdArray<'int32'>,
  { start, shape }: Box,
  numbers: BlockNumbers,
  result: Uint32Array = new Uint32Array(elementCount(shape)),
): Uint32Array {
  const [{ data }, { labels: table, holes: filled }] = [labels, numbers];
  // Before the labels are replaced.
  const holes = filled.some((number) => number > 0)
    ? cropped(ndarray('int32', labels.shape, backgroundOf(labels).holes), start, shape).data
    : undefined;
  const strides = stridesOf(labels.shape);
  const columns = shape[shape.length - 1];
  let i = 0;
  for (const row of placesIn(start, [
    ...start.slice(0, -1).map((at, axis) => at + shape[axis]),
    start[shape.length - 1] + 1,
  ])) {
    const from = offsetIn(row, strides);
    // Every pixel is looked up: whether the next one is of the same object, no processor can foresee.
    for (let at = from; at < from + columns; at++, i++) result[i] = table[data[at]];
  }
  if (holes !== undefined) for (let i = 0; i < result.length; i++) if (holes[i] > 0) result[i] = filled[holes[i] - 1];
  return result;
}
