/**
 * Distances between the surfaces of two masks, in the unit of the spacing.
 *
 * Programs define surfaces differently. The two usual definitions are implemented under their names: *edge pixels*
 * (MONAI) and *contour elements weighted by their length* (DeepMind's surface-distance). Both measure the surfaces
 * once; every score is then a cheap reduction of `SurfaceDistances`.
 */

import { ndarray } from '../array/ndarray.ts';
import { quantile } from '../array/quantile.ts';
import { UsageError } from '../errors.ts';
import { distanceToNonzero } from '../objects/distance-transform.ts';
import { extentsOf, gridSpacing, type IntegerArray, requireSameShape } from '../objects/grid.ts';

/**
 * Distances from each element of one surface to the nearest element of the other, ascending, with the elements' sizes.
 */
export interface DirectedDistances {
  /** Infinity if the other mask is empty. */
  readonly distances: Float64Array;
  /** Length of each contour element, or 1 for each edge pixel. */
  readonly weights: Float64Array;
}

export interface SurfaceDistances {
  readonly truthToPrediction: DirectedDistances;
  readonly predictionToTruth: DirectedDistances;
}

export interface SurfaceOptions {
  /** Pixel size per axis, in the order of the shape; default 1 each. */
  readonly spacing?: readonly number[];
}

/**
 * Edge pixels, as in MONAI: pixels of the mask removed by erosion with the 4-neighbourhood (6 in 3D); those on the
 * image's border are edges. Each has weight 1, independent of the spacing. Distances are between pixel centres.
 * @param truth [h, w] or [d, h, w], nonzero = inside
 * @throws UsageError if shapes differ or the spacing does not match the rank.
 */
export function edgeDistances(
  truth: IntegerArray,
  prediction: IntegerArray,
  { spacing }: SurfaceOptions = {},
): SurfaceDistances {
  requireSameShape(truth, prediction);
  const sizes = gridSpacing(spacing, extentsOf(truth.shape).rank);
  const ofTruth = edgeWeights(truth);
  const ofPrediction = edgeWeights(prediction);
  return measure(ofTruth, ofPrediction, truth.shape, sizes);
}

/**
 * Contour elements, as in DeepMind's surface-distance, 2D only: one per corner between four pixels that are not all
 * equal (outside the image is background), weighted by the length of the contour through it: with spacing sy, sx a
 * straight piece is sy or sx, a diagonal one sqrt(sy^2 + sx^2) / 2, two diagonal ones twice that. Distances are between
 * corners.
 * @param truth [h, w], nonzero = inside
 * @throws UsageError for 3D masks, if shapes differ, or if the spacing does not match the rank.
 */
export function contourDistances(
  truth: IntegerArray,
  prediction: IntegerArray,
  { spacing }: SurfaceOptions = {},
): SurfaceDistances {
  requireSameShape(truth, prediction);
  const { rank, height, width } = extentsOf(truth.shape);
  if (rank !== 2) {
    throw new UsageError('Contour elements are defined for 2D masks.', { remedy: 'Use edgeDistances for volumes.' });
  }
  const sizes = gridSpacing(spacing, rank);
  const lengths = contourLengths(sizes[0], sizes[1]);
  const corners = [height + 1, width + 1];
  return measure(contourWeights(truth, lengths), contourWeights(prediction, lengths), corners, sizes);
}

/**
 * Hausdorff distance: the maximum of all distances in both directions. Symmetric. Infinity if one mask is empty, NaN if
 * both are.
 */
export function hausdorff({ truthToPrediction, predictionToTruth }: SurfaceDistances): number {
  const last = ({ distances }: DirectedDistances): number => distances[distances.length - 1] ?? Number.NaN;
  return farther(last(truthToPrediction), last(predictionToTruth));
}

/**
 * Robust Hausdorff distance as MONAI defines it (`compute_hausdorff_distance`, with percentile 95 "HD95"): the larger
 * of the two directed percentiles, each interpolated linearly, unweighted. Empty masks as in `hausdorff`, where MONAI
 * 1.6.1 returns NaN.
 */
export function hausdorffMonai(surfaces: SurfaceDistances, percent = 95): number {
  return farther(
    quantile(surfaces.truthToPrediction.distances, percent / 100),
    quantile(surfaces.predictionToTruth.distances, percent / 100),
  );
}

/**
 * Robust Hausdorff distance as surface-distance defines it (`compute_robust_hausdorff`): the larger of the two directed
 * distances at which `percent` of the total weight is reached, without interpolation. Empty masks as in `hausdorff`
 * (surface-distance returns Infinity also if both are empty).
 */
export function hausdorffSurfaceDistance(surfaces: SurfaceDistances, percent = 95): number {
  const reach = ({ distances, weights }: DirectedDistances): number => {
    const total = sum(weights);
    let reached = 0;
    for (let k = 0; k < weights.length; k++) {
      reached += weights[k];
      if (reached / total >= percent / 100) return distances[k];
    }
    return distances[distances.length - 1] ?? Number.NaN;
  };
  return farther(reach(surfaces.truthToPrediction), reach(surfaces.predictionToTruth));
}

/**
 * The percentile of the pooled distances of both directions, interpolated linearly: a third quantity also called HD95,
 * and usually smaller. Empty masks as in `hausdorff`.
 */
