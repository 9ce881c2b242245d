import type { Interval } from './bootstrap.ts';
import { normalQuantile } from './normal-distribution.ts';

/**
 * The mean of shares 0..1 of independent parts, such as the fraction of right pixels of windows drawn at random, with
 * Wilson's score interval (Wilson 1927):
 *
 *     (p + z^2 / 2n +- z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n)
 *
 * Each part counts as one trial, since its pixels resemble each other; the variance of a share is at most p (1 - p), so
 * the interval is rather too wide than too narrow, and is not empty where all parts are perfect.
 * @param level of the interval, default 0.95
 * @returns undefined without parts
 */
export function shareInterval(
  shares: readonly number[],
  { level = 0.95 }: { readonly level?: number } = {},
): Interval | undefined {
  const n = shares.length;
  if (n === 0) return undefined;
  const p = shares.reduce((sum, share) => sum + share, 0) / n;
  const z = normalQuantile((1 + level) / 2);
  const middle = (p + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n))) / (1 + (z * z) / n);
  return { value: p, low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}
