/** Objects of predictions that are larger than memory, from the maps that were stored. */

import { elementCount, type NdArray, ndarray } from '../array/ndarray.ts';
import { sizes } from '../image/image.ts';
import { type ImageSink, regionsOf } from '../image/sink.ts';
import type { ImageInfo, ImageSource } from '../image/source.ts';
import { type Box, blockGrid, boxOf } from '../objects/blocks/block-grid.ts';
import type { BlockStore, ByBlocksOptions, ObjectsByBlocks } from '../objects/blocks/by-blocks.ts';
import { DEFAULT_HALO, type MapsByBox, type StoredMaps } from '../objects/blocks/separate-block.ts';
import { separateByBlocks } from '../objects/blocks/separate-by-blocks.ts';
import type { SeparationSettings } from '../objects/instances.ts';

/** Measured: bytes for each pixel of a window in which objects are separated. */
const WINDOW_BYTES = 100;
/** Sides of blocks, of planes and of volumes: the largest that leaves room for twice the halo. */
const SIDES = { 2: [1024, 512, 256, 128], 3: [256, 128, 64, 32] } as const;
/** What is written at once of a sink that takes regions in order, at most. */
const WRITE_BYTES = 16 * 2 ** 20;
/** Units along each axis whose regions follow one another, where any order will do: those of a shard of OME-Zarr. */
const TOGETHER = 8;

export interface ObjectRegionsOptions {
  /** For a window: it is enlarged no further. */
  readonly bytes: number;
  /** Where labels of blocks wait. */
  readonly store: BlockStore;
  readonly signal?: AbortSignal;
}

/** The block and the largest window, in pixels, for the objects of an image of this shape. */
export function objectBlocks(shape: readonly number[], bytes: number) {
  const maxWindow = Math.floor(bytes / WINDOW_BYTES);
  const rank = shape.length === 3 ? 3 : 2;
  const blockOf = (side: number) => shape.map((length) => Math.min(side, length));
  const windowOf = (side: number) =>
    elementCount(shape.map((length) => Math.min(side + 2 * (2 * DEFAULT_HALO[rank]), length)));
  const sides = SIDES[rank];
  const side = sides.find((one) => windowOf(one) <= maxWindow) ?? sides[sides.length - 1];
  return { block: blockOf(side), maxWindow };
}

/**
 * Separates objects as `objectsImage`, block by block, and writes their numbers. Time points are numbered by themselves.
 * Neither closes the source nor finishes the sink.
 * @param source maps as `objectMaps` makes them
 * @param sink of uint32, with the axes of the source without `c`
 * @returns objects, and pixels that are open, of all time points
 */
export async function objectsToSink(
  source: ImageSource,
  sink: ImageSink,
  settings: SeparationSettings,
  { bytes, store, signal }: ObjectRegionsOptions,
): Promise<ObjectsByBlocks> {
  const { block, maxWindow } = objectBlocks(shapeAtTime(sink.info), bytes);
  return writeTimes(sink, block, (t, to) =>
    separateByBlocks(mapsAtTime(source, t), settings, { ...to, maxWindow, store, signal }),
  );
}

/** Axes other than time. */
export const shapeAtTime = ({ axes, shape }: Pick<ImageInfo, 'axes' | 'shape'>): readonly number[] =>
  shape.filter((_, axis) => axes[axis] !== 't');

/**
 * Writes the objects of each time point.
 * @param find by blocks of this size; called with what they are written to
 * @returns of all time points
 */
export async function writeTimes(
  sink: ImageSink,
  block: readonly number[],
  find: (t: number, to: Pick<ByBlocksOptions, 'block' | 'boxes' | 'write'>) => Promise<ObjectsByBlocks>,
): Promise<ObjectsByBlocks> {
  const { axes } = sink.info;
  const unit = sink.unit.filter((_, axis) => axes[axis] !== 't');
  const info = { ...sink.info, axes: axes.replace('t', ''), shape: shapeAtTime(sink.info) };
  const boxes = boxesOf({ info, unit, inOrder: sink.inOrder }, block);
  const { times } = sizes(sink.info);
  const total = { count: 0, openPixels: 0, openObjects: 0 };
  for (let t = 0; t < times; t++) {
    const inTime = (list: readonly number[], value: number): readonly number[] =>
      axes.includes('t') ? [value, ...list] : list;
    const found = await find(t, {
      ...{ block, boxes },
      write: (box, labels) => sink.write({ start: inTime(box.start, t), shape: inTime(box.shape, 1) }, labels),
    });
    total.count += found.count;
    total.openPixels += found.openPixels;
    total.openObjects += found.openObjects;
  }
  return total;
}

/** What is written at once: about a block, and so that little of lower resolutions is unfinished. */
function boxesOf(sink: Pick<ImageSink, 'info' | 'unit' | 'inOrder'>, block: readonly number[]): readonly Box[] {
  const { info, unit, inOrder } = sink;
  if (inOrder) return regionsOf(sink, { maxBytes: WRITE_BYTES });
  const side = unit.map((length, axis) => length * Math.max(1, Math.floor(block[axis] / length)));
  const groups = blockGrid(
    info.shape,
    side.map((length, axis) => length * Math.max(1, Math.floor((TOGETHER * unit[axis]) / length))),
  );
  return Array.from({ length: groups.length }, (_, index) => boxOf(groups, index)).flatMap((group) => {
    const grid = blockGrid(group.shape, side);
    return Array.from({ length: grid.length }, (_, index) => {
      const { start, shape } = boxOf(grid, index);
      return { start: start.map((at, axis) => group.start[axis] + at), shape };
    });
  });
}

/** The maps of a time point. @param source as `objectMaps` makes them */
export function mapsAtTime({ info, read: readRegion }: Pick<ImageSource, 'info' | 'read'>, t: number): MapsByBox {
  const { channels } = sizes(info);
  const read = async ({ start, shape }: Box): Promise<StoredMaps> => {
    const first: Readonly<Record<string, number>> = { t, c: 0 };
    const extent: Readonly<Record<string, number>> = { t: 1, c: channels };
    // A stored image may be without axes along which there is one pixel.
    const spatial = 'zyx'.slice(-start.length);
    const along = (of: Readonly<Record<string, number>>, list: readonly number[]): readonly number[] =>
      [...info.axes].map((axis) => of[axis] ?? list[spatial.indexOf(axis)]);
    const { data } = await readRegion(0, { start: along(first, start), shape: along(extent, shape) });
    const size = elementCount(shape);
    const [foreground, border] = Array.from(
      { length: channels },
      (_, c): NdArray<'uint16'> => ndarray('uint16', shape, (data as Uint16Array).subarray(c * size, (c + 1) * size)),
    );
    return { foreground, border };
  };
  return { shape: shapeAtTime(objectsInfo(info)), dtype: 'uint16', read };
}

/** What objects are written as. @param maps as `objectMaps` makes them */
export function objectsInfo({ channels: _, axes, shape, ...maps }: ImageInfo): ImageInfo {
  const isSpace = (_length: number, axis: number): boolean => axes[axis] !== 'c';
  return { ...maps, dtype: 'uint32', axes: axes.replace('c', ''), shape: shape.filter(isSpace), labelKind: 'objects' };
}
