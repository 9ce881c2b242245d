/** What of a block's labels the other blocks need: without its pixels, so that it is small. */

import { stridesOf } from '../../array/boxes.ts';
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

/** Connected background of a block. Lists are by hole, the first entry unused. */
interface Holes {
  readonly sizes: Float64Array;
  readonly sums: Float64Array;
  /** 1 for holes at the border of the image. */
  readonly atBorder: Uint8Array;
  /** Pairs of what touches in the block, each once: labels, and holes as -1, -2, ... */
  readonly touching: Int32Array;
}

/** A block without its pixels. Plain data, by which workers and jobs can tell each other of their blocks. */
export interface BlockRecord extends Omit<LabelledBlock, 'labels'> {
  /** Pixels of each label. */
  readonly sizes: Float64Array;
  /** Sums of the map over each label, in its steps. */
  readonly sums: Float64Array;
  /** 1 for labels on the border of the image. */
  readonly atBorder: Uint8Array;
  readonly holes?: Holes;
  /** For each axis the first and the last plane of the block: labels, and holes as -1, -2, ... */
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
  const count = block.first.length - 1;
  const { sizes, sums } = totals(data, count, map?.data);
  const background = fill ? backgroundOf(labels) : undefined;
  const codes = background === undefined ? data : data.map((label, i) => label || -background.holes[i]);
  const atBorder = new Uint8Array(count + 1);
  const holesAtBorder = new Uint8Array((background?.count ?? 0) + 1);
  eachPixelAtImageBorder(box, shape, (pixel) => {
    const code = codes[pixel];
    if (code >= 0) atBorder[code] = 1;
    else holesAtBorder[-code] = 1;
  });
  const holes = background && {
    ...totals(background.holes, background.count, map?.data),
    atBorder: holesAtBorder,
    touching: touchingIn(codes, box.shape, { labels: count, holes: background.count }),
  };
  const facesOf = (axis: number): readonly [Int32Array, Int32Array] => [
    plane(box.shape, axis, 0, codes),
    plane(box.shape, axis, box.shape[axis] - 1, codes),
  ];
  return { ...block, sizes, sums, atBorder, ...(holes && { holes }), faces: shape.map((_, axis) => facesOf(axis)) };
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

/** Pairs of different codes of pixels that share a face, each once. */
function touchingIn(
  codes: Int32Array,
  shape: readonly number[],
  { labels, holes }: Readonly<Record<'labels' | 'holes', number>>,
): Int32Array {
  const length = labels + holes + 1;
  const last = new Int32Array(length);
  const seen = new Set<number>();
  const touching: number[] = [];
  const meet = (code: number, other: number): void => {
    const [low, high] = code < other ? [code, other] : [other, code];
    if (last[low + holes] === high) return;
    last[low + holes] = high;
    const pair = (low + holes) * length + high + holes;
    if (seen.has(pair)) return;
    seen.add(pair);
    touching.push(low, high);
  };
  const { depth, height, width } = extentsOf(shape);
  const area = height * width;
  for (let z = 0, i = 0; z < depth; z++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++, i++) {
        const code = codes[i];
        if (x > 0 && code !== codes[i - 1]) meet(code, codes[i - 1]);
        if (y > 0 && code !== codes[i - width]) meet(code, codes[i - width]);
        if (z > 0 && code !== codes[i - area]) meet(code, codes[i - area]);
      }
    }
  }
  return Int32Array.from(touching);
}

/** The pixels of a plane across an axis, in raster order. */
function plane(shape: readonly number[], axis: number, at: number, codes: Int32Array): Int32Array {
  const [u, v] = acrossAxis(shape, axis);
  const strides = stridesOf(shape);
  const [su, sv] = acrossAxis(strides, axis);
  const found = new Int32Array(u * v);
  for (let i = 0, k = 0; i < u; i++) {
    for (let j = 0, p = at * strides[axis] + i * su; j < v; j++, k++, p += sv) found[k] = codes[p];
  }
  return found;
}

/** What a list over the axes has for the two others; 1 for one that is not there. */
export function acrossAxis(list: readonly number[], axis: number): readonly [number, number] {
  const rest = list.filter((_, other) => other !== axis);
  return rest.length === 1 ? [1, rest[0]] : [rest[0], rest[1]];
}
