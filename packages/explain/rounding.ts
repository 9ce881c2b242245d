/** How far a float32 value of a graph may deviate from the same value in double precision. */

/** Unit roundoff of float32. */
const ROUNDOFF = 2 ** -24;

/** n u sum |x w|: Higham, Accuracy and Stability of Numerical Algorithms, section 4.2; holds in any order of summation. */
export function roundingOfSum(values: Float32Array, weights: Float32Array, bias: number): number {
  let size = Math.abs(bias);
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (!Number.isNaN(value)) size += Math.abs(value * weights[i]);
  }
  return (values.length + 1) * ROUNDOFF * size;
}

/**
 * For the mean of many numbers of this mean magnitude: 4 sqrt(n) u, since errors of either sign cancel. Higham and Mary
 * 2019, A New Approach to Probabilistic Rounding Error Analysis, theorem 2.4.
 */
export function roundingOfMean(magnitude: number, count: number): number {
  return 4 * Math.sqrt(count) * ROUNDOFF * magnitude;
}

/** For functions of one number, whose kernels approximate them. */
export const approximate = (value: number): number => 1e-5 * Math.max(1e-3, Math.abs(value));
