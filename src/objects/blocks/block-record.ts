/** What of a block's labels the other blocks need: without its pixels, so that it is small. */

import { cropped, stridesOf } from '../../array/boxes.ts';
import { type NdArray, ndarray } from '../../array/ndarray.ts';
import { connectedComponents } from '../connected-components.ts';
import { eachBorderPixel, extentsOf, type IntegerArray } from '../grid.ts';
import type { Box } from './block-grid.ts';

/** A block, labelled by itself. Labels are 1..n in any order; all lists are by label, the first entry unused. */
export interface LabelledBlock {
  /** 0 = background. */
  readonly labels: NdArray<'int32'>;
  /**
   * What a label is called in all blocks: the raster index in the whole image of the first pixel of the seed that it grew
   * from, or of its part; the number of a seed that was known before.
   */
  readonly first: Float64Array;
  /** 1 for parts without a seed, which go on in other blocks wherever they touch there; 0 for what grew from a seed. */
  readonly isPart: Uint8Array;
  /** Only parts of the same value are connected. Default: all. */
  readonly values?: Float64Array;
  /** Pixels for which it was not proved that they have this label in the whole image. */
  readonly open: Float64Array;
}

/**
 * A block without its pixels. Plain data, by which workers and jobs can tell each other of their blocks. Areas are its labels
 * and, where holes are to be filled, the connected parts of its background after them; lists are by area, the first entry
 * unused.
 */
export interface BlockRecord extends Omit<LabelledBlock, 'labels'> {
  /** In pixels. */
  readonly sizes: Float64Array;
  /** Of the map, in its steps. */
  readonly sums: Float64Array;
  /** 1 for areas on the border of the image. */
  readonly atBorder: Uint8Array;
  /** Pairs of areas that touch, each once; undefined where holes stay. */
  readonly touching?: Int32Array;
  /** For each axis the areas of the first and the last plane of the block; 0 for none. */
  readonly faces: readonly (readonly [Int32Array, Int32Array])[];
}

/** A block's labels, and what the other blocks need of them. */
export interface DescribedBlock extends Pick<LabelledBlock, 'labels'> {
  readonly record: BlockRecord;
}

export interface RecordOptions {
  /** The whole image. */
  readonly shape: readonly number[];
  /** What is summed over each label; of whole numbers, sums are exact. Default: nothing. */
  readonly map?: NdArray<'float32' | 'uint8' | 'uint16'>;
  /** Whether to describe the background, so that holes can be filled. Default false. */
  readonly holes?: boolean;
}

/** Connected background of a block's labels, always in the same order. */
export function backgroundOf(labels: IntegerArray): { readonly holes: Int32Array; readonly count: number } {
  const { data } = labels;
  const background = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) background[i] = data[i] === 0 ? 1 : 0;
  const { labels: holes, count } = connectedComponents(ndarray('uint8', labels.shape, background));
  return { holes: holes.data, count };
}

export function describeBlock(
  { labels, ...block }: LabelledBlock,
  box: Box,
  { shape, map, holes: fill = false }: RecordOptions,
): BlockRecord {
  const { data } = labels;
  const labelCount = block.first.length - 1;
  const background = fill ? backgroundOf(labels) : undefined;
  const areas = background === undefined ? data : data.map((label, i) => label || labelCount + background.holes[i]);
  const count = labelCount + (background?.count ?? 0);
  const atBorder = new Uint8Array(count + 1);
  eachPixelAtImageBorder(box, shape, (pixel) => {
    atBorder[areas[pixel]] = 1;
  });
  /** The pixels of a plane across an axis, in raster order. */
  const plane = (axis: number, at: number): Int32Array =>
    cropped(
      ndarray('int32', box.shape, areas),
      shape.map((_, i) => (i === axis ? at : 0)),
      box.shape.map((length, i) => (i === axis ? 1 : length)),
    ).data;
  return {
    ...block,
    ...totals(areas, count, map?.data),
    atBorder,
    ...(fill && { touching: touchingIn(areas, box.shape, count) }),
    faces: box.shape.map((length, axis) => [plane(axis, 0), plane(axis, length - 1)]),
  };
}

function totals(labels: Int32Array, count: number, map: ArrayLike<number> | undefined) {
  const sizes = new Float64Array(count + 1);
  const sums = new Float64Array(count + 1);
  // Run by run: an element of a list that is added to pixel by pixel waits for itself.
  for (let start = 0, i = 0; start < labels.length; start = i) {
    const label = labels[start];
    while (i < labels.length && labels[i] === label) i++;
    sizes[label] += i - start;
    if (map === undefined) continue;
    let sum = 0;
    for (let k = start; k < i; k++) sum += map[k];
    sums[label] += sum;
  }
  return { sizes, sums };
}

function eachPixelAtImageBorder({ start, shape }: Box, whole: readonly number[], visit: (pixel: number) => void): void {
  const isFirst = start.map((at) => at === 0);
  const isLast = start.map((at, axis) => at + shape[axis] === whole[axis]);
  if (![...isFirst, ...isLast].includes(true)) return;
  const strides = stridesOf(shape);
  eachBorderPixel(extentsOf(shape), (pixel) => {
    for (let axis = 0; axis < shape.length; axis++) {
      const at = Math.floor(pixel / strides[axis]) % shape[axis];
      if ((at === 0 && isFirst[axis]) || (at === shape[axis] - 1 && isLast[axis])) return visit(pixel);
    }
  });
}

/** Pairs of different areas of pixels that share a face, each once. */
function touchingIn(areas: Int32Array, shape: readonly number[], count: number): Int32Array {
  const seen = new Set<number>();
  const touching: number[] = [];
  stridesOf(shape).forEach((stride, axis) => {
    for (let i = stride; i < areas.length; i++) {
      const [low, high] = areas[i] < areas[i - stride] ? [areas[i], areas[i - stride]] : [areas[i - stride], areas[i]];
      const pair = low * (count + 1) + high;
      if (low === high || seen.has(pair) || Math.floor(i / stride) % shape[axis] === 0) continue;
      seen.add(pair);
      touching.push(low, high);
    }
  });
  return Int32Array.from(touching);
}

/** What a list over the axes has for the two others; 1 for one that is not there. */
export function acrossAxis(list: readonly number[], axis: number): readonly [number, number] {
  const rest = list.filter((_, other) => other !== axis);
  return rest.length === 1 ? [1, rest[0]] : [rest[0], rest[1]];
}