export function hausdorffPooled(surfaces: SurfaceDistances, percent = 95): number {
  const { truthToPrediction, predictionToTruth } = surfaces;
  const pooled = Float64Array.from([...truthToPrediction.distances, ...predictionToTruth.distances]).sort();
  return quantile(pooled, percent / 100);
}

/** Weighted mean of one direction; Infinity if the other mask is empty, NaN if this one is. */
export function meanSurfaceDistance({ distances, weights }: DirectedDistances): number {
  return weightedSum(distances, weights) / sum(weights);
}

/**
 * Average symmetric surface distance: mean over the elements of both surfaces together (not of the two means). Infinity
 * if one mask is empty, NaN if both are.
 */
export function averageSymmetricSurfaceDistance(surfaces: SurfaceDistances): number {
  const { truthToPrediction: a, predictionToTruth: b } = surfaces;
  return (
    (weightedSum(a.distances, a.weights) + weightedSum(b.distances, b.weights)) / (sum(a.weights) + sum(b.weights))
  );
}

/**
 * Normalised surface distance, or surface Dice: the fraction of both surfaces within `tolerance` of the other, 0..1
 * (Nikolov et al. 2018). 0 if one mask is empty, NaN if both are.
 * @param tolerance in the unit of the spacing, inclusive
 */
export function surfaceDice(surfaces: SurfaceDistances, tolerance: number): number {
  const { truthToPrediction: a, predictionToTruth: b } = surfaces;
  const within = ({ distances, weights }: DirectedDistances): number => {
    let close = 0;
    for (let k = 0; k < weights.length && distances[k] <= tolerance; k++) close += weights[k];
    return close;
  };
  return (within(a) + within(b)) / (sum(a.weights) + sum(b.weights));
}

/** The larger of two; a direction without elements (NaN) yields to Infinity if the other has some. */
function farther(a: number, b: number): number {
  if (Number.isNaN(a)) return b;
  return Number.isNaN(b) ? a : Math.max(a, b);
}

const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);

function weightedSum(distances: Float64Array, weights: Float64Array): number {
  let total = 0;
  for (let k = 0; k < distances.length; k++) total += distances[k] * weights[k];
  return total;
}

/** 1 at edge pixels, 0 elsewhere. */
function edgeWeights(mask: IntegerArray): Float64Array {
  const { depth, height, width, size, rank } = extentsOf(mask.shape);
  const data = mask.data;
  const weights = new Float64Array(size);
  const plane = height * width;
  for (let z = 0, i = 0; z < depth; z++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++, i++) {
        if (data[i] === 0) continue;
        const inside =
          x > 0 &&
          x < width - 1 &&
          y > 0 &&
          y < height - 1 &&
          data[i - 1] !== 0 &&
          data[i + 1] !== 0 &&
          data[i - width] !== 0 &&
          data[i + width] !== 0 &&
          (rank === 2 || (z > 0 && z < depth - 1 && data[i - plane] !== 0 && data[i + plane] !== 0));
        if (!inside) weights[i] = 1;
      }
    }
  }
  return weights;
}

/** Contour length by the code of four pixels: 8 above left, 4 above right, 2 below left, 1 below right. */
function contourLengths(sy: number, sx: number): Float64Array {
  const diagonal = Math.hypot(sy, sx) / 2;
  const lengths = new Float64Array(16).fill(diagonal);
  lengths[0] = 0;
  lengths[15] = 0;
  // The upper or lower two: a horizontal piece; the left or right two: a vertical one.
  lengths[0b1100] = sx;
  lengths[0b0011] = sx;
  lengths[0b1010] = sy;
  lengths[0b0101] = sy;
  lengths[0b1001] = 2 * diagonal;
  lengths[0b0110] = 2 * diagonal;
  return lengths;
}

function contourWeights(mask: IntegerArray, lengths: Float64Array): Float64Array {
  const { height, width } = extentsOf(mask.shape);
  const at = (y: number, x: number): number =>
    y >= 0 && y < height && x >= 0 && x < width && mask.data[y * width + x] !== 0 ? 1 : 0;
  const weights = new Float64Array((height + 1) * (width + 1));
  for (let y = 0, i = 0; y <= height; y++) {
    for (let x = 0; x <= width; x++, i++) {
      const code = 8 * at(y - 1, x - 1) + 4 * at(y - 1, x) + 2 * at(y, x - 1) + at(y, x);
      weights[i] = lengths[code];
    }
  }
  return weights;
}

function measure(
  truth: Float64Array,
  prediction: Float64Array,
  shape: readonly number[],
  spacing: readonly number[],
): SurfaceDistances {
  return { truthToPrediction: directed(truth, prediction), predictionToTruth: directed(prediction, truth) };

  function directed(from: Float64Array, to: Float64Array): DirectedDistances {
    const surface = ndarray(
      'uint8',
      shape,
      Uint8Array.from(to, (weight) => (weight > 0 ? 1 : 0)),
    );
    const distance = distanceToNonzero(surface, { spacing }).distance.data;
    const elements: number[] = [];
    for (let i = 0; i < from.length; i++) if (from[i] > 0) elements.push(i);
    elements.sort((i, j) => {
      const [a, b] = [distance[i], distance[j]];
      return a < b ? -1 : a > b ? 1 : 0;
    });
    return {
      distances: Float64Array.from(elements, (i) => distance[i]),
      weights: Float64Array.from(elements, (i) => from[i]),
    };
  }
}
