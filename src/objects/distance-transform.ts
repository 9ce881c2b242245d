/**
 * Exact Euclidean distance transform with pixel spacing, 2D and 3D, linear in the number of pixels: one pass per axis
 * over lower envelopes of parabolas (Meijster, Roerdink and Hesselink 2000; Felzenszwalb and Huttenlocher 2012).
 */

import { type NdArray, ndarray } from '../array/ndarray.ts';
import { extentsOf, gridSpacing, type IntegerArray } from './grid.ts';

export interface DistanceTransformOptions {
  /** Pixel size per axis, in the order of the shape; default 1 each. Distances are in its unit. */
  readonly spacing?: readonly number[];
}

export interface DistanceTransform {
  /** Distance to the nearest feature, measured between pixel centres; Infinity if there is no feature. */
  readonly distance: NdArray<'float64'>;
  /** Flat index of a nearest feature (any one in case of a tie); -1 if there is no feature. */
  readonly nearest: NdArray<'int32'>;
}

/**
 * Distance of every pixel to the nearest *nonzero* pixel (0 at those pixels).
 * @param features [h, w] or [d, h, w]
 * @throws UsageError for another rank or a spacing that does not match it.
 */
export function distanceToNonzero(features: IntegerArray, options: DistanceTransformOptions = {}): DistanceTransform {
  return distanceTransform(features, true, options);
}

/**
 * Distance of every pixel to the nearest *zero* pixel (0 at those pixels): the depth inside objects, as
 * `scipy.ndimage.distance_transform_edt`, but Infinity (not an arbitrary number) if no pixel is zero.
 * @param mask [h, w] or [d, h, w]
 * @throws UsageError for another rank or a spacing that does not match it.
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
  const given = gridSpacing(spacing, rank);
  const [sz, sy, sx] = (rank === 3 ? given : [1, ...given]) as [number, number, number];
  const nearest = new Int32Array(size);
  const squared = new Float64Array(size);

  nearestInRows(array.data, toNonzero, width, sx, nearest, squared);
  const plane = height * width;
  if (height > 1) for (let z = 0; z < depth; z++) alongLines(squared, nearest, z * plane, width, width, height, sy);
  if (depth > 1) alongLines(squared, nearest, 0, plane, plane, depth, sz);

  // Recomputed from the indices, so that distances are free of accumulated rounding.
  for (let z = 0, i = 0; z < depth; z++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++, i++) {
        const j = nearest[i];
        if (j < 0) {
          squared[i] = Number.POSITIVE_INFINITY;
          continue;
        }
        const row = (j / width) | 0;
        const dx = (x - (j - row * width)) * sx;
        const dy = (y - (row % height)) * sy;
        const dz = (z - ((row / height) | 0)) * sz;
        squared[i] = Math.sqrt(dx * dx + dy * dy + dz * dz);
      }
    }
  }
  return { distance: ndarray('float64', array.shape, squared), nearest: ndarray('int32', array.shape, nearest) };
}

/** First pass: the nearest feature in the same row, by one scan in each direction. */
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
      const left = nearest[i];
      if (left === i) last = i;
      if (last >= 0 && (left < 0 || last - i < i - left)) nearest[i] = last;
      const j = nearest[i];
      const d = (i - j) * spacing;
      squared[i] = j < 0 ? Number.POSITIVE_INFINITY : d * d;
    }
  }
}

/** Number of lines processed together, so that memory is accessed in contiguous pieces instead of pixel by pixel. */
const TILE = 16;

/**
 * A later pass, along an axis with pixels `stride` apart, over `lines` adjacent lines: squared[q] = min over v of f[v]
 * + (s (q - v))^2 on each.
 */
function alongLines(
  squared: Float64Array,
  nearest: Int32Array,
  start: number,
  lines: number,
  stride: number,
  length: number,
  spacing: number,
): void {
  const values = new Float64Array(TILE * length);
  const indices = new Int32Array(TILE * length);
  const scratch: Envelope = {
    apex: new Int32Array(length),
    height: new Float64Array(length),
    index: new Int32Array(length),
    from: new Float64Array(length),
  };
  const s2 = spacing * spacing;
  for (let first = 0; first < lines; first += TILE) {
    const count = Math.min(TILE, lines - first);
    for (let q = 0, row = start + first; q < length; q++, row += stride) {
      for (let line = 0, k = q; line < count; line++, k += length) {
        values[k] = squared[row + line] / s2;
        indices[k] = nearest[row + line];
      }
    }
    for (let line = 0; line < count; line++) lowerEnvelope(values, indices, line * length, length, scratch);
    for (let q = 0, row = start + first; q < length; q++, row += stride) {
      for (let line = 0, k = q; line < count; line++, k += length) {
        squared[row + line] = values[k] * s2;
        nearest[row + line] = indices[k];
      }
    }
  }
}

/** The parabolas of the envelope: their positions, heights, feature indices, and where each begins to be the lowest. */
interface Envelope {
  readonly apex: Int32Array;
  readonly height: Float64Array;
  readonly index: Int32Array;
  readonly from: Float64Array;
}

/**
 * One line, in place: values[q] = min over v of values[v] + (q - v)^2, with the corresponding index. Parabolas of v < w
 * intersect at q = ((f[w] + w^2) - (f[v] + v^2)) / (2w - 2v).
 */
function lowerEnvelope(
  values: Float64Array,
  indices: Int32Array,
  start: number,
  length: number,
  { apex, height, index, from }: Envelope,
): void {
  let top = -1;
  for (let q = 0; q < length; q++) {
    const f = values[start + q];
    if (f === Number.POSITIVE_INFINITY) continue;
    let crossing = Number.NEGATIVE_INFINITY;
    while (top >= 0) {
      const v = apex[top];
      crossing = (f + q * q - (height[top] + v * v)) / (2 * (q - v));
      if (crossing > from[top]) break;
      top--;
      crossing = Number.NEGATIVE_INFINITY;
    }
    top++;
    apex[top] = q;
    height[top] = f;
    index[top] = indices[start + q];
    from[top] = crossing;
  }
  if (top < 0) return;
  for (let q = 0, k = 0; q < length; q++) {
    while (k < top && from[k + 1] < q) k++;
    const d = q - apex[k];
    values[start + q] = height[k] + d * d;
    indices[start + q] = index[k];
  }
}
