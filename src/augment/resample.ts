/**
 * Images, label maps and weights sampled at fractional coordinates, mirrored at the borders (with the edge pixel
 * repeated, at any distance outside). Coordinates refer to pixel centres: 0 is the centre of the first pixel.
 */

import { mirrorIndex } from '../array/gaussian.ts';
import type { Coordinates } from './field.ts';

type Size = readonly [number, number];

/**
 * One plane [height, width] interpolated bilinearly at every coordinate.
 */
export function sampleBilinear(
  plane: Float32Array,
  [height, width]: Size,
  { y, x }: Coordinates,
  out: Float32Array,
): void {
  for (let p = 0; p < out.length; p++) {
    const fy = y[p];
    const fx = x[p];
    const y0 = Math.floor(fy);
    const x0 = Math.floor(fx);
    const ty = fy - y0;
    const tx = fx - x0;
    let a: number;
    let b: number;
    let c: number;
    let d: number;
    if (y0 >= 0 && x0 >= 0 && y0 < height - 1 && x0 < width - 1) {
      const i = y0 * width + x0;
      a = plane[i];
      b = plane[i + 1];
      c = plane[i + width];
      d = plane[i + width + 1];
    } else {
      const top = mirrorIndex(y0, height) * width;
      const bottom = mirrorIndex(y0 + 1, height) * width;
      const left = mirrorIndex(x0, width);
      const right = mirrorIndex(x0 + 1, width);
      a = plane[top + left];
      b = plane[top + right];
      c = plane[bottom + left];
      d = plane[bottom + right];
    }
    const above = a + tx * (b - a);
    out[p] = above + ty * (c + tx * (d - c) - above);
  }
}

/**
 * One plane [height, width] interpolated by Keys' cubic convolution (a = -0.5) at every coordinate. Interpolates the
 * pixels exactly at integer coordinates; overshoots at edges.
 */
export function sampleBicubic(
  plane: Float32Array,
  [height, width]: Size,
  { y, x }: Coordinates,
  out: Float32Array,
): void {
  for (let p = 0; p < out.length; p++) {
    const fy = y[p];
    const fx = x[p];
    const y0 = Math.floor(fy);
    const x0 = Math.floor(fx);
    const t = fx - x0;
    const s = fy - y0;
    // Keys' weights of the samples at -1, 0, 1, 2; the third follows from the sum of 1.
    const t2 = t * t;
    const t3 = t2 * t;
    const a0 = -0.5 * t3 + t2 - 0.5 * t;
    const a1 = 1.5 * t3 - 2.5 * t2 + 1;
    const a3 = 0.5 * (t3 - t2);
    const a2 = 1 - a0 - a1 - a3;
    const s2 = s * s;
    const s3 = s2 * s;
    const b0 = -0.5 * s3 + s2 - 0.5 * s;
    const b1 = 1.5 * s3 - 2.5 * s2 + 1;
    const b3 = 0.5 * (s3 - s2);
    const b2 = 1 - b0 - b1 - b3;
    if (y0 >= 1 && x0 >= 1 && y0 < height - 2 && x0 < width - 2) {
      const i0 = (y0 - 1) * width + x0 - 1;
      const i1 = i0 + width;
      const i2 = i1 + width;
      const i3 = i2 + width;
      out[p] =
        b0 * (a0 * plane[i0] + a1 * plane[i0 + 1] + a2 * plane[i0 + 2] + a3 * plane[i0 + 3]) +
        b1 * (a0 * plane[i1] + a1 * plane[i1 + 1] + a2 * plane[i1 + 2] + a3 * plane[i1 + 3]) +
        b2 * (a0 * plane[i2] + a1 * plane[i2 + 1] + a2 * plane[i2 + 2] + a3 * plane[i2 + 3]) +
        b3 * (a0 * plane[i3] + a1 * plane[i3 + 1] + a2 * plane[i3 + 2] + a3 * plane[i3 + 3]);
    } else {
      const x1 = mirrorIndex(x0 - 1, width);
      const x2 = mirrorIndex(x0, width);
      const x3 = mirrorIndex(x0 + 1, width);
      const x4 = mirrorIndex(x0 + 2, width);
      let sum = 0;
      for (let k = 0; k < 4; k++) {
        const row = mirrorIndex(y0 - 1 + k, height) * width;
        const weight = k === 0 ? b0 : k === 1 ? b1 : k === 2 ? b2 : b3;
        sum += weight * (a0 * plane[row + x1] + a1 * plane[row + x2] + a2 * plane[row + x3] + a3 * plane[row + x4]);
      }
      out[p] = sum;
    }
  }
}

/**
 * Labels [height, width] at every coordinate by bilinear voting: the four surrounding pixels vote for their label with
 * their bilinear weights, and the largest sum wins (the nearest pixel's in case of a tie). Boundaries are smoother than
 * with nearest neighbour, and no new label is introduced.
 */
export function sampleLabels<A extends Uint8Array | Int32Array>(
  labels: A,
  [height, width]: Size,
  { y, x }: Coordinates,
  out: A,
): void {
  for (let p = 0; p < out.length; p++) {
    const fy = y[p];
    const fx = x[p];
    const y0 = Math.floor(fy);
    const x0 = Math.floor(fx);
    let a: number;
    let b: number;
    let c: number;
    let d: number;
    if (y0 >= 0 && x0 >= 0 && y0 < height - 1 && x0 < width - 1) {
      const i = y0 * width + x0;
      a = labels[i];
      b = labels[i + 1];
      c = labels[i + width];
      d = labels[i + width + 1];
    } else {
      const top = mirrorIndex(y0, height) * width;
      const bottom = mirrorIndex(y0 + 1, height) * width;
      const left = mirrorIndex(x0, width);
      const right = mirrorIndex(x0 + 1, width);
      a = labels[top + left];
      b = labels[top + right];
      c = labels[bottom + left];
      d = labels[bottom + right];
    }
    if (a === b && a === c && a === d) out[p] = a;
    else out[p] = vote(a, b, c, d, fx - x0, fy - y0);
  }
}

function vote(a: number, b: number, c: number, d: number, tx: number, ty: number): number {
  const wa = (1 - tx) * (1 - ty);
  const wb = tx * (1 - ty);
  const wc = (1 - tx) * ty;
  const wd = tx * ty;
  const va = wa + (b === a ? wb : 0) + (c === a ? wc : 0) + (d === a ? wd : 0);
  const vb = b === a ? 0 : wb + (c === b ? wc : 0) + (d === b ? wd : 0);
  const vc = c === a || c === b ? 0 : wc + (d === c ? wd : 0);
  const vd = d === a || d === b || d === c ? 0 : wd;
  const most = Math.max(va, vb, vc, vd);
  const nearest = ty < 0.5 ? (tx < 0.5 ? a : b) : tx < 0.5 ? c : d;
  // Votes that are equal within rounding go to the nearest pixel.
  const close = most - 1e-6;
  if ((nearest === a && va >= close) || (nearest === b && vb >= close) || (nearest === c && vc >= close))
    return nearest;
  return va === most ? a : vb === most ? b : vc === most ? c : d;
}
