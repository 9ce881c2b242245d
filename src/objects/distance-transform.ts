/**
 * Exact Euclidean distance transform with pixel spacing, 2D and 3D, in time linear in the pixels:
 * one pass an axis over lower envelopes of parabolas (Meijster, Roerdink and Hesselink 2000;
 * Felzenszwalb and Huttenlocher 2012).
 */

import { type NdArray, ndarray } from '../array/ndarray.ts';
import { extentsOf, type IntegerArray, spacingOf } from './grid.ts';

export interface DistanceTransformOptions {
  /** Pixel size per axis, in the order of the shape; default 1 each. Distances come in its unit. */
  readonly spacing?: readonly number[];
}

export interface DistanceTransform {
  /** Distance to the nearest feature, measured between pixel centres; Infinity where there is none. */
  readonly distance: NdArray<'float64'>;
  /** Flat index of a nearest feature (any one of equally near ones); -1 where there is none. */
  readonly nearest: NdArray<'int32'>;
}

/**
 * Distance of every pixel to the nearest pixel that is *not zero* (0 on those themselves).
 * @param features [h, w] or [d, h, w]
 * @throws UsageError for another rank or a spacing that does not fit.
 */
export function distanceToNonzero(features: IntegerArray, options: DistanceTransformOptions = {}): DistanceTransform {
  return distanceTransform(features, true, options);
}

/**
 * Distance of every pixel to the nearest pixel that *is zero* (0 on those themselves): the depth inside
 * objects, as `scipy.ndimage.distance_transform_edt`, but Infinity (not an arbitrary number) without any zero.
 * @param mask [h, w] or [d, h, w]
 * @throws UsageError for another rank or a spacing that does not fit.
 */
export function distanceToZero(mask: IntegerArray, options: DistanceTransformOptions = {}): DistanceTransform {
  return distanceTransform(mask, false, options);
}

function distanceTransform(
  array: IntegerArray,
  toNonzero: boolean,
  { spacing }: DistanceTransformOptions,
): DistanceTransform {
  const { depth, height, width, size, rank } = extentsOf(array.shape);
  const given = spacingOf(spacing, rank);
  const [sz, sy, sx] = (rank === 3 ? given : [1, ...given]) as [number, number, number];
  const nearest = new Int32Array(size);
  const squared = new Float64Array(size);

  nearestInRows(array.data, toNonzero, width, sx, nearest, squared);
  const longest = Math.max(height, depth);
  const scratch = new LineScratch(longest);
  if (height > 1) {
    for (let z = 0; z < depth; z++) {
      for (let x = 0; x < width; x++) {
        lowerEnvelope(squared, nearest, z * height * width + x, width, height, sy, scratch);
      }
    }
  }
  if (depth > 1) {
    const plane = height * width;
    for (let i = 0; i < plane; i++) lowerEnvelope(squared, nearest, i, plane, depth, sz, scratch);
  }

  // From the indices once more, so that no rounding of the passes is left in the distances.
  for (let z = 0, i = 0; z < depth; z++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++, i++) {
        const j = nearest[i] as number;
        if (j < 0) {
          squared[i] = Number.POSITIVE_INFINITY;
          continue;
        }
        const row = Math.floor(j / width);
        const dx = (x - (j - row * width)) * sx;
        const dy = (y - (row % height)) * sy;
        const dz = (z - Math.floor(row / height)) * sz;
        squared[i] = Math.sqrt(dx * dx + dy * dy + dz * dz);
      }
    }
  }
  return { distance: ndarray('float64', array.shape, squared), nearest: ndarray('int32', array.shape, nearest) };
}

/** First pass: the nearest feature in the same row, by a scan each way. */
function nearestInRows(
  data: IntegerArray['data'],
  toNonzero: boolean,
  width: number,
  spacing: number,
  nearest: Int32Array,
  squared: Float64Array,
): void {
  for (let start = 0; start < nearest.length; start += width) {
    let last = -1;
    for (let i = start; i < start + width; i++) {
      if ((data[i] !== 0) === toNonzero) last = i;
      nearest[i] = last;
    }
    last = -1;
    for (let i = start + width - 1; i >= start; i--) {
      const left = nearest[i] as number;
      if (left === i) last = i;
      if (last >= 0 && (left < 0 || last - i < i - left)) nearest[i] = last;
      const j = nearest[i] as number;
      const d = (i - j) * spacing;
      squared[i] = j < 0 ? Number.POSITIVE_INFINITY : d * d;
    }
  }
}

class LineScratch {
  readonly values: Float64Array;
  readonly indices: Int32Array;
  /** Where on the line the parabolas of the envelope stand, and from where each is the lowest. */
  readonly apex: Int32Array;
  readonly from: Float64Array;
  constructor(length: number) {
    this.values = new Float64Array(length);
    this.indices = new Int32Array(length);
    this.apex = new Int32Array(length);
    this.from = new Float64Array(length);
  }
}

/**
 * One line of a later pass: squared[q] = min over v of f[v] + (s (q - v))^2.
 * Parabolas of v < w cross at q = ((f[w]/s^2 + w^2) - (f[v]/s^2 + v^2)) / (2w - 2v).
 */
function lowerEnvelope(
  squared: Float64Array,
  nearest: Int32Array,
  start: number,
  stride: number,
  length: number,
  spacing: number,
  { values, indices, apex, from }: LineScratch,
): void {
  const s2 = spacing * spacing;
  let top = -1;
  for (let q = 0, i = start; q < length; q++, i += stride) {
    const value = squared[i] as number;
    if (value === Number.POSITIVE_INFINITY) continue;
    const f = value / s2;
    values[q] = f;
    indices[q] = nearest[i] as number;
    let crossing = Number.NEGATIVE_INFINITY;
    while (top >= 0) {
      const v = apex[top] as number;
      crossing = (f + q * q - ((values[v] as number) + v * v)) / (2 * (q - v));
      if (crossing > (from[top] as number)) break;
      top--;
      crossing = Number.NEGATIVE_INFINITY;
    }
    top++;
    apex[top] = q;
    from[top] = crossing;
  }
  if (top < 0) return;
  for (let q = 0, k = 0, i = start; q < length; q++, i += stride) {
    while (k < top && (from[k + 1] as number) < q) k++;
    const v = apex[k] as number;
    const d = q - v;
    squared[i] = ((values[v] as number) + d * d) * s2;
    nearest[i] = indices[v] as number;
  }
}
