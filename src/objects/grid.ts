/** What the operations on objects and the metrics take: integer arrays over a 2D or 3D grid. */

import type { NdArray } from '../array/ndarray.ts';
import { UsageError } from '../errors.ts';

/** Masks (zero and not zero) and label maps (0 = background, or as documented). */
export type IntegerArray = NdArray<'bool' | 'uint8' | 'int8' | 'uint16' | 'int16' | 'uint32' | 'int32'>;

export interface Extents {
  /** 1 for a 2D grid. */
  readonly depth: number;
  readonly height: number;
  readonly width: number;
  readonly size: number;
  readonly rank: 2 | 3;
}

/**
 * The extents of a shape [height, width] or [depth, height, width]; zeros are allowed.
 * @throws UsageError for any other rank.
 */
export function extentsOf(shape: readonly number[]): Extents {
  if (shape.length !== 2 && shape.length !== 3) {
    throw new UsageError(`The array has ${shape.length} axes [${shape.join(', ')}].`, {
      remedy: 'Give a 2D [height, width] or 3D [depth, height, width] array.',
    });
  }
  const [depth, height, width] = shape.length === 3 ? shape : [1, ...shape];
  const extents = { depth: depth as number, height: height as number, width: width as number };
  return { ...extents, size: extents.depth * extents.height * extents.width, rank: shape.length as 2 | 3 };
}

/**
 * Asserts that two arrays lie on the same grid.
 * @throws UsageError naming both shapes.
 */
export function requireSameShape(
  a: { readonly shape: readonly number[] },
  b: { readonly shape: readonly number[] },
  names: readonly [string, string] = ['truth', 'prediction'],
): void {
  if (a.shape.length !== b.shape.length || a.shape.some((extent, axis) => extent !== b.shape[axis])) {
    throw new UsageError(
      `The shapes differ: ${names[0]} is [${a.shape.join(', ')}], ${names[1]} is [${b.shape.join(', ')}].`,
      { remedy: 'Compare images of the same size.' },
    );
  }
}

/**
 * Pixel size per axis in the order of the shape, 1 where absent.
 * @throws UsageError when its length is not the rank or an entry is not a positive finite number.
 */
export function spacingOf(spacing: readonly number[] | undefined, rank: number): readonly number[] {
  const values = spacing ?? new Array<number>(rank).fill(1);
  if (values.length !== rank || values.some((value) => !(value > 0 && value < Number.POSITIVE_INFINITY))) {
    throw new UsageError(`The spacing [${values.join(', ')}] does not fit an array of ${rank} axes.`, {
      remedy: `Give ${rank} positive numbers in the order of the axes.`,
    });
  }
  return values;
}
