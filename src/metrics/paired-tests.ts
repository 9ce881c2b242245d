/** Whether two methods differ significantly on the same images. */
import type { Random } from '../array/random.ts';
import { normalCdf } from './normal-distribution.ts';

export interface TestResult {
  /** Two-sided p value: how often chance alone produces a difference at least as large. NaN without images. */
  readonly p: number;
  /** Whether all cases were counted; otherwise a random sample or a normal approximation was used. */
  readonly exact: boolean;
}

/** Signs of up to this many differences are enumerated: 2^20 cases. */
const MOST_ENUMERATED = 20;

/**
 * Fisher's permutation test of paired differences: under the null hypothesis each difference is equally likely to have
 * the opposite sign. p is the fraction of all 2^n sign assignments whose mean is at least as far from 0 as the observed
 * one; with more than 20 nonzero differences (k + 1) / (samples + 1) over randomly sampled signs, or, if all are of
 * equal size, a binomial test (McNemar).
 */
export function signFlipTest(
  differences: ArrayLike<number>,
  random: Random,
  { draws = 100_000 }: { readonly draws?: number } = {},
): TestResult {
  if (differences.length === 0) return { p: Number.NaN, exact: true };
  const sizes = Array.from(differences, Math.abs).filter((size) => size > 0);
  const n = sizes.length;
  if (n === 0) return { p: 1, exact: true };
  let sum = 0;
  for (let i = 0; i < differences.length; i++) sum += differences[i];
  // Tolerance for summing the same numbers in a different order.
  const observed = Math.abs(sum) * (1 - 1e-9);
  const [size] = sizes as [number];
  if (sizes.every((other) => other === size)) {
    return { p: binomialTail(n, Math.round((Math.abs(sum) / size + n) / 2)), exact: true };
  }
  if (n <= MOST_ENUMERATED) {
    // Gray code: one sign changes per step. By symmetry the first one is fixed.
    let current = sizes.reduce((a, b) => a + b, 0);
    const sign = new Int8Array(n).fill(1);
    const cases = 2 ** (n - 1);
    let extreme = 0;
    for (let step = 1; ; step++) {
      if (Math.abs(current) >= observed) extreme++;
      if (step === cases) break;
      const i = 1 + 31 - Math.clz32(step & -step);
      sign[i] = -sign[i];
      current += 2 * sign[i] * sizes[i];
    }
    return { p: extreme / cases, exact: true };
  }
  let extreme = 0;
  for (let draw = 0; draw < draws; draw++) {
    let total = 0;
    for (let i = 0; i < n; i++) total += random.uniform() < 0.5 ? sizes[i] : -sizes[i];
    if (Math.abs(total) >= observed) extreme++;
  }
  return { p: (extreme + 1) / (draws + 1), exact: false };
}

/** 2 P(X >= k) for n fair coins, at most 1; k >= n / 2. */
function binomialTail(n: number, k: number): number {
  let logChoose = 0;
  let sum = 0;
  for (let i = n; i >= k; i--) {
    // C(n, n) = 1, C(n, i - 1) = C(n, i) i / (n - i + 1)
    sum += Math.exp(logChoose - n * Math.LN2);
    logChoose += Math.log(i) - Math.log(n - i + 1);
  }
  return Math.min(1, 2 * sum);
}

/** Distributions of up to this many ranks are counted exactly. */
const MOST_RANKED = 50;

/**
 * Wilcoxon's signed-rank test: uses the ranks of the differences, so that a single image with a large difference does
 * not decide. Differences of 0 are ignored. Exact for up to 50 differences of distinct sizes, otherwise by a normal
 * approximation with tie correction.
 */
export function wilcoxonTest(differences: ArrayLike<number>): TestResult {
  if (differences.length === 0) return { p: Number.NaN, exact: true };
  const kept = Array.from(differences).filter((d) => d !== 0);
  const n = kept.length;
  if (n === 0) return { p: 1, exact: true };
  const order = kept.map((_, i) => i).sort((a, b) => Math.abs(kept[a]) - Math.abs(kept[b]));
  const ranks = new Float64Array(n);
  let ties = 0;
  for (let from = 0; from < n; ) {
    let to = from + 1;
    while (to < n && Math.abs(kept[order[to]]) === Math.abs(kept[order[from]])) to++;
    // The mean of the ranks from + 1 .. to.
    for (let k = from; k < to; k++) ranks[order[k]] = (from + 1 + to) / 2;
    ties += (to - from) ** 3 - (to - from);
    from = to;
  }
  let positive = 0;
  for (let i = 0; i < n; i++) if (kept[i] > 0) positive += ranks[i];
  const all = (n * (n + 1)) / 2;
  const least = Math.min(positive, all - positive);
  if (ties === 0 && n <= MOST_RANKED) return { p: Math.min(1, (2 * subsetsUpTo(n, least)) / 2 ** n), exact: true };
  const deviation = Math.sqrt((n * (n + 1) * (2 * n + 1) - ties / 2) / 24);
  return { p: deviation === 0 ? 1 : Math.min(1, 2 * normalCdf((least - all / 2) / deviation)), exact: false };
}

/** The number of subsets of 1..n with a sum of at most `most`. */
function subsetsUpTo(n: number, most: number): number {
  const counts = new Float64Array(most + 1);
  counts[0] = 1;
  for (let rank = 1; rank <= n; rank++) {
    for (let sum = most; sum >= rank; sum--) counts[sum] = counts[sum] + counts[sum - rank];
  }
  return counts.reduce((a, b) => a + b, 0);
}

/** The smallest p that the permutation test can reach with this many images: 2 / 2^n. */
export function leastSignFlipP(images: number): number {
  return Math.min(1, 2 ** (1 - images));
}

/**
 * p values of several tests, adjusted so that the probability of any false positive is that of a single test (Holm
 * 1979). In the given order; NaN stays NaN.
 */
export function holm(ps: readonly number[]): number[] {
  const order = ps.map((_, i) => i).filter((i) => !Number.isNaN(ps[i]));
  order.sort((a, b) => ps[a] - ps[b]);
  const adjusted = ps.slice();
  let most = 0;
  order.forEach((i, rank) => {
    most = Math.max(most, Math.min(1, (order.length - rank) * ps[i]));
    adjusted[i] = most;
  });
  return adjusted;
}
