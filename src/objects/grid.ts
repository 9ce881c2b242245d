/** Input of the object operations and the metrics: integer arrays on a 2D or 3D grid. */

import { type NdArray, ndarray } from '../array/ndarray.ts';
import { UsageError } from '../errors.ts';

/** Masks (zero or nonzero) and label maps (0 = background, or as documented). */
export type IntegerArray = NdArray<'bool' | 'uint8' | 'int8' | 'uint16' | 'int16' | 'uint32' | 'int32'>;

/** Labels as an array of the given shape; unsigned for labels that may exceed 2^31 - 1. */
export const labelGrid = (values: Int32Array | Uint32Array, shape: readonly number[]): NdArray<'int32' | 'uint32'> =>
  ndarray(values instanceof Int32Array ? 'int32' : 'uint32', shape, values);

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
      remedy: 'Use a 2D [height, width] or 3D [depth, height, width] array.',
    });
  }
  const [depth, height, width] = shape.length === 3 ? shape : [1, ...shape];
  const extents = { depth: depth, height: height, width: width };
  return { ...extents, size: extents.depth * extents.height * extents.width, rank: shape.length };
}

/** The slices [height, width] of a label map or volume, views on its data. */
export function slicesOf(labels: IntegerArray): readonly IntegerArray[] {
  const { depth, height, width } = extentsOf(labels.shape);
  if (labels.shape.length === 2) return [labels];
  return Array.from({ length: depth }, (_, z) =>
    ndarray(labels.dtype, [height, width], labels.data.subarray(z * height * width, (z + 1) * height * width)),
  );
}

/**
 * Asserts that two arrays have the same shape.
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
 * Pixel size per axis in the order of the shape, 1 if undefined.
 * @throws UsageError if its length is not the rank or an entry is not a positive finite number.
 */
export function gridSpacing(spacing: readonly number[] | undefined, rank: number): readonly number[] {
  const values = spacing ?? new Array<number>(rank).fill(1);
  if (values.length !== rank || values.some((value) => !(value > 0 && value < Number.POSITIVE_INFINITY))) {
    throw new UsageError(`The spacing [${values.join(', ')}] does not fit an array of ${rank} axes.`, {
      remedy: `Use ${rank} positive numbers in the order of the axes.`,
    });
  }
  return values;
}

/** Calls `visit` with each pixel on the border of a grid, in 3D on its six faces. */
export function eachBorderPixel({ depth, height, width, rank }: Extents, visit: (pixel: number) => void): void {
  for (let z = 0; z < depth; z++) {
    const wholePlane = rank === 3 && (z === 0 || z === depth - 1);
    for (let y = 0; y < height; y++) {
      const step = wholePlane || y === 0 || y === height - 1 ? 1 : Math.max(1, width - 1);
      const start = (z * height + y) * width;
      for (let x = 0; x < width; x += step) visit(start + x);
    }
  }
}

/** Neighbours sharing a face (4 in 2D, 6 in 3D), or also those sharing only a corner or an edge (8, 26). */
export type Connectivity = 4 | 8 | 6 | 26;

/**
 * The requested connectivity, by default that of faces.
 * @throws UsageError if it does not match the number of axes.
 */
export function connectivityOf(connectivity: Connectivity | undefined, rank: 2 | 3): Connectivity {
  const chosen = connectivity ?? (rank === 2 ? 4 : 6);
  if ((rank === 2) !== (chosen === 4 || chosen === 8)) {
    throw new UsageError(`The connectivity ${chosen} is not for an array of ${rank} axes.`, {
      remedy: rank === 2 ? 'Choose 4 or 8.' : 'Choose 6 or 26.',
    });
  }
  return chosen;
}

/** A grid with a border one pixel wide, so that no neighbour of a pixel is out of bounds. */
export interface Framed {
  readonly size: number;
  /** Offsets from a pixel to its neighbours: nearest first, equally near ones in raster order. */
  readonly neighbours: Int32Array;
  /** Index in the framed grid of the first pixel of row `y` of plane `z`. */
  rowStart(z: number, y: number): number;
}

/** A 2D grid gets no extra planes before and behind. */
export function framed({ depth, height, width, rank }: Extents, connectivity: Connectivity): Framed {
  const row = width + 2;
  const plane = row * (height + 2);
  const margin = rank === 3 ? 1 : 0;
  const all = connectivity === 8 || connectivity === 26;
  const steps: { offset: number; far: number }[] = [];
  for (let dz = -margin; dz <= margin; dz++) {
    for (let dy = -1; dy <= 1; dy++) {
      for (let dx = -1; dx <= 1; dx++) {
        const far = dz * dz + dy * dy + dx * dx;
        if (far === 1 || (all && far > 1)) steps.push({ offset: dz * plane + dy * row + dx, far });
      }
    }
  }
  steps.sort((a, b) => a.far - b.far);
  return {
    size: plane * (depth + 2 * margin),
    neighbours: Int32Array.from(steps, ({ offset }) => offset),
    rowStart: (z, y) => (z + margin) * plane + (y + 1) * row + 1,
  };
}

/** Copies values from a framed grid to the grid; negative ones become 0. */
export function unframed(values: Int32Array, { depth, height, width, size }: Extents, frame: Framed): Int32Array {
  const result = new Int32Array(size);
  for (let z = 0, i = 0; z < depth; z++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0, p = frame.rowStart(z, y); x < width; x++, i++, p++) {
        const value = values[p];
        if (value > 0) result[i] = value;
      }
    }
  }
  return result;
}
