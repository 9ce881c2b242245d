import type { DType, NdArray } from '../array/ndarray.ts';

/** Extent of one step along an axis, in a unit such as `µm`, `nm`, `mm` or `s`. */
export interface Spacing {
  readonly value: number;
  readonly unit: string;
}

/** Spacing of the axes that have one. */
export type Spacings = { readonly [axis in 't' | 'z' | 'y' | 'x']?: Spacing };

/**
 * An image as it was read: values and dtype untouched.
 *
 * `axes` names the axes of `shape` from slowest to fastest with one letter each: `t` time, `c` channel,
 * `z` depth, `y`, `x`, always in this order; for instance `yx`, `cyx`, `zyx`, `tczyx`. `y` and `x` are
 * always there, last.
 */
export interface Image<D extends DType = DType> extends NdArray<D> {
  readonly axes: string;
  /** Only axes whose spacing the file states. Never guessed. */
  readonly spacing: Spacings;
  /** What the channels are, in order: `['grey']`, `['red', 'green', 'blue']`, or the file's own names. */
  readonly channels?: readonly string[];
  /** Bits that the file kept of each sample, where fewer than the dtype has: 1, 2, 4, 10, 12, ... */
  readonly bitDepth?: number;
  /** Colours [red, green, blue] or [red, green, blue, alpha], 0..255, that the values are indices of. */
  readonly palette?: readonly (readonly number[])[];
  /** What the reader left out or had to decide, one sentence each. */
  readonly notes?: readonly string[];
  /** File name or path, for messages. */
  readonly source?: string;
}

/** Number of steps along `axis`; 1 where the image does not have it. */
export function extent(image: Image, axis: string): number {
  const at = image.axes.indexOf(axis);
  return at < 0 ? 1 : (image.shape[at] as number);
}
