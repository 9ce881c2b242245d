/** The standard normal distribution. */

/**
 * P(X <= x), by the series of erf near 0 and the continued fraction of erfc beyond (Abramowitz and Stegun 7.1.6,
 * 7.1.14); accurate to 1e-14.
 */
export function normalCdf(x: number): number {
  const z = Math.abs(x) / Math.SQRT2;
  let upper: number;
  if (z < 2.5) {
    // erf z = 2/sqrt(pi) exp(-z^2) sum_n 2^n z^(2n+1) / (1 3 5 .. (2n+1))
    let term = z;
    let sum = z;
    for (let n = 1; term > 1e-17 * sum; n++) {
      term *= (2 * z * z) / (2 * n + 1);
      sum += term;
    }
    upper = 0.5 - (Math.exp(-z * z) * sum) / Math.sqrt(Math.PI);
  } else {
    let fraction = z;
    for (let k = 80; k > 0; k--) fraction = z + k / 2 / fraction;
    upper = Math.exp(-z * z) / (2 * Math.sqrt(Math.PI) * fraction);
  }
  return x < 0 ? upper : 1 - upper;
}

/** The x with P(X <= x) = p, by bisection; infinite for 0 and 1. */
export function normalQuantile(p: number): number {
  if (p <= 0) return Number.NEGATIVE_INFINITY;
  if (p >= 1) return Number.POSITIVE_INFINITY;
  let [low, high] = [-40, 40];
  while (high - low > 1e-13 * Math.max(1, Math.abs(low))) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (normalCdf(middle) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
