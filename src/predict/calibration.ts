/**
 * Maps the outputs of a network trained with balanced classes to probabilities by a monotone cubic, fitted on labelled
 * slices. Ciresan et al. 2012, section 2.3.
 */
import type { Graph } from '../graph/ir.ts';
import { rewrite } from '../graph/rewrite.ts';

/** q = c0 + c1 p + c2 p^2 + c3 p^3, clamped to 0..1. */
export type Cubic = readonly [number, number, number, number];

const BINS = 256;

/** Number of pixels per probability bin, and how many of them belong to the class. */
export interface CalibrationCounts {
  readonly all: Float64Array;
  readonly positive: Float64Array;
}

export function noCounts(): CalibrationCounts {
  return { all: new Float64Array(BINS), positive: new Float64Array(BINS) };
}

/** Counts the pixels of one image; labels other than 0 and 1 are ignored. */
export function countPixels(counts: CalibrationCounts, probability: Float32Array, label: Uint8Array): void {
  for (let i = 0; i < label.length; i++) {
    const truth = label[i];
    if (truth > 1) continue;
    const bin = Math.min(BINS - 1, Math.floor(probability[i] * BINS));
    counts.all[bin] = counts.all[bin] + 1;
    counts.positive[bin] = counts.positive[bin] + truth;
  }
}

/** Weight of the prior q = p, spread evenly, so that bins without pixels are determined. */
const PRIOR = 1e-3;

/**
 * The least-squares cubic, minimising the sum over pixels of (q(p) - label)^2, among those that do not decrease on
 * 0..1. If the unconstrained fit decreases anywhere, its derivative is constrained to non-negative Bernstein
 * coefficients,
 *
 *     q'(p) = a (1 - p)^2 + 2 b p (1 - p) + c p^2,   a, b, c >= 0.
 *
 * Undefined if one of the classes has no pixels.
 */
export function fitCalibration({ all, positive }: CalibrationCounts): Cubic | undefined {
  const total = all.reduce((a, b) => a + b, 0);
  const positives = positive.reduce((a, b) => a + b, 0);
  if (positives === 0 || positives === total) return undefined;
  const prior = (PRIOR * total) / BINS;
  const normal = { matrix: Array.from({ length: 4 }, () => [0, 0, 0, 0]), right: [0, 0, 0, 0] };
  for (let k = 0; k < BINS; k++) {
    const p = (k + 0.5) / BINS;
    const basis = [1, p - p * p + p ** 3 / 3, p * p - (2 * p ** 3) / 3, p ** 3 / 3];
    const weight = all[k] + prior;
    const sum = positive[k] + prior * p;
    for (let i = 0; i < 4; i++) {
      for (let j = 0; j < 4; j++) {
        const row = normal.matrix[i];
        row[j] = row[j] + weight * basis[i] * basis[j];
      }
      normal.right[i] = normal.right[i] + sum * basis[i];
    }
  }
  const free = solve(normal.matrix, normal.right);
  const [, a, b, c] = free as [number, number, number, number];
  // A quadratic in Bernstein form is non-negative if its end coefficients are and the middle one is at least -sqrt(a
  // c).
  if (a >= 0 && c >= 0 && b >= -Math.sqrt(a * c)) return powers(free);
  let best: { readonly found: readonly number[]; readonly cost: number } | undefined;
  for (let mask = 0; mask < 8; mask++) {
    const used = [0, 1, 2, 3].filter((i) => i === 0 || (mask & (1 << (i - 1))) !== 0);
    const part = solve(
      used.map((i) => used.map((j) => normal.matrix[i][j])),
      used.map((i) => normal.right[i]),
    );
    const found = [0, 0, 0, 0];
    used.forEach((i, k) => {
      found[i] = part[k];
    });
    if (found.slice(1).some((value) => value < 0)) continue;
    // |A x - y|^2 - |y|^2 = -x.right at the solution of the subproblem.
    const cost = -found.reduce((sum, value, i) => sum + value * normal.right[i], 0);
    if (best === undefined || cost < best.cost) best = { found, cost };
  }
  return powers((best as NonNullable<typeof best>).found);
}

/** Converts an intercept and the Bernstein coefficients of the derivative to powers of p. */
function powers(coefficients: readonly number[]): Cubic {
  const [d, a, b, c] = coefficients as readonly [number, number, number, number];
  return [d, a, b - a, (a - 2 * b + c) / 3];
}

/** Gaussian elimination with pivoting. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const n = right.length;
  const rows = matrix.map((row, i) => [...row, right[i]]);
  for (let column = 0; column < n; column++) {
    let pivot = column;
    for (let i = column + 1; i < n; i++) {
      if (Math.abs(rows[i]?.[column]) > Math.abs(rows[pivot]?.[column])) pivot = i;
    }
    [rows[column], rows[pivot]] = [rows[pivot], rows[column]];
    const top = rows[column];
    for (let i = 0; i < n; i++) {
      const row = rows[i];
      if (i === column) continue;
      const factor = row[column] / top[column];
      for (let j = column; j <= n; j++) row[j] = row[j] - factor * top[j];
    }
  }
  return rows.map((row, i) => row[n] / row[i]);
}

/** q for one probability. */
export function calibrate([c0, c1, c2, c3]: Cubic, p: number): number {
  return Math.max(0, Math.min(1, c0 + p * (c1 + p * (c2 + p * c3))));
}

/**
 * The prediction graph of a two-class network with the cubic after its softmax: the second class becomes q(p), the
 * first 1 - q(p).
 */
export function withCalibration(graph: Graph, [c0, c1, c2, c3]: Cubic): Graph {
  const softmax = graph.nodes.findLast(({ op }) => op === 'Softmax');
  return rewrite(graph, (b, node, [x]) => {
    if (node !== softmax || x === undefined) return undefined;
    const p = b.slice(b.op('Softmax', [x], { axis: 1 }), [1], [2], [1]);
    // Horner's method.
    const q = [c2, c1, c0].reduce((sum, c) => b.add(b.mul(sum, p), b.scalar(c)), b.scalar(c3));
    const cut = b.op('Clip', [q, b.scalar(0), b.scalar(1)]);
    return [b.op('Concat', [b.sub(b.scalar(1), cut), cut], { axis: 1 })];
  });
}

/** Text for the model file. */
export function describeCubic(cubic: Cubic): string {
  return cubic.map((c) => c.toPrecision(4)).join(', ');
}
