/** The ellipse (2D) or ellipsoid (3D) with the same moments as an object. */

import { portableAtan2 } from '../array/portable.ts';
import type { Pair, Regions } from './regions.ts';

/** By label; NaN if not defined for the rank. */
export interface AxesOf {
  readonly major: Float64Array;
  readonly minor: Float64Array;
  /** Degrees; 2D only. */
  readonly orientation: Float64Array;
  /** 2D only. */
  readonly eccentricity: Float64Array;
}

/**
 * Axes as in `skimage.measure.regionprops`: in 2D 4 sqrt(l) of the eigenvalues l1 >= l2 of the covariance of the
 * coordinates; in 3D sqrt(10 (l1 + l2 - l3)) and sqrt(10 (l2 + l3 - l1)) of the inertia tensor's eigenvalues, which
 * equals 2 sqrt(5 e) for the largest and the smallest eigenvalue e of the covariance. Eccentricity sqrt(1 - l2 / l1), 0
 * for one pixel. Orientation is the angle from the first axis (down the rows) to the major axis, -90..90 degrees,
 * positive towards the right; +-45 for a shape without direction.
 * @param spacing of z, y, x
 */
export function axesOf(regions: Regions, rank: 2 | 3, spacing: readonly [number, number, number]): AxesOf {
  const { count } = regions;
  const result: AxesOf = {
    major: new Float64Array(count + 1),
    minor: new Float64Array(count + 1),
    orientation: new Float64Array(count + 1).fill(Number.NaN),
    eccentricity: new Float64Array(count + 1).fill(Number.NaN),
  };
  for (let label = 1; label <= count; label++) {
    if (rank === 2) ellipse(regions, label, spacing, result);
    else ellipsoid(regions, label, spacing, result);
  }
  return result;
}

/** The covariance of two coordinates, in physical units. */
function covariance(
  { pixels, sums, products }: Regions,
  label: number,
  [sz, sy, sx]: readonly [number, number, number],
  pair: Pair,
): number {
  const scale = { z: sz, y: sy, x: sx };
  const [a, b] = [...pair] as ['z' | 'y' | 'x', 'z' | 'y' | 'x'];
  const n = pixels[label];
  const centred = products[pair].at(label) - (sums[a][label] * sums[b][label]) / n;
  return (centred / n) * scale[a] * scale[b];
}

function ellipse(
  regions: Regions,
  label: number,
  spacing: readonly [number, number, number],
  { major, minor, orientation, eccentricity }: AxesOf,
): void {
  const yy = covariance(regions, label, spacing, 'yy');
  const xx = covariance(regions, label, spacing, 'xx');
  const yx = covariance(regions, label, spacing, 'yx');
  const mean = (yy + xx) / 2;
  const spread = Math.hypot((yy - xx) / 2, yx);
  const large = mean + spread;
  // The product of both is the determinant: accurate for thin shapes, unlike mean - spread.
  const small = large > 0 ? Math.max(0, (yy * xx - yx * yx) / large) : 0;
  major[label] = 4 * Math.sqrt(large);
  minor[label] = 4 * Math.sqrt(small);
  eccentricity[label] = large > 0 ? Math.sqrt(1 - small / large) : 0;
  const angle = yy === xx ? (yx > 0 ? Math.PI / 4 : -Math.PI / 4) : portableAtan2(2 * yx, yy - xx) / 2;
  orientation[label] = (angle * 180) / Math.PI;
}

function ellipsoid(
  regions: Regions,
  label: number,
  spacing: readonly [number, number, number],
  { major, minor }: AxesOf,
): void {
  const of = (pair: Pair): number => covariance(regions, label, spacing, pair);
  const values = eigenvalues(of('zz'), of('yy'), of('xx'), of('zy'), of('zx'), of('yx'));
  major[label] = Math.sqrt(20 * values[0]);
  minor[label] = Math.sqrt(20 * values[2]);
}

/** Eigenvalues of a symmetric matrix [[a, d, e], [d, b, f], [e, f, c]], descending, not below 0, by Jacobi rotations. */
function eigenvalues(
  a: number,
  b: number,
  c: number,
  d: number,
  e: number,
  f: number,
): readonly [number, number, number] {
  const m = [
    [a, d, e],
    [d, b, f],
    [e, f, c],
  ] as [number[], number[], number[]];
  const at = (i: number, j: number): number => m[i][j];
  const put = (i: number, j: number, value: number): void => {
    m[i][j] = value;
  };
  for (let sweep = 0; sweep < 30; sweep++) {
    const off = Math.abs(at(0, 1)) + Math.abs(at(0, 2)) + Math.abs(at(1, 2));
    if (off <= 1e-15 * (Math.abs(at(0, 0)) + Math.abs(at(1, 1)) + Math.abs(at(2, 2)))) break;
    for (const [p, q] of [
      [0, 1],
      [0, 2],
      [1, 2],
    ] as const) {
      if (at(p, q) === 0) continue;
      const theta = (at(q, q) - at(p, p)) / (2 * at(p, q));
      const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
      const cos = 1 / Math.hypot(t, 1);
      const sin = t * cos;
      const r = 3 - p - q;
      const [rp, rq] = [at(r, p), at(r, q)];
      const pq = at(p, q);
      put(p, p, at(p, p) - t * pq);
      put(q, q, at(q, q) + t * pq);
      put(p, q, 0);
      put(q, p, 0);
      for (const [i, value] of [
        [p, cos * rp - sin * rq],
        [q, sin * rp + cos * rq],
      ] as const) {
        put(r, i, value);
        put(i, r, value);
      }
    }
  }
  const values = [at(0, 0), at(1, 1), at(2, 2)].map((value) => Math.max(0, value)).sort((x, y) => y - x);
  return values as [number, number, number];
}
