import type { DType, NdArray } from '../array/ndarray.ts';

/** Extent of one step along an axis, in a unit such as `µm`, `nm`, `mm` or `s`. */
export interface Spacing {
  readonly value: number;
  readonly unit: string;
}

/**
 * An image as it was read: values and dtype untouched.
 *
 * `axes` names the axes of `shape` from slowest to fastest with one letter each: `t` time, `z` depth,
 * `c` channel, `y`, `x`; for instance `yx`, `cyx`, `zyx`, `tczyx`. `y` and `x` are always there, last.
 */
export interface Image<D extends DType = DType> extends NdArray<D> {
  readonly axes: string;
  /** Only axes whose spacing the file states. Never guessed. */
  readonly spacing: { readonly [axis in 't' | 'z' | 'y' | 'x']?: Spacing };
  /** What the channels are, in order: `['grey']`, `['red', 'green', 'blue']`, or the file's own names. */
  readonly channels?: readonly string[];
  /** File name or path, for messages. */
  readonly source?: string;
}
